"""Time two stacks of two LSTM layers, one for each direction: jaxemb beside torch and Flax.

Usage: python scripts/benchmark.py lstm [--rounds 15] [--threads 2] [--help]

All programs have the same weights and text, and their losses are compared before they are timed. A
training step is the loss (the sum of squares of the outputs) and its gradient by all weights and
the vectors; there is no optimizer. In every round each program runs twice and the second run is
timed, so that other load on the machine falls on all programs and each finds its own data in the
caches. `CPU ms` is the sum over threads; on a busy machine measure with `taskset -c 0 ... --threads
1`, because torch's threads spin while they wait. torch is the extra `bench`; without it Flax alone
is the peer. Writes lstm.json.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import _together
from jaxemb.contextual import cells, recurrence
from jaxemb.contextual.members.lstms import LSTM, lstm_cell
from jaxemb.lab import command_line

Programs = dict[str, Callable[[], Any]]


@dataclasses.dataclass(frozen=True)
class Size:
    """A text, and the layers that read it."""

    batch: int
    time: int
    dim: int
    cell: int
    projection: int | None = None


SIZES = (Size(32, 20, 128, 256), Size(32, 64, 256, 512), Size(32, 20, 256, 1024, 256))


@dataclasses.dataclass(frozen=True)
class Settings:
    """Time two stacks of LSTM layers."""

    rounds: int = 15
    threads: int = 2
    """Threads of torch; XLA uses all available cores."""
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    settings = command_line.parse(Settings, arguments)
    rows: list[dict[str, Any]] = []
    for size in SIZES:
        for kind, programs in _kinds(size, settings.threads).items():
            rows += _rows(size, kind, _timed(programs, settings.rounds))
            print(f"\n{_together.table(rows[-len(programs) :])}", flush=True)
    _together.write("lstm", settings, rows, settings.folder)


def _rows(size: Size, kind: str, timed: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return milliseconds, and ratios to the peers: of medians, of the fastest, of CPU time."""
    shape = f"{size.batch} x {size.time}, {size.dim} -> {size.cell}"
    shape += f" -> {size.projection}" if size.projection else ""
    return [
        {
            "batch x time, layer": shape,
            "": kind,
            "program": name,
            **dict(
                zip(("median ms", "fastest", "CPU ms"), (own * 1e3).round(1).tolist(), strict=True)
            ),
            **{f"to {p}": _ratios(own, timed[p]) for p in ("torch", "flax") if p in timed},
        }
        for name, own in timed.items()
    ]


def _ratios(own: np.ndarray, peers: np.ndarray) -> str:
    return ", ".join(f"{ratio:.2f}" for ratio in own / peers)


def _timed(programs: Programs, rounds: int) -> dict[str, np.ndarray]:
    """Return seconds of each program, run in turn: median, fastest, and least CPU time."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for i in range(rounds + 1):
        for name, program in programs.items():
            program()
            start, used = time.perf_counter(), time.process_time()
            program()
            if i:
                seconds[name].append((time.perf_counter() - start, time.process_time() - used))
    columns = {name: np.array(times).T for name, times in seconds.items()}
    return {
        n: np.array([np.median(wall), *map(min, (wall, cpu))]) for n, (wall, cpu) in columns.items()
    }


def _kinds(size: Size, threads: int) -> dict[str, Programs]:
    """Return the programs of each kind, forward and step, after checking that they agree."""
    keys = jax.random.split(jax.random.key(0), 5)
    cell = lstm_cell(size.cell, size.projection, forget_bias=0.0)
    stacks = [[cell.init(keys[0], size.dim), cell.init(keys[1], cell.out)]]
    stacks += [[cell.init(keys[2], size.dim), cell.init(keys[3], cell.out)]]
    x = jax.random.normal(keys[4], (size.time, size.batch, size.dim), jnp.float32)
    made = (
        {} if size.projection else {"torch": _torch(stacks, x, threads), "flax": _flax(stacks, x)}
    )
    for name, recur in (("plain", recurrence.plain), ("fast", recurrence.fast)):
        own = lstm_cell(size.cell, size.projection, forget_bias=0.0, recur=recur)
        made[f"jaxemb {name}"] = _jitted(_outputs(own), stacks, x)
    made = {name: pair for name, pair in made.items() if pair}
    losses = [float(pair[1]()) for pair in made.values()]
    np.testing.assert_allclose(losses, losses[-1], rtol=1e-4, err_msg=f"losses of {list(made)}")
    return {k: {n: pair[i] for n, pair in made.items()} for i, k in enumerate(("forward", "step"))}


def _jitted(outputs: Callable, stacks: Any, x: jax.Array) -> tuple[Callable, Callable]:
    """Return two programs of a JAX function: its outputs, and its loss with the gradient."""
    forward = jax.jit(outputs)

    def loss(stacks, x):
        return sum(jnp.sum(output * output) for output in outputs(stacks, x))

    step = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
    return (
        lambda: jax.block_until_ready(forward(stacks, x)),
        lambda: jax.block_until_ready(step(stacks, x))[0],
    )


def _outputs(cell: cells.Cell) -> Callable:
    def outputs(stacks, x):
        mask = jnp.ones(x.shape[:2])
        states = []
        for stack, reverse in zip(stacks, (False, True), strict=True):
            y = x
            for layer in stack:
                start = cell.start(x.shape[1:2])
                y, _ = cell.run(layer, y, mask, jnp.zeros_like(mask), start, reverse)
            states.append(y)
        return states

    return outputs


def _flax(stacks: list[list[LSTM]], x: jax.Array) -> tuple[Callable, Callable]:
    def named(layer: LSTM) -> dict[str, Any]:
        w, u, b = (jnp.split(array, 4, -1) for array in (layer.kernel, layer.recurrent, layer.bias))
        inputs = {f"i{gate}": {"kernel": w[k]} for k, gate in enumerate("igfo")}
        return inputs | {f"h{g}": {"kernel": u[k], "bias": b[k]} for k, g in enumerate("igfo")}

    cell = nn.OptimizedLSTMCell(stacks[0][0].recurrent.shape[0])

    def outputs(stacks, x):
        states = [x, x]
        for i, reverse in enumerate((False, True)):
            layer = nn.RNN(cell, time_major=True, reverse=reverse, keep_order=True)
            for params in stacks[i]:
                states[i] = layer.apply({"params": {"cell": params}}, states[i])
        return states

    return _jitted(outputs, [[named(layer) for layer in stack] for stack in stacks], x)


def _torch(stacks: list[list[LSTM]], x: jax.Array, threads: int):
    try:
        import torch
    except ImportError:
        print("torch is not installed: pip install 'jaxemb[bench]'")
        return None
    torch.set_num_threads(threads)
    order = np.array([0, 2, 1, 3])  # torch's i, f, g, o from our i, j, f, o
    dim, cell = stacks[0][0].kernel.shape[0], stacks[0][0].recurrent.shape[0]
    theirs = [torch.nn.LSTM(dim, cell, num_layers=2) for _ in stacks]
    for lstm, stack in zip(theirs, stacks, strict=True):
        for k, layer in enumerate(stack):
            for name, ours in (("ih", layer.kernel), ("hh", layer.recurrent)):
                turned = np.asarray(ours).T.reshape(4, cell, -1)[order].reshape(4 * cell, -1)
                lstm.get_parameter(f"weight_{name}_l{k}").data.copy_(torch.tensor(turned))
                lstm.get_parameter(f"bias_{name}_l{k}").data.zero_()
    text = torch.tensor(np.asarray(x), requires_grad=True)

    def outputs():
        return [theirs[0](text)[0], theirs[1](text.flip(0))[0].flip(0)]

    def forward():
        with torch.inference_mode():
            return outputs()

    weights = [w for lstm in theirs for w in lstm.parameters()]

    def step():
        loss = torch.stack([torch.sum(output * output) for output in outputs()]).sum()
        torch.autograd.grad(loss, [*weights, text])
        return loss.detach()

    return forward, step

"""Time what this project does on this device, in one run of a few minutes: for accelerators.

Usage: python scripts/benchmark.py device [--vocab 100000] [--dims 128 300] [--seconds 330]

Prints the device's peak rates (products, copies, rows read and added at random); microseconds a
token of training, at every step size, dim and way to add rows; the rank of a large table; a step of
an LSTM and of a minGRU; and whether the same training gives the same bits twice. After so many
seconds no further part begins, and those that are left out are named. Writes device.json and .png;
on a CPU it prints the same.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import _together
from jaxemb import linalg, objectives
from jaxemb.contextual import members
from jaxemb.lab import command_line
from jaxemb.lab.runs.static import chips
from jaxemb.static import steps, tables
from jaxemb.structs import Text
from jaxemb.training import learners, loop

WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "cap": {"cap": steps.CAP},
    "cap, sorted": {"cap": steps.CAP, "ops": tables.SORTED},
    "cap, bfloat16": {"cap": steps.CAP, "table_dtype": "bfloat16"},
}
Part = tuple[str, str, Callable[[], dict[str, Any]]]  # of what, how, and its measurement


@dataclasses.dataclass(frozen=True)
class Settings:
    """Time training, rank and recurrences on this device."""

    vocab: int = 100_000
    dims: tuple[int, ...] = (128, 300)
    tokens: tuple[int, ...] = (512, chips.TOKENS, 65_536)
    """Tokens per step."""
    rows: int = 1_000_000
    """Of the table whose rank is computed; it has the last of the dims."""
    repeats: int = 3
    seconds: float = 330.0
    """After which no further part begins."""
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    settings, start = command_line.parse(Settings, arguments), time.perf_counter()
    print(f"{jax.devices()[0].device_kind}, {jax.default_backend()}\n")
    rates = _together.roofline(settings.dims[0])
    print("\n".join(f"- {name}: {rate:,.1f}" for name, rate in rates.items()) + "\n")
    rows, left_out = [], []
    for what, how, measure in parts(settings):
        if time.perf_counter() - start > settings.seconds:
            left_out.append(f"{what}, {how}")
            continue
        rows.append({"what": what, "how": how, **measure()})
        print("\n".join(_together.table(rows).splitlines()[0 if len(rows) == 1 else -1 :]))
    if left_out:
        print(f"\nleft out after {settings.seconds:g} s: {'; '.join(left_out)}")
    place = _together.write("device", settings, [rates, *rows], settings.folder)
    _together.picture(place / "device.png", lambda axes: _draw(axes, rows))


def parts(settings: Settings) -> Iterator[Part]:
    """What is measured, in the order of its worth: a run may end before the last."""
    advised = (settings.dims[0], chips.TOKENS, "cap")
    cases = [advised]
    for dim in settings.dims:
        for tokens in settings.tokens:
            ways = ["plain"] if tokens < chips.TOKENS else [way for way in WAYS if way != "plain"]
            cases += [(dim, tokens, way) for way in ways if (dim, tokens, way) != advised]
    for i, (dim, tokens, way) in enumerate(cases):
        yield (
            "skip-gram",
            f"dim {dim}, {tokens} tokens, {way}",
            _trained(settings, dim, tokens, way),
        )
        if i == 0:
            yield "rank", f"{settings.rows} x {settings.dims[-1]}", lambda: _rank(settings)
            for member in (members.lstm, members.mingru):
                yield member.__name__, "32 texts of 20, 128 -> 256", _recurrent(member, settings)
            yield "bits of two runs", "skip-gram, 64 steps", lambda: _bits(settings)


def _row(unit: str, times: list[float], **more: Any) -> dict[str, Any]:
    low, median, high = np.quantile(times, [0, 0.5, 1])
    return {"unit": unit, "median": f"{median:.4g}", "lowest": f"{low:.4g}",
            "highest": f"{high:.4g}", "words/s": "", **more}  # fmt: skip


def _trained(settings: Settings, dim: int, tokens: int, way: str) -> Callable[[], dict[str, Any]]:
    def measure() -> dict[str, Any]:
        objective = objectives.skipgram()
        learner = learners.row_sparse(objective, **WAYS[way])
        batch = max(tokens // objective.reads.block_length, 1)
        vocab = _together.zipf_vocab(settings.vocab)
        timed = _together.time_steps(objective, learner, vocab, dim, batch, settings.repeats)
        speed = f"{1e6 / timed.median:,.0f}"
        return _row("us a token", [timed.low, timed.median, timed.high], **{"words/s": speed})

    return measure


def _seconds(settings: Settings, call: Callable[[], Any]) -> list[float]:
    jax.block_until_ready(call())
    times = []
    for _ in range(settings.repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - start)
    return times


def _rank(settings: Settings) -> dict[str, Any]:
    table = jax.random.normal(jax.random.key(0), (settings.rows, settings.dims[-1]), jnp.float32)
    program = jax.jit(linalg.rank)
    return _row("s", _seconds(settings, lambda: program(table)))


def _recurrent(member: Any, settings: Settings) -> Callable[[], dict[str, Any]]:
    """A training step of a member: the loss and its gradient by the parameters."""

    def measure() -> dict[str, Any]:
        model = member(128, units=256)
        params = jax.jit(model.init)(jax.random.key(0))
        vectors = jax.random.normal(jax.random.key(1), (20, 32, 128), jnp.float32)
        ones = jnp.ones((20, 32))
        text = [Text(vectors, ones, jnp.zeros((20, 32)))] * len(model.reverse)

        def loss(params):
            outputs, _ = model.layers(params, text, model.start((32,)))
            return sum(jnp.sum(jnp.square(layers[-1])) for layers in outputs)

        step = jax.jit(jax.value_and_grad(loss))
        return _row("ms", [1e3 * s for s in _seconds(settings, lambda: step(params))])

    return measure


def _bits(settings: Settings) -> dict[str, Any]:
    """Whether 64 steps of 512 tokens from one state leave the same bits twice."""
    objective, vocab = objectives.skipgram(), _together.zipf_vocab(settings.vocab)
    learner = learners.row_sparse(objective)
    plan = loop.Plan(jax.random.key(0), objective, learner, settings.dims[0], 1, 0.025, 32, 64)
    resources, rows = objective.prepare(vocab)
    texts = jnp.asarray(_together.zipf_texts(vocab, (64, 32, 26)), jnp.int32)
    program = loop.one(plan)
    one, other = (
        program.chunk(program.start(rows), 0, 64, texts, jnp.full(64, 0.025), resources).tables
        for _ in range(2)
    )
    same = all(bool(jnp.all(a == b)) for a, b in zip(one, other, strict=True))
    return _row("1 if equal", [float(same)])


def _draw(axes, rows: list[dict[str, Any]]) -> None:
    trained = [row for row in rows if row["words/s"]]
    names = [row["how"] for row in trained]
    speeds = [float(row["words/s"].replace(",", "")) / 1e6 for row in trained]
    axes.barh(names[::-1], speeds[::-1], color="#2e6f9e", label="skip-gram")
    axes.set(xlabel="M words/s of the training program", title=jax.devices()[0].device_kind)

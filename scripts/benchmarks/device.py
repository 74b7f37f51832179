"""The training program on this device: ways to add rows, at every step size.

Usage: python scripts/benchmark.py device [--vocab 100000] [--dim 300]

For whoever has an accelerator: the same table as on a CPU. `plain` adds every row where it belongs,
`sorted` sums repeated rows first, `cap` also bounds what a step adds to a row, which large steps
need. Microseconds a token, as ratios to the first row, under what the device does at best: the
rates of products, copies, and rows read and added at random. Writes device.json.
"""

import dataclasses

import jax

from benchmarks import _together
from jaxemb import objectives
from jaxemb.lab import command_line
from jaxemb.static import tables
from jaxemb.training import learners

WAYS = {
    "plain": {},
    "sorted": {"ops": tables.SORTED},
    "plain, cap": {"cap": 0.25},
    "sorted, cap": {"cap": 0.25, "ops": tables.SORTED},
}


@dataclasses.dataclass(frozen=True)
class Asked:
    """This device's best settings."""

    vocab: int = 100_000
    dim: int = 100
    tokens: tuple[int, ...] = (512, 4_096, 65_536)
    """Tokens a step."""
    repeats: int = 5
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    asked = command_line.parse(Asked, arguments)
    device = jax.devices()[0]
    print(f"{device.device_kind}, {jax.default_backend()}\n")
    rates = _together.roofline(asked.dim)
    for name, rate in rates.items():
        print(f"- {name}: {rate:,.1f}")
    print()
    vocab, rows, base = _together.zipf_vocab(asked.vocab), [], None
    for name, build in {"skipgram": objectives.skipgram, "cbow": objectives.cbow}.items():
        for tokens in asked.tokens:
            for way, settings in WAYS.items():
                objective = build()
                learner = learners.row_sparse(objective, **settings)
                batch = max(tokens // objective.reads.block_length, 1)
                found = _together.time_steps(
                    objective, learner, vocab, asked.dim, batch, asked.repeats
                )
                base = base or found.median
                rows.append(
                    {
                        "objective": name,
                        "tokens a step": tokens,
                        "rows are added": way,
                        "us a token": round(found.median, 3),
                        "lowest": round(found.low, 3),
                        "highest": round(found.high, 3),
                        "ratio": round(found.median / base, 2),
                    }
                )
                print("\n".join(_together.table(rows).splitlines()[0 if len(rows) == 1 else -1 :]))
    _together.write("device", asked, [rates, *rows], asked.folder)

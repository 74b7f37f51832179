"""Time the training program on this device: ways to add rows, at every step size.

Usage: python scripts/benchmark.py device [--vocab 100000] [--dim 300]

Meant for accelerators; on a CPU it prints the same table. `plain` scatter-adds every row, `sorted`
sums repeated rows first, `cap` also bounds the update of a row, which large steps need. Prints the
device's peak rates (products, copies, rows read and added at random), then microseconds per token
with ratios to the first row. Writes device.json.
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
class Settings:
    """Time ways to add rows on this device."""

    vocab: int = 100_000
    dim: int = 100
    tokens: tuple[int, ...] = (512, 4_096, 65_536)
    """Tokens per step."""
    repeats: int = 5
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    settings = command_line.parse(Settings, arguments)
    device = jax.devices()[0]
    print(f"{device.device_kind}, {jax.default_backend()}\n")
    rates = _together.roofline(settings.dim)
    for name, rate in rates.items():
        print(f"- {name}: {rate:,.1f}")
    print()
    vocab, rows, base = _together.zipf_vocab(settings.vocab), [], None
    for name, build in {"skipgram": objectives.skipgram, "cbow": objectives.cbow}.items():
        for tokens in settings.tokens:
            for way, options in WAYS.items():
                objective = build()
                learner = learners.row_sparse(objective, **options)
                batch = max(tokens // objective.reads.block_length, 1)
                timed = _together.time_steps(
                    objective, learner, vocab, settings.dim, batch, settings.repeats
                )
                base = base or timed.median
                rows.append(
                    {
                        "objective": name,
                        "tokens a step": tokens,
                        "rows are added": way,
                        "us a token": round(timed.median, 3),
                        "lowest": round(timed.low, 3),
                        "highest": round(timed.high, 3),
                        "ratio": round(timed.median / base, 2),
                    }
                )
                print("\n".join(_together.table(rows).splitlines()[0 if len(rows) == 1 else -1 :]))
    _together.write("device", settings, [rates, *rows], settings.folder)

"""Predict memory, traffic and time of a training run: the tables of docs/scale.md.

Usage: python scripts/plan.py [--vocabulary 10_000_000] [--dim 512] [--page docs/scale.md] [--help]

Prints memory per device, bytes sent per step and time per epoch, for each machine and each way to
divide the work. The rates are the best that the maker publishes: the times are lower bounds.
"""

import dataclasses
from pathlib import Path

from jaxemb.lab import command_line


@dataclasses.dataclass(frozen=True)
class Settings:
    """A planned training run, by default that of docs/scale.md."""

    vocabulary: int = 10_000_000
    dim: int = 512
    tokens: int = 10**12
    """Tokens of an epoch, after subsampling."""
    window: int = 5
    block_length: int = 16
    shared_negatives: int = 22
    batch: int = 4_096
    """Blocks in a step, over all devices."""
    bounded: bool = True
    """Whether the learner sums repeated rows first, as `cap` and AdaGrad need."""
    slots: int = 0
    """Entries of optimizer state per entry of the tables: 1 for AdaGrad."""
    page: str | None = None
    """A Markdown page whose tables are replaced; by default the tables are printed."""


def main() -> None:
    settings = command_line.parse(Settings)
    from jaxemb.lab import outcome
    from jaxemb.lab.studies.planning import job, report

    fields = dataclasses.asdict(settings)
    page = fields.pop("page")
    tables = report.whole(job.Job(**fields))
    if page is None:
        print("\n\n".join(f"{name}\n\n{text}" for name, text in tables.items()))
    else:
        path = Path(page)
        path.write_text(report.fill(path.read_text("utf-8"), tables), "utf-8")
        outcome.end(path)


if __name__ == "__main__":
    command_line.run(main)

"""What a training would take that nobody has started: the tables of docs/scale.md.

Usage: python scripts/plan.py [--vocabulary 10_000_000] [--dim 512] [--page docs/scale.md] [--help]

Memory a device, bytes over the wire in a step, and time of an epoch, for each way to divide the
work on each machine, at the best rates that its maker publishes: bounds, not forecasts.
"""

import dataclasses
from pathlib import Path

from jaxemb.lab import command_line


@dataclasses.dataclass(frozen=True)
class Asked:
    """A training on paper. By default that of docs/scale.md."""

    vocabulary: int = 10_000_000
    dim: int = 512
    tokens: int = 10**12
    """Of an epoch, after subsampling."""
    window: int = 5
    block_length: int = 16
    shared_negatives: int = 24
    batch: int = 4_096
    """Blocks in a step, of all devices together."""
    bounded: bool = True
    """Whether the learner has a `cap`, or AdaGrad: repeated rows are summed first."""
    slots: int = 0
    """Numbers of optimizer state for every number of the tables: 1 for AdaGrad."""
    page: str | None = None
    """Put the tables in their places on this page, in place of printing them."""


def main() -> None:
    asked = command_line.parse(Asked)
    from jaxemb.lab.studies.planning import job, report

    settings = dataclasses.asdict(asked)
    page = settings.pop("page")
    tables = report.whole(job.Job(**settings))
    if page is None:
        print("\n\n".join(f"{name}\n\n{text}" for name, text in tables.items()))
    else:
        path = Path(page)
        path.write_text(report.fill(path.read_text("utf-8"), tables), "utf-8")


if __name__ == "__main__":
    command_line.run(main)

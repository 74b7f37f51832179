"""The report of a factorised run: its counts, its factorisation and its table."""

from pathlib import Path
from typing import Any

from jaxemb.lab import report
from jaxemb.lab.runs.counts import run
from jaxemb.lab.runs.counts.config import CountConfig
from jaxemb.lab.tables import inspection, report as tables_report


def build(config: CountConfig, result: run.Result) -> dict[str, Any]:
    """The content of the report, as JSON values."""
    return {
        **tables_report.describe(result.vocab, result.tables.input, config.neighbours_of),
        "tokens": result.tokens,
        "counted": result.counted,
        "factorization": {**result.account, "remarks": list(result.remarks)},
    }


def write(config: CountConfig, result: run.Result) -> str:
    """Write report.json, report.md and the pictures into the workdir; returns the Markdown."""
    workdir = Path(config.workdir)
    values = build(config, result)

    def draw() -> list[str]:
        from jaxemb.lab.runs.counts import pictures

        return inspection.draw(workdir, values) + pictures.draw(workdir, values)

    return report.write(
        workdir, "report", values, lambda shown: markdown(workdir.name, values, shown), draw
    )


def markdown(name: str, values: dict[str, Any], pictures: str) -> str:
    """The report as Markdown."""
    sections = [
        f"# {name}: what is this matrix?\n",
        inspection.markdown(values),
        tables_report.words_and_scores(values),
        _counted(values),
        pictures,
    ]
    return "\n".join(sections)


def _counted(values: dict[str, Any]) -> str:
    tokens, counted = values["tokens"], values["counted"]
    dropped = ", ".join(f"{n:,} {cause}" for cause, n in tokens["dropped"].items())
    pairs, size = sum(counted["pairs"]), values["vocabulary"]
    remarks = "\n".join(f"- {remark}" for remark in values["factorization"]["remarks"])
    return f"""## What was counted, and what was factored

- tokens: {tokens["read"]:,} read = {tokens["kept"]:,} kept + dropped ({dropped})
- of those kept, {tokens["held_out"]:,} held out, {tokens["subsampled"]:,} subsampled and
  {tokens["counted"]:,} counted
- {pairs:,} pairs within {len(counted["pairs"])} words, in {counted["cells"]:,} cells: one in
  {size**2 / max(counted["cells"], 1):,.0f} of all; weighted sum {counted["sum"]:,.1f} (of the
  pairs {counted["sum_of_pairs"]:,.1f})
{remarks}
"""

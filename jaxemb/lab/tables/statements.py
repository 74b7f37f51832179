"""The measures of one table in sentences, as Markdown."""

import math
from typing import Any

import numpy as np

from jaxemb.lab import report


def markdown(measures: dict[str, Any]) -> str:
    """The Markdown of the measures that `describe` returns."""
    return report.wrapped("\n".join([_space(measures), _fill(measures), _dimensions(measures)]))


def _space(measures: dict[str, Any]) -> str:
    m, n = measures["vocabulary"], measures["dimension"]
    rank, dependence = measures["rank"], measures["dependence"]
    kind = "independent" if rank["rank"] == n else "dependent"
    fewer = f"there are {m:,} rows only; " * (m < n)
    columns = f"the {n} columns are {kind}: {fewer}{rank['verdict']}"
    if not rank["certified"]:
        why = "rounding to " + measures["stored"] if not rank["exact"] else "this computation"
        columns = f"{why} leaves the rank of the {n} columns undecided ({rank['verdict']})"
    rows = (
        f"the {m:,} rows are dependent: {m:,} vectors in {n} dimensions"
        if m > rank["rank"]
        else f"the {m:,} rows are independent: no more vectors than dimensions"
    )
    if m <= n and not rank["certified"]:
        rows = f"whether the {m:,} rows are independent is then undecided too"
    lines = [columns, *_orthonormal(measures), rows, _combination(dependence)]
    statements = "".join(f"- {line}\n" for line in lines)
    return f"""| | one-hot | this table |
|---|---|---|
| rows m | {m:,} | {m:,} |
| dimensions n | {m:,} | {n} |
| rank | {m:,} | {rank["rank"]} |
| two rows | orthogonal, distance {math.sqrt(2):.4f} = sqrt 2 | {_cosines_in_words(measures)} |

{statements}"""


def _orthonormal(measures: dict[str, Any]) -> list[str]:
    """Lines on the columns, and on the rows, that are orthogonal up to rounding."""
    lines = []
    for side in ("columns", "rows"):
        held = measures[side]
        if held and held["orthogonal"]:
            kind = "orthonormal" if held["unit"] else "orthogonal to each other, not of length 1"
            lines.append(f"the {side} are {kind}: no |cosine| exceeds {held['largest']:.1e}")
    return lines


def _combination(dependence: dict[str, Any]) -> str:
    """The combination of the first rows that is nearest to zero, in a sentence."""
    terms = " ".join(f"{c:+.3f} {word}" for word, c in dependence["largest_terms"])
    terms += " ..." * (dependence["rows"] > len(dependence["largest_terms"]))
    first, residual = f"{dependence['rows']:,} rows", f"{dependence['residual']:.1e}"
    if dependence["dependent"]:
        return (
            f"an explicit dependence among the first {first}: {terms} = 0, with residual "
            f"{residual} of their largest singular value"
        )
    return (
        f"no combination of the first {first} with coefficients of length 1 is zero: the nearest, "
        f"{terms}, is as long as {residual} of their largest singular value"
    )


def _cosines_in_words(measures: dict[str, Any]) -> str:
    if not (cosines := measures["cosines"]):
        return "there is one only"
    return f"mean absolute cosine {cosines['mean']:.3f}, largest {cosines['largest']:.3f}"


def _fill(measures: dict[str, Any]) -> str:
    """How the rows fill the space they span."""
    spectrum, cosines, n = measures["spectrum"], measures["cosines"], measures["dimension"]
    low, _, middle, _, high = measures["norms"]["quantiles"]
    shares = np.cumsum(measures["explained_variance"])
    half, most = (int(np.searchsorted(shares, share) + 1) for share in (0.5, 0.9))
    lines = f"""## Its shape

- singular values: largest {spectrum["largest"]:.4g}, smallest {spectrum["smallest"]:.4g}, condition
  {spectrum["condition"]:.3g}
- how many directions weigh: effective rank {spectrum["effective_rank"]:.1f}, participation ratio
  {spectrum["participation_ratio"]:.1f}, stable rank {spectrum["stable_rank"]:.1f}, of {n}
- {min(half, n)} directions hold half of the variance, {min(most, n)} hold 90 %
- lengths of the rows: {low:.3g} to {high:.3g}, median {middle:.3g}
"""
    return lines + (_among_rows(measures) if cosines else "")


def _among_rows(measures: dict[str, Any]) -> str:
    cosines, mean, isotropy = measures["cosines"], measures["mean"], measures["isotropy"]
    before, after = isotropy["before"], isotropy["after"]
    removed = isotropy["removed"]
    largest = f"{removed} largest directions" if removed > 1 else "largest direction"
    pair = ", ".join(cosines["pair"])
    first = f" (of the first {cosines['rows']:,})" * (cosines["rows"] != measures["vocabulary"])
    bound = f"; in any table of this size it is at least {cosines['welch']:.3f} (Welch)"
    return f"""- |cosines| of two rows{first}: their mean is {cosines["mean"]:.3f}, the largest
  {cosines["largest"]:.3f} ({pair}){bound * (cosines["welch"] > 0)}
- the mean row holds {mean["share"]:.1%} of the mean squared length; the mean cosine of two rows is
  {mean["cosine"]:+.3f} (0 where directions are even)
- isotropy, 1 when all directions are alike: IsoScore {before["isoscore"]:.3f}, partition function
  {before["partition_isotropy"]:.3g}
- without the mean and the {largest}: mean cosine {after["mean_cosine"]:+.3f}, IsoScore
  {after["isoscore"]:.3f}, partition function {after["partition_isotropy"]:.3g}
"""


def _dimensions(measures: dict[str, Any]) -> str:
    axes = measures["axes"]
    lines = [
        "## Does each dimension have a meaning of its own?\n",
        f"- {axes['verdict']}",
        "- the most peaked axes, and the words that are furthest along them:",
        "",
        "| axis | excess kurtosis | words |",
        "|---|---|---|",
    ]
    for row in axes["most_peaked"]:
        words = ", ".join(row["words"]).replace("|", "\\|")
        lines.append(f"| {row['axis']} | {row['kurtosis']:.2f} | {words} |")
    return "\n".join(lines) + "\n"

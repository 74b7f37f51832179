"""The measures of linear algebra of one table, as JSON values and as Markdown."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import linalg
from jaxemb.lab import report
from jaxemb.structs import TableLike

BINS = 80
BLOCK = 1 << 13  # rows that are held in float64
PAIRS = 200_000  # of rows, drawn at random, for the histogram of cosines
SHOWN_AXES = 5
ROTATIONS = 100  # at random, with which the axes of the table are compared


def describe(table: TableLike, words: Sequence[str] | None = None) -> dict[str, Any]:
    """Describe a table by its measures, as JSON values.

    Args:
        table: float [rows, dim].
        words: a name for each row, the most frequent first; by default their numbers.

    Raises:
        InputError: not a table of finite numbers.
    """
    summary = linalg.summary(table, rotations=ROTATIONS)
    m, n = summary.rows, summary.dim
    names = words if words is not None else range(m)
    rank = summary.rank
    return {
        "vocabulary": m,
        "dimension": n,
        "stored": str(getattr(table, "dtype", "float64")),
        "rank": {**_plain(rank._asdict()), "verdict": str(rank)},
        "one_hot": one_hot(m),
        "dependence": _dependence(summary.dependence, names),
        "spectrum": {
            "singular_values": _plain(summary.spectrum.values),
            "largest": float(summary.spectrum.values[0]),
            "smallest": float(summary.spectrum.values[min(m, n) - 1]),
            "effective_rank": summary.effective_rank,
            "stable_rank": summary.stable_rank,
            "participation_ratio": summary.participation_ratio,
            "condition": summary.condition,
        },
        "explained_variance": _plain(summary.explained_variance),
        "mean": {"share": summary.mean_share, "cosine": summary.mean_cosine},
        "isotropy": _isotropy(table, summary),
        "norms": _norms(table),
        "cosines": _cosines(table, summary.coherence, names),
        "axes": _axes(summary.axes, names),
    }


def one_hot(vocab: int) -> dict[str, Any]:
    """Measures of the one-hot matrix of a vocabulary: the identity, judged by its structure."""
    matrix = linalg.one_hot(np.arange(vocab), vocab)
    assert matrix.identity
    return {"rank": int(matrix.rank), "dimension": vocab, "cosine": 0.0, "distance": math.sqrt(2)}


def _dependence(dependence: linalg.Dependence, names: Sequence) -> dict[str, Any]:
    largest = np.argsort(-np.abs(dependence.coefficients))[:4]
    return {
        "rows": len(dependence.coefficients),
        "residual": float(dependence.residual),
        "largest_terms": [[str(names[i]), float(dependence.coefficients[i])] for i in largest],
        "verdict": str(dependence),
    }


def _isotropy(table: Any, summary: linalg.Summary) -> dict[str, Any]:
    """Isotropy before and after removing the mean and the largest directions (Mu and Viswanath)."""
    removed, centered = max(round(summary.dim / 100), 1), summary.centered
    if summary.rows < 2:
        return {"removed": 0, "before": None, "after": None}
    rest = np.empty(table.shape, np.float32)
    for i in range(0, len(rest), BLOCK):
        block = np.asarray(table[i : i + BLOCK], np.float64) - centered.mean
        rest[i : i + BLOCK] = linalg.reject(block, centered.basis[:, :removed])
    left = centered._replace(
        values=np.pad(centered.values[removed:], (0, removed)),
        basis=np.roll(centered.basis, -removed, axis=1),
    )
    # the mean of the rest is 0: its spectrum is that of the centred rest
    plain = left._replace(centered=np.asarray(False), mean=np.zeros_like(left.mean))
    measures = ("mean_cosine", "isoscore", "partition_isotropy")
    after = (
        linalg.mean_cosine(rest),
        linalg.isoscore(left),
        linalg.partition_isotropy(rest, plain),
    )
    return {
        "removed": removed,
        "before": {name: getattr(summary, name) for name in measures},
        "after": dict(zip(measures, map(float, after), strict=True)),
    }


def _norms(table: Any) -> dict[str, Any]:
    blocks = (np.asarray(table[i : i + BLOCK], np.float64) for i in range(0, len(table), BLOCK))
    norms = np.concatenate([np.linalg.norm(block, axis=1) for block in blocks])
    counts, edges = np.histogram(norms, BINS)
    quantiles = np.quantile(norms, [0, 0.05, 0.5, 0.95, 1])
    return {"quantiles": _plain(quantiles), "counts": _plain(counts), "edges": _plain(edges)}


def _cosines(
    table: Any, coherence: linalg.Coherence | None, names: Sequence
) -> dict[str, Any] | None:
    if coherence is None:
        return None
    random = np.random.default_rng(0)
    left, right = random.integers(0, len(table), (2, PAIRS))
    left, right = left[left != right], right[left != right]
    drawn = np.empty(len(left))
    for i in range(0, len(left), BLOCK):
        one, other = (np.asarray(table[at[i : i + BLOCK]], np.float64) for at in (left, right))
        sizes = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        drawn[i : i + BLOCK] = np.einsum("ij,ij->i", one, other) / np.where(sizes > 0, sizes, 1)
    counts, edges = np.histogram(drawn, BINS, (-1, 1))
    return {
        **_plain(coherence._asdict()),
        "pair": [str(names[int(i)]) for i in coherence.pair],
        "counts": _plain(counts),
        "edges": _plain(edges),
    }


def _axes(axes: linalg.Axes, names: Sequence) -> dict[str, Any]:
    """Measures of all axes; words of the most peaked ones, the likeliest to have a meaning."""
    peaked = np.argsort(-np.asarray(axes.kurtosis))[:SHOWN_AXES]
    return {
        "verdict": str(axes),
        "special": bool(axes.special),
        "kurtosis": _plain(axes.kurtosis),
        "rotated_kurtosis": _plain(axes.rotated_kurtosis),
        "sparsity": float(np.mean(axes.sparsity)),
        "rotated_sparsity": _plain(axes.rotated_sparsity),
        "most_peaked": [
            {
                "axis": int(i),
                "kurtosis": float(axes.kurtosis[i]),
                "words": [str(names[int(row)]) for row in axes.top[i]],
            }
            for i in peaked
        ],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return np.asarray(value).tolist()


def markdown(measures: dict[str, Any]) -> str:
    """The Markdown of the measures that `describe` returns."""
    return "\n".join([_space(measures), _fill(measures), _dimensions(measures)])


def _space(measures: dict[str, Any]) -> str:
    m, n = measures["vocabulary"], measures["dimension"]
    rank, dependence = measures["rank"], measures["dependence"]
    terms = " ".join(f"{c:+.3f} {word}" for word, c in dependence["largest_terms"])
    kind = "independent" if rank["rank"] == n else "dependent"
    columns = f"the {n} columns are {kind}: rank {rank['rank']} of {n}"
    if not rank["certified"]:
        columns = f"rounding to {measures['stored']} leaves the rank of the {n} columns undecided"
    rows = (
        f"the {m:,} rows are dependent: {m:,} words in {n} dimensions"
        if m > rank["rank"]
        else f"the {m:,} rows are independent: no more words than dimensions"
    )
    if m <= n and not rank["certified"]:
        rows = f"whether the {m:,} rows are independent is then undecided too"
    return f"""| | one-hot | this table |
|---|---|---|
| words m | {m:,} | {m:,} |
| dimensions n | {m:,} | {n} |
| rank | {m:,} | {rank["rank"]} |
| two words | orthogonal, distance {math.sqrt(2):.4f} = sqrt 2 | {_cosines_in_words(measures)} |

- {columns} ({rank["verdict"]})
- {rows}
- An explicit dependence among the first {dependence["rows"]:,} words:
  {terms} ... = 0, residual {dependence["residual"]:.1e} of their largest singular value.
"""


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
    first = f" (first {cosines['rows']:,} words)" * (cosines["rows"] != measures["vocabulary"])
    return f"""- far from orthogonal: mean absolute cosine {cosines["mean"]:.3f}, largest
  {cosines["largest"]:.3f} ({pair}){first}; no table of this size can stay below
  {cosines["welch"]:.3f} (Welch)
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


def write(folder: Path, name: str, description: dict[str, Any]) -> str:
    """Write report.json, report.md and the pictures of a table; returns the Markdown."""
    head = f"# {name}: what is this matrix?\n\n{markdown(description)}\n"
    return report.write(
        folder, "report", description, lambda shown: head + shown, lambda: draw(folder, description)
    )


def draw(folder: Path, description: dict[str, Any]) -> list[str]:
    """Draw the pictures of a table; returns their names."""
    from jaxemb.lab.tables import pictures

    return pictures.draw(folder, description)

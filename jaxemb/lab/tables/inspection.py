"""The measures of linear algebra of one table, as JSON values; the report on it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import linalg
from jaxemb.lab import report
from jaxemb.lab.tables.statements import markdown as markdown
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
    names = words if words is not None else _Numbered(m)
    rank = summary.rank
    return {
        "vocabulary": m,
        "dimension": n,
        "stored": str(getattr(table, "dtype", "float64")),
        "rank": {**_plain(rank._asdict()), "verdict": str(rank)},
        "one_hot": one_hot(m),
        "columns": _orthogonality(linalg.orthogonality(table)),
        "rows": _orthogonality(linalg.orthogonality(table, rows=True)) if m <= n else None,
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


class _Numbered(Sequence[str]):
    """What the rows of a table without words are called."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: Any) -> str:
        return f"row {row}"


def _orthogonality(report: linalg.Orthogonality) -> dict[str, Any]:
    kinds = {name: bool(getattr(report, name)) for name in ("orthogonal", "unit")}
    return {**kinds, "largest": float(report.largest), "verdict": str(report)}


def one_hot(vocab: int) -> dict[str, Any]:
    """Measures of the one-hot matrix of a vocabulary: the identity, judged by its structure."""
    matrix = linalg.one_hot(np.arange(vocab), vocab)
    assert matrix.identity
    return {"rank": int(matrix.rank), "dimension": vocab, "cosine": 0.0, "distance": math.sqrt(2)}


def _dependence(dependence: linalg.Dependence, names: Sequence) -> dict[str, Any]:
    largest = np.argsort(-np.abs(dependence.coefficients))[:4]
    return {
        "rows": len(dependence.coefficients),
        "dependent": bool(dependence.dependent),
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
    low, high = float(norms.min()), float(norms.max())
    if high - low <= 1e-9 * high:  # equal lengths, up to rounding, are narrower than the bins
        low, high = low / 2, 1.5 * high or 1.0
    counts, edges = np.histogram(norms, BINS, (low, high))
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

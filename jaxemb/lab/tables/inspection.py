"""What is this matrix? Every answer about one table, as plain values and in words."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxemb import linalg

BINS = 80
PAIRS = 200_000  # of rows, drawn at random, whose cosines are shown
SHOWN_AXES = 5
ROTATIONS = 100  # of the table, that its axes are compared with


def describe(table: Any, words: Sequence[str] | None = None) -> dict[str, Any]:
    """All that is said about a table, as JSON values.

    Args:
        table: float [rows, dim].
        words: a name for each row, the most frequent first; by default their numbers.

    Raises:
        InputError: no table of finite numbers.
    """
    found = linalg.summary(table, rotations=ROTATIONS)
    m, n = found.rows, found.dim
    names = words if words is not None else range(m)
    rank = found.rank
    return {
        "vocabulary": m,
        "dimension": n,
        "rank": {**_plain(rank._asdict()), "verdict": str(rank)},
        "one_hot": one_hot(m),
        "dependence": _dependence(found.dependence, names),
        "spectrum": {
            "singular_values": _plain(found.spectrum.values),
            "largest": float(found.spectrum.values[0]),
            "smallest": float(found.spectrum.values[min(m, n) - 1]),
            "effective_rank": found.effective_rank,
            "stable_rank": found.stable_rank,
            "participation_ratio": found.participation_ratio,
            "condition": found.condition,
        },
        "explained_variance": _plain(found.explained_variance),
        "mean": {"share": found.mean_share, "cosine": found.mean_cosine},
        "isotropy": _isotropy(table, found),
        "norms": _norms(table),
        "cosines": _cosines(table, found.coherence, names),
        "axes": _axes(found.axes, names),
    }


def one_hot(vocab: int) -> dict[str, Any]:
    """The one-hot matrix of as many words: the identity, judged by its structure."""
    found = linalg.one_hot(np.arange(vocab), vocab)
    assert found.identity
    return {"rank": int(found.rank), "dimension": vocab, "cosine": 0.0, "distance": math.sqrt(2)}


def _dependence(found: linalg.Dependence, names: Sequence) -> dict[str, Any]:
    largest = np.argsort(-np.abs(found.coefficients))[:4]
    return {
        "rows": len(found.coefficients),
        "residual": float(found.residual),
        "largest_terms": [[str(names[i]), float(found.coefficients[i])] for i in largest],
        "verdict": str(found),
    }


def _isotropy(table: Any, found: linalg.Summary) -> dict[str, Any]:
    """Before, and after the mean and the largest directions are taken out (Mu and Viswanath)."""
    removed = max(round(found.dim / 100), 1)
    if found.rows < 2:
        return {"removed": 0, "before": None, "after": None}
    rest = linalg.all_but_the_top(jnp.asarray(table, jnp.float32), removed, found.centered)
    values = np.pad(found.centered.values[removed:], (0, removed))
    left = found.centered._replace(values=values)
    measures = ("mean_cosine", "isoscore", "partition_isotropy")
    after = (linalg.mean_cosine(rest), linalg.isoscore(left), linalg.partition_isotropy(rest))
    return {
        "removed": removed,
        "before": {name: getattr(found, name) for name in measures},
        "after": dict(zip(measures, map(float, after), strict=True)),
    }


def _norms(table: Any) -> dict[str, Any]:
    blocks = [np.asarray(table[i : i + 16384], np.float64) for i in range(0, len(table), 16384)]
    norms = np.concatenate([np.linalg.norm(block, axis=1) for block in blocks])
    counts, edges = np.histogram(norms, BINS)
    quantiles = np.quantile(norms, [0, 0.05, 0.5, 0.95, 1])
    return {"quantiles": _plain(quantiles), "counts": _plain(counts), "edges": _plain(edges)}


def _cosines(table: Any, found: linalg.Coherence | None, names: Sequence) -> dict[str, Any] | None:
    if found is None:
        return None
    random = np.random.default_rng(0)
    left, right = random.integers(0, len(table), (2, PAIRS))
    left, right = left[left != right], right[left != right]
    unit = [linalg.unit_rows(np.asarray(table[i], np.float64)) for i in (left, right)]
    counts, edges = np.histogram((unit[0] * unit[1]).sum(axis=1), BINS, (-1, 1))
    return {
        **_plain(found._asdict()),
        "pair": [str(names[int(i)]) for i in found.pair],
        "counts": _plain(counts),
        "edges": _plain(edges),
    }


def _axes(found: linalg.Axes, names: Sequence) -> dict[str, Any]:
    """The axes with the most peaked entries: if any has a meaning of its own, it is these."""
    peaked = np.argsort(-np.asarray(found.kurtosis))[:SHOWN_AXES]
    return {
        "verdict": str(found),
        "special": bool(found.special),
        "kurtosis": _plain(found.kurtosis),
        "rotated_kurtosis": _plain(found.rotated_kurtosis),
        "sparsity": float(np.mean(found.sparsity)),
        "rotated_sparsity": _plain(found.rotated_sparsity),
        "most_peaked": [
            {
                "axis": int(i),
                "kurtosis": float(found.kurtosis[i]),
                "words": [str(names[int(row)]) for row in found.top[i]],
            }
            for i in peaked
        ],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return np.asarray(value).tolist()


def markdown(found: dict[str, Any]) -> str:
    """The answers in words."""
    return "\n".join([_space(found), _fill(found), _dimensions(found)])


def _space(found: dict[str, Any]) -> str:
    m, n = found["vocabulary"], found["dimension"]
    rank, dependence = found["rank"], found["dependence"]
    terms = " ".join(f"{c:+.3f} {word}" for word, c in dependence["largest_terms"])
    columns = (
        f"the {n} columns are independent: rank {rank['rank']} of {n}"
        if rank["rank"] == n
        else f"the {n} columns are dependent: rank {rank['rank']} of {n}"
    )
    rows = (
        f"the {m:,} rows are dependent: {m:,} words in {n} dimensions"
        if m > rank["rank"]
        else f"the {m:,} rows are independent: no more words than dimensions"
    )
    return f"""| | one-hot | this table |
|---|---|---|
| words m | {m:,} | {m:,} |
| dimensions n | {m:,} | {n} |
| rank | {m:,} | {rank["rank"]} |
| two words | orthogonal, distance {math.sqrt(2):.4f} = sqrt 2 | {_said_cosines(found)} |

- {columns} ({rank["verdict"]})
- {rows}
- An explicit dependence among the first {dependence["rows"]:,} words:
  {terms} ... = 0, residual {dependence["residual"]:.1e} of their largest singular value.
"""


def _said_cosines(found: dict[str, Any]) -> str:
    if not (cosines := found["cosines"]):
        return "there is one only"
    return f"mean absolute cosine {cosines['mean']:.3f}, largest {cosines['largest']:.3f}"


def _fill(found: dict[str, Any]) -> str:
    """How the rows fill the space they span."""
    of, cosines, n = found["spectrum"], found["cosines"], found["dimension"]
    low, _, middle, _, high = found["norms"]["quantiles"]
    shares = np.cumsum(found["explained_variance"])
    half, most = (int(np.searchsorted(shares, share) + 1) for share in (0.5, 0.9))
    lines = f"""## Its shape

- singular values: largest {of["largest"]:.4g}, smallest {of["smallest"]:.4g}, condition
  {of["condition"]:.3g}
- how many directions weigh: effective rank {of["effective_rank"]:.1f}, participation ratio
  {of["participation_ratio"]:.1f}, stable rank {of["stable_rank"]:.1f}, of {n}
- {min(half, n)} directions hold half of the variance, {min(most, n)} hold 90 %
- lengths of the rows: {low:.3g} to {high:.3g}, median {middle:.3g}
"""
    return lines + (_among_rows(found) if cosines else "")


def _among_rows(found: dict[str, Any]) -> str:
    cosines, mean, isotropy = found["cosines"], found["mean"], found["isotropy"]
    before, after = isotropy["before"], isotropy["after"]
    removed = isotropy["removed"]
    largest = f"{removed} largest directions" if removed > 1 else "largest direction"
    pair = ", ".join(cosines["pair"])
    first = f" (first {cosines['rows']:,} words)" * (cosines["rows"] != found["vocabulary"])
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


def _dimensions(found: dict[str, Any]) -> str:
    axes = found["axes"]
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

"""What the page shows, as values: words, the table in 12 bits, its spectrum, clusters, a map."""

import importlib
import importlib.util
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.lab.explorer import quantised
from jaxemb.lab.explorer.quantised import Fidelity, Quantised
from jaxemb.lab.tables.clusters import clusters

CLUSTERS = 10  # as many as there are colours
LEAST = 3  # rows of a table that can be explored


class Table(NamedTuple):
    """A table as the page holds it."""

    values: dict[str, Any]  # of the page, as JSON
    codes: Quantised
    fidelity: Fidelity


def table(
    words: Sequence[str] | None,
    rows: Float[np.ndarray, "rows full"],
    most: int = 512,
    *,
    umap: bool = False,
) -> Table:
    """Describe a table for the page.

    Args:
        words: of the rows; without them a row is called by its number, from 0.
        rows: the vectors.
        most: number of columns of U S to keep.
        umap: whether to compute the map of UMAP too, where umap-learn is installed.

    Raises:
        InputError: fewer than 3 rows; numbers that are not finite; a table of zeros; `most` is
            below 1.
    """
    if len(rows) < LEAST:
        raise InputError(f"the table has {len(rows)} rows; wanted {LEAST} or more to explore")
    of = linalg.spectrum(rows)
    if not of.finite:
        raise InputError(f"row {int(of.bad_row):,} of the table holds NaN or infinity")
    if not of.frobenius > 0:
        raise InputError("all numbers of the table are 0: there is nothing to explore")
    certified = linalg.rank(of)
    scores = quantised.scores(rows, of, most)
    codes = quantised.quantise(scores)
    held = quantised.restore(codes)
    faithful = quantised.fidelity(rows, codes, of.basis)
    unit = np.asarray(linalg.unit_rows(held - held.mean(axis=0)[None, :]))
    named = [str(i) for i in range(len(rows))] if words is None else list(words)
    values = {
        "words": named,
        "rows": len(rows),
        "full": rows.shape[1],
        "dim": codes.codes.shape[1],
        "low": codes.low.tolist(),
        "step": codes.step.tolist(),
        "spectrum": np.asarray(of.values).tolist(),
        "tolerance": float(of.tolerance),
        "rank": int(certified.rank),
        "constant": constant(scores, of, int(certified.rank)),
        "verdict": str(certified),
        "dtype": str(rows.dtype),
        "fidelity": faithful._asdict(),
        "cluster": clusters(unit, CLUSTERS).tolist(),
        "umap": _umap(held) if umap else None,
    }
    return Table(values, codes, faithful)


def constant(scores: Float[np.ndarray, "rows dim"], of: linalg.Spectrum, rank: int) -> int | None:
    """The least k at which removing the mean lowers the rank of the approximation of rank k.

    It does where a column of ones is a sum of the first k left singular vectors. With u their inner
    products with the ones, of length 1, and d what is left of these, the least singular value of
    the approximation without its mean is at most d / ||u / s||: here it is within the tolerance, or
    d is within rounding.

    Args:
        scores: U S, the first columns.
        of: the spectrum of the table.
        rank: of the table.

    Returns:
        k; None where the rank stays. From k on every approximation loses one.
    """
    left = np.full(len(scores), len(scores) ** -0.5)
    weight, tolerance = 0.0, float(of.tolerance)
    for k, s in enumerate(np.asarray(of.values)[: min(rank, scores.shape[1])]):
        direction = scores[:, k] / s
        along = float(direction @ left)
        left -= along * direction
        weight += (along / float(s)) ** 2
        # a unit vector from float64 products is rounded by more than its last place
        if np.linalg.norm(left) <= max(tolerance * weight**0.5, 64 * np.finfo(float).eps):
            return k + 1
    return None


def _umap(rows: Float[np.ndarray, "rows dim"]) -> list[list[float]] | None:
    """The map of UMAP by cosines, scaled to [-1, 1]; None where umap-learn is not installed."""
    if importlib.util.find_spec("umap") is None or len(rows) < 50:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed makes it use one thread
        # not an import statement: the module is not called as its package is
        umap = importlib.import_module("umap")
        points = umap.UMAP(metric="cosine", random_state=0).fit_transform(rows)
    points = np.asarray(points, np.float64)
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    points = points - middle[None, :]
    return np.round(points / np.abs(points).max(), 4).tolist()


def said(of: Table) -> str:
    """One sentence on how far the page is from the table."""
    lost = of.values["full"] - of.values["dim"]
    without = f", without the {lost} smallest directions" if lost else ""
    far = of.fidelity
    return (
        f"the page holds U S in {quantised.BITS} bits a number{without}: {far.error:.1e} of the "
        f"table's norm away; 99 % of cosines move by less than {far.usual:.1e}, all by "
        f"at most {far.cosine:.1e}; {far.kept:.1%} of the {quantised.NEAR} nearest words stay "
        f"({quantised.SAMPLE} words sampled)"
    )

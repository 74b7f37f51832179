"""The rank of a table, with the margin of the verdict."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from jaxemb.errors import InputError
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.functional.ratios import root
from jaxemb.linalg import arrays, derivatives
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.known import known
from jaxemb.linalg.row_blocks import Rows, scaled, total
from jaxemb.linalg.spectra import Spectrum, spectrum
from jaxemb.structs import AnyArray, Number, TableLike, displayed


@displayed
class RankReport(NamedTuple):
    """A rank with the margin of its verdict. It has no truth value: ask `.certified`."""

    rank: Int[AnyArray, "*batch"]
    most: Int[AnyArray, "*batch"]  # min(rows, dim): no table of this shape has a higher rank
    tolerance: Float[AnyArray, "*batch"]
    above: Float[AnyArray, "*batch"]  # s_r / tolerance: how far the last kept value exceeds it
    # s_{r+1} / tolerance: how far the first dropped one stays below it
    below: Float[AnyArray, "*batch"]
    certified: Bool[AnyArray, "*batch"]  # no rounding of the entries could have changed the verdict
    bad_row: Int[AnyArray, "*batch"]  # the first row that is not finite, -1 if all are
    # whole numbers, of which only a proof certifies a zero
    exact: Bool[AnyArray, "*batch"] | bool = False

    def __bool__(self) -> bool:
        raise arrays.no_truth(self, "certified", "rank == ...")

    def __str__(self) -> str:
        return arrays.sentence(self, _sentence, self.rank)


def _sentence(report: RankReport) -> str:
    if report.bad_row >= 0:
        return f"no rank: row {int(report.bad_row):,} holds NaN or infinity"
    if not np.isfinite(report.tolerance):
        return (
            "no rank: the norm of the table overflows its type (scale it down), or the tolerance "
            "given is not above 0 and finite"
        )
    r, most = int(report.rank), int(report.most)
    if report.certified:
        margins = [f"s_{r} is {_short(report.above)}"] * (r > 0) + [
            f"s_{r + 1} {_short(report.below)}"
        ] * (r < most)
        verdict = f"certified: {', '.join(margins)} times the tolerance"
    else:
        margins = [f"s_{r}/tol = {float(report.above):.3g}"] * (r > 0)
        margins += [f"s_{r + 1}/tol = {float(report.below):.3g}"] * (r < most)
        verdict = f"undecided: {', '.join(margins)}"
        if report.exact and report.below < 1 < report.above:
            verdict += " (of whole numbers, which are exact: not proven to be 0)"
    return f"rank {r:,} of {most:,}, {verdict}"


def _short(x: Any) -> str:
    """5e4, 0.013."""
    return f"{float(x):.0e}".replace("e+0", "e").replace("e+", "e") if x >= 100 else f"{x:.2g}"


@on_any_mesh
def rank(
    table: TableLike | Spectrum, *, tolerance: Number | None = None, storage_dtype: Any = None
) -> RankReport:
    """The rank of a table or of its `Spectrum`: how many singular values exceed 2 eps ||A||_F.

    Args:
        table: real numbers [rows, dim], or their `Spectrum`.
        tolerance: used instead of 2 eps ||A||_F, in the units of the table; above 0. Under a trace,
            a tolerance that is not gives no rank: nothing is certified.
        storage_dtype: the floating-point type that the entries were once rounded to, if not to the
            table's own.

    Returns:
        A report, certified when neither the last value kept nor the first one dropped is within
        the backward error, u ||A||_F or more, of the tolerance (eps = 2u). Whole numbers are exact:
        a rank of theirs below the largest possible one is certified only if all larger minors are
        proven to be 0, by the sizes of the singular values or, for small tables on the host, modulo
        primes.

    Raises:
        InputError: not a table of real numbers; a tolerance that is not above 0 and finite; a
            `storage_dtype` that is no floating-point type, or that is given with a Spectrum.
    """
    if isinstance(table, Spectrum) and storage_dtype is not None:
        raise InputError(
            "storage_dtype beside a Spectrum, whose tolerance is fixed; "
            "say spectrum(table, storage_dtype=...)"
        )
    of = _spectrum(table, storage_dtype=storage_dtype)
    if tolerance is None:
        return at_rank(of, _count(of, of.tolerance), of.values)
    tolerance = arrays.tolerance(tolerance, zero=False)
    return at_rank(of, _count(of, tolerance), of.values, tolerance)


@on_any_mesh
def certify(table: TableLike, of: Spectrum | None = None, r: Number | None = None) -> RankReport:
    """Certify a rank by one more pass: bound s_r from below and s_{r+1} from above.

    The bounds hold for any basis V = [V1 V2], whatever computed it (Courant and Fischer):

        s_r(A) >= s_r sqrt(l_min(W'W)) / ||V1||_2  with W = A V1 / s,
        s_{r+1}(A) <= ||A V2||_2 / s_min(V2).

    Of the spectrum only the norm and the tolerance need be trusted. On the host the pass is in
    float64; on a device its own rounding is as a rule, but not provably, as small as that of the
    entries.

    Args:
        table: real numbers [rows, dim].
        of: its spectrum, by any method.
        r: the rank to certify, 0 to dim; by default that of the spectrum.

    Returns:
        A rank report whose `above` and `below` are those bounds over the tolerance.

    Raises:
        InputError: not a table of real numbers; the spectrum of another shape; an `r` out of range.

    Source:
        Courant-Fischer min-max; as an a-posteriori bound like those of Tropp et al. 2019.
    """
    table = arrays.table(table)
    of = known(table, of)
    if r is not None and not arrays.is_traced(r) and not 0 <= r <= table.shape[1]:
        raise InputError(f"r is {r}; wanted 0 to {table.shape[1]}, the number of columns")
    xp = arrays.namespace(of.values)
    r = _count(of, of.tolerance) if r is None else r
    if xp is np and not of.finite:
        return at_rank(of, r, of.values)
    head = xp.arange(len(of.values)) < r
    rows, _ = scaled(Rows(np.asarray(table) if xp is np else arrays.on_device(table)))
    unit = xp.where(head, xp.maximum(of.values, of.tolerance), of.tolerance) * rows.scale
    # the column of ones that comes with a shift has weight 0
    to_unit = xp.pad(of.basis / unit[None, :], ((1, 0), (0, 0)))
    rows = rows._replace(shift=xp.where(of.centered, of.mean, 0.0) * rows.scale)

    def gram(block):
        w = matmul(block, to_unit)
        return matmul(w.T, w)

    whole = total(rows, gram)
    first = head[:, None] & head[None, :]
    beyond = (xp.trace(whole) + 1.0) * xp.eye(len(whole), dtype=whole.dtype)
    least = xp.linalg.eigvalsh(xp.where(first, whole, beyond))[0]
    most = xp.linalg.eigvalsh(xp.where(~head[:, None] & ~head[None, :], whole, 0.0))[-1]
    stretch = derivatives.singular_values(of.basis)
    bounds = xp.where(
        head,
        of.values * root(xp.maximum(least, 0.0)) / stretch[0],
        of.tolerance * root(xp.maximum(most, 0.0)) / stretch[-1],
    )
    return at_rank(of, r, bounds)


def _spectrum(table: Any, **settings: Any) -> Spectrum:
    """The spectrum of the table, or the table itself if it is a Spectrum."""
    return table if isinstance(table, Spectrum) else spectrum(table, **settings)


def _count(of: Spectrum, tolerance: Any):
    return arrays.namespace(of.values).sum(of.values > tolerance)


def at_rank(of: Spectrum, r: Any, values: Any, tolerance: Any = None) -> RankReport:
    """The report, with its margins, on the verdict that the rank is r.

    Args:
        of: the spectrum of the table.
        r: the rank.
        values: the singular values, or bounds on them, that are compared with the tolerance.
        tolerance: by default that of the spectrum. With another tolerance the question is only how
            many values exceed it, and whole numbers need no proof.
    """
    xp = arrays.namespace(of.values, tolerance)
    values, exact = xp.asarray(values), xp.asarray((of.proven >= 0) & (tolerance is None))
    tolerance = of.tolerance if tolerance is None else tolerance
    dim = len(of.values)
    most = xp.minimum(of.rows, dim)
    kept = xp.where(r > 0, values[xp.maximum(r - 1, 0)], xp.inf)
    dropped = xp.where(r < most, values[xp.minimum(r, dim - 1)], 0.0)
    # float32 sums also have a relative error, which near the tolerance is less than this
    error = of.backward_error + 64 * float(jnp.finfo(of.values.dtype).eps) * tolerance
    clears = kept - error > tolerance
    stays = (r == most) | xp.where(exact, r == of.proven, dropped + error <= tolerance)
    return RankReport(
        rank=arrays.number(xp.where(of.finite, r, 0)),
        most=arrays.number(most),
        tolerance=arrays.number(xp.where(of.finite, tolerance, xp.nan)),
        above=arrays.number(kept / tolerance),
        below=arrays.number(dropped / tolerance),
        certified=clears & stays & of.finite,
        bad_row=arrays.number(of.bad_row),
        exact=exact,
    )

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


class RankReport(NamedTuple):
    """A rank with the margin of its verdict. It has no truth value: ask `.certified`."""

    rank: Int[Any, "*batch"]
    most: Int[Any, "*batch"]  # min(rows, dim): no table of this shape has a higher rank
    tolerance: Float[Any, "*batch"]
    above: Float[Any, "*batch"]  # s_r / tolerance: how far the last kept value clears
    below: Float[Any, "*batch"]  # s_{r+1} / tolerance: how far the first dropped one stays under
    certified: Bool[Any, "*batch"]  # no rounding of the entries could have changed the verdict
    bad_row: Int[Any, "*batch"]  # the first row that is not finite, -1 if all are
    exact: Bool[Any, "*batch"] = False  # of whole numbers: only a proof certifies a zero

    __bool__ = arrays.no_truth("certified", "rank == ...")

    def __str__(self) -> str:
        return arrays.sentence(self, _said, self.rank)


def _said(of: RankReport) -> str:
    if of.bad_row >= 0:
        return f"no rank: row {int(of.bad_row):,} holds NaN or infinity"
    if not np.isfinite(of.tolerance):
        return (
            "no rank: the norm of the table overflows its type (scale it down), or the tolerance "
            "given is not above 0 and finite"
        )
    r, most = int(of.rank), int(of.most)
    if of.certified:
        known = [f"s_{r} is {_short(of.above)}"] * (r > 0) + [f"s_{r + 1} {_short(of.below)}"] * (
            r < most
        )
        verdict = f"certified: {', '.join(known)} times the tolerance"
    else:
        known = [f"s_{r}/tol = {float(of.above):.3g}"] * (r > 0)
        known += [f"s_{r + 1}/tol = {float(of.below):.3g}"] * (r < most)
        verdict = f"undecided: {', '.join(known)}"
        if of.exact and of.below < 1 < of.above:
            verdict += " (of whole numbers, which are exact: not proven to be 0)"
    return f"rank {r:,} of {most:,}, {verdict}"


def _short(x: Any) -> str:
    """5e4, 0.013."""
    return f"{float(x):.0e}".replace("e+0", "e").replace("e+", "e") if x >= 100 else f"{x:.2g}"


@on_any_mesh
def rank(table: Any, *, tolerance: Any = None, storage_dtype: Any = None) -> RankReport:
    """The rank of a table or of its `Spectrum`: how many singular values exceed 2 eps ||A||_F.

    Args:
        table: real numbers [rows, dim], or their `Spectrum`.
        tolerance: instead of 2 eps ||A||_F, in the units of the table; above 0. Under a trace, one
            that is not gives no rank: nothing is certified.
        storage_dtype: the floating-point type that the entries were once rounded to, if not to the
            table's own.

    Returns:
        Certified when neither the last value kept nor the first one dropped is within the
        backward error, u ||A||_F or more, of the tolerance (eps = 2u). Whole numbers are exact: of
        them a rank below the largest possible one is certified only if it is proven that no minor
        is larger, by the sizes of the singular values or, for small tables on the host, modulo
        primes.

    Raises:
        InputError: no table of real numbers; a tolerance that is not above 0 and finite; a
            `storage_dtype` that is none, or beside a Spectrum.
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
def certify(table: Any, of: Spectrum | None = None, r: Any = None) -> RankReport:
    """Bounds on s_r from below and on s_{r+1} from above that hold for any basis, by one more pass.

    Whatever made the basis V = [V1 V2], by Courant and Fischer

        s_r(A) >= s_r sqrt(l_min(W'W)) / ||V1||_2  with W = A V1 / s,
        s_{r+1}(A) <= ||A V2||_2 / s_min(V2).

    Nothing of the spectrum need be trusted but its norm and tolerance. On the host the pass is in
    float64; on a device its own rounding is as small as that of the entries, but only as a rule.

    Args:
        table: real numbers [rows, dim].
        of: its spectrum, by any method.
        r: the rank to certify, 0 to dim; by default that of the spectrum.

    Returns:
        A rank report whose `above` and `below` are those bounds over the tolerance.

    Raises:
        InputError: no table of real numbers; the spectrum of another shape; an `r` out of range.

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
    """The table's spectrum, or the table itself if it is one."""
    return table if isinstance(table, Spectrum) else spectrum(table, **settings)


def _count(of: Spectrum, tolerance: Any):
    return arrays.namespace(of.values).sum(of.values > tolerance)


def at_rank(of: Spectrum, r: Any, values: Any, tolerance: Any = None) -> RankReport:
    """The margins of the verdict that the rank is r; by the tolerance of the spectrum, or another.

    With another the question is only how many values exceed it, and nothing needs to be proven.
    """
    xp = arrays.namespace(of.values, tolerance)
    values, exact = xp.asarray(values), xp.asarray((of.proven >= 0) & (tolerance is None))
    tolerance = of.tolerance if tolerance is None else tolerance
    dim = len(of.values)
    most = xp.minimum(of.rows, dim)
    kept = xp.where(r > 0, values[xp.maximum(r - 1, 0)], xp.inf)
    dropped = xp.where(r < most, values[xp.minimum(r, dim - 1)], 0.0)
    # float32 sums move a value by a share of itself too: less than this, near the tolerance
    error = of.backward_error + 64 * float(jnp.finfo(of.values.dtype).eps) * tolerance
    clears = kept - error > tolerance
    stays = (r == most) | xp.where(exact, r == of.proven, dropped + error <= tolerance)
    return RankReport(
        rank=xp.where(of.finite, r, 0),
        most=most,
        tolerance=xp.where(of.finite, tolerance, xp.nan),
        above=kept / tolerance,
        below=dropped / tolerance,
        certified=clears & stays & of.finite,
        bad_row=of.bad_row,
        exact=exact,
    )

"""The space that rows span: its basis, what lies in it, and the angles between two of them."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxemb.errors import InputError
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.functional.ratios import length, ratio
from jaxemb.linalg import arrays, derivatives
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.ranks import rank
from jaxemb.linalg.spectrum import Spectrum, spectrum


class Membership(NamedTuple):
    """Whether a vector lies in a span. True when it does."""

    coefficients: Float[Any, "*batch k"]  # in the basis
    residual: Float[Any, "*batch"]  # the part outside, as a share of the vector's length
    tolerance: Float[Any, "*batch"]
    orthonormal: Bool[Any, "*batch"]  # of another basis the residual would say nothing

    @property
    def inside(self) -> Any:
        return (self.residual <= self.tolerance) & self.orthonormal

    def __bool__(self) -> bool:
        return bool(self.inside)

    def __str__(self) -> str:
        return arrays.sentence(self, _said, self.residual)


def _said(of: Membership) -> str:
    if not of.orthonormal:
        return "unknown: the basis is not orthonormal; make one with linalg.basis"
    return (
        f"{'inside' if of else 'outside'} the span of {of.coefficients.shape[-1]} vectors: "
        f"{float(of.residual):.1e} of its length lies outside, tolerance {float(of.tolerance):.1e}"
    )


@on_any_mesh
def basis(of: Any, r: int | None = None) -> Float[Any, "dim r"]:
    """Orthonormal columns that span the rows of a table: which subspace it lives in.

    Args:
        of: a table or its spectrum.
        r: how many; by default the rank, which under jit must be given.

    Raises:
        InputError: no `r` under jit, or more than there are columns.
    """
    of = of if isinstance(of, Spectrum) else spectrum(of)
    if r is None:
        if arrays.is_traced(of.values):
            raise InputError("under jit the rank is not known: say basis(table, r)")
        r = int(rank(of).rank)
    if not 0 <= r <= of.basis.shape[1]:
        raise InputError(f"r is {r}; wanted 0 to {of.basis.shape[1]}, the number of columns")
    return of.basis[:, :r]


@on_any_mesh
def reject(vectors: Any, basis: Any) -> Float[Any, "*batch dim"]:
    """What is left of vectors without their part in the span of orthonormal columns.

    Projected out twice: once would leave as much as rounding puts into the span.
    """
    _, vectors, basis = arrays.raised(vectors, basis)
    for _ in range(2):
        vectors = vectors - matmul(matmul(vectors, basis), basis.T)
    return vectors


@on_any_mesh
def project(vectors: Any, basis: Any) -> Float[Any, "*batch dim"]:
    """The part of vectors [..., dim] that lies in the span of orthonormal columns [dim, k]."""
    _, vectors, basis = arrays.raised(vectors, basis)
    return matmul(matmul(vectors, basis), basis.T)


@on_any_mesh
def membership(vector: Any, basis: Any, *, tolerance: Any = None) -> Membership:
    """Whether a vector [dim] lies in the span of orthonormal columns [dim, k].

    Args:
        tolerance: of the part outside, as a share of the length; by default 8 sqrt(k) eps of the
            coarser of the two arrays' own types.

    Returns:
        The zero vector lies in every span.
    """
    stored = [np.asarray(x).dtype if isinstance(x, list) else x.dtype for x in (vector, basis)]
    unit = max(map(arrays.unit_roundoff, stored))
    xp, vector, basis = arrays.raised(vector, basis)
    k = basis.shape[1]
    # both by the largest entry, so that no square over- or underflows
    scale = arrays.still(xp.max(xp.abs(vector)))
    scale = xp.where(scale > 0, scale, 1.0)
    vector = vector / scale
    residual = ratio(length(reject(vector, basis)), length(vector))
    bound = 16 * max(k, 1) ** 0.5 * unit
    off = xp.abs(matmul(basis.T, basis) - xp.eye(k))
    return Membership(
        scale * matmul(vector, basis),
        residual,
        xp.asarray(bound if tolerance is None else tolerance, vector.dtype),
        xp.max(off, initial=0.0) <= bound,
    )


@on_any_mesh
def principal_angles(left: Any, right: Any) -> Float[Any, " angles"]:
    """The angles between two spans, ascending, in radians; 0 for what they share.

    Args:
        left: orthonormal columns [dim, k].
        right: orthonormal columns [dim, l].

    Returns:
        min(k, l) angles. Small ones come from their sine: the cosine of 1e-5 is 1 in float32.

    Source:
        Bjorck and Golub 1973.
    """
    xp, left, right = arrays.raised(left, right)
    if left.shape[1] < right.shape[1]:
        left, right = right, left
    along = matmul(left.T, right)
    cosines = xp.clip(derivatives.singular_values(along), 0.0, 1.0)
    outside = right - matmul(left, along)
    sines = xp.clip(derivatives.singular_values(outside), 0.0, 1.0)[::-1]
    small = cosines**2 > 0.5  # each inverse is asked only where it has a derivative
    angles = xp.arcsin(xp.where(small, sines, 0.0)), xp.arccos(xp.where(small, 0.0, cosines))
    return xp.where(small, *angles)

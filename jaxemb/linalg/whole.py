"""Tables of whole numbers are exact: when is a small singular value of one proven to be zero?

No float proves it: of [[2^27, 2^27 + 1], [2^27 - 1, 2^27]] the determinant is 1, and the second
singular value is 2^-28, far below the rounding of the first. Minors of whole numbers are whole
numbers, so what is small enough is zero.
"""

import math
from typing import Any

import numpy as np

from jaxemb.linalg import arrays

_WORK = 1 << 26  # multiplications that a proof may take: a second


def ceiling(values: Any, error: Any, most: Any, least: Any) -> Any:
    """A rank that the table of these singular values is proven not to exceed.

    Of rank r, the squares of all minors of r rows add up to (s_1 ... s_r)^2 (Cauchy and Binet).
    One that is not 0 is at least 1; so is that product, and s_1 ... s_k for every k < r, for the
    values descend. Where it is less, the rank is below k.

    Args:
        values: singular values, descending.
        error: no value is off by more.
        most: the rank that no table of this shape exceeds.
        least: of the product: 1, and of m rows less their mean 1 / sqrt(m).
    """
    xp = arrays.namespace(values)
    products = xp.cumsum(xp.log(values + error + xp.finfo(values.dtype).tiny))
    # half: large values are off by a share of themselves, too
    small = products < xp.log(0.5 * least)
    first = xp.where(small.any(), xp.argmax(small), len(values))
    return xp.minimum(first, most)


def proves(table: np.ndarray, rank: int) -> bool:
    """Whether the table is proven, by integers alone, to have no higher rank than this.

    All minors of rank + 1 rows are multiples of each of some primes, the product of which exceeds
    what a minor can be (Hadamard): so all are 0. False where that would take too long.

    Args:
        table: integers or bool [rows, dim].
    """
    table = table.T if table.shape[0] < table.shape[1] else table
    sizes = np.sort(np.linalg.norm(table.astype(np.float64), axis=0))[::-1][: rank + 1]
    bits = 1 + sum(math.log2(size * 1.001) for size in sizes if size > 0)
    number = int(bits // 30) + 1  # of primes between 2^30 and 2^31
    if number * table.size * (rank + 1) > _WORK:
        return False
    return all(_rank_modulo(table, prime, rank + 1) <= rank for prime in _primes(number))


def _primes(number: int) -> list[int]:
    """The largest primes below 2^31."""
    factors = np.arange(3, 46342, 2)  # up to the root of 2^31
    found, candidate = [], (1 << 31) - 1
    while len(found) < number:
        if (candidate % factors).all():
            found.append(candidate)
        candidate -= 2
    return found


def _rank_modulo(table: np.ndarray, prime: int, enough: int) -> int:
    """The rank over the integers modulo a prime, by elimination; it stops at `enough`."""
    kind = table.dtype if table.dtype == np.uint64 else np.int64
    rest = np.mod(table.astype(kind), np.asarray(prime, kind)).astype(np.int64)
    for rank in range(enough):
        found = np.flatnonzero(rest)
        if not len(found):
            return rank
        row, column = divmod(int(found[0]), rest.shape[1])
        pivot = rest[row] * pow(int(rest[row, column]), -1, prime) % prime
        rest = (rest - rest[:, column : column + 1] * pivot[None, :] % prime) % prime
    return enough

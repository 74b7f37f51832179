"""Proofs that a singular value of a table of whole numbers, whose entries are exact, is zero.

Floats alone prove nothing: [[2^27, 2^27 + 1], [2^27 - 1, 2^27]] has the determinant 1, and its
second singular value is 2^-28, far below the rounding error of the first. But minors of whole
numbers are whole numbers, so a minor below 1 is zero.
"""

import math
from typing import Any

import numpy as np

from jaxemb.linalg import arrays

_WORK = 1 << 26  # multiplications that a proof may take, about a second


def ceiling(values: Any, error: Any, most: Any, least: Any) -> Any:
    """Proven upper bound on the rank of a table of whole numbers, from its singular values.

    For rank r, the squares of all minors of r rows add up to (s_1 ... s_r)^2 (Cauchy and Binet). A
    minor that is not 0 is at least 1; so is that product, and so is s_1 ... s_k for every k < r,
    because the values descend. Where s_1 ... s_k is less, the rank is below k.

    Args:
        values: singular values, descending.
        error: bound on the error of each value.
        most: the largest rank that the shape of the table allows.
        least: lower bound on such a product: 1, or 1 / sqrt(m) for m rows minus their mean.
    """
    xp = arrays.namespace(values)
    products = xp.cumsum(xp.log(values + error + xp.finfo(values.dtype).tiny))
    # half of it, because large values also have a relative error
    small = products < xp.log(0.5 * least)
    first = xp.where(small.any(), xp.argmax(small), len(values))
    return xp.minimum(first, most)


def proves(table: np.ndarray, rank: int) -> bool:
    """Whether integer arithmetic proves that the table has at most this rank.

    If the rank modulo each of several primes is at most `rank`, every minor of rank + 1 rows is a
    multiple of all these primes. Their product exceeds the largest possible minor (Hadamard), so
    all these minors are 0. False where the proof would take too long.

    Args:
        table: integers or bool [rows, dim].
        rank: the rank that must not be exceeded.
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
    primes, candidate = [], (1 << 31) - 1
    while len(primes) < number:
        if (candidate % factors).all():
            primes.append(candidate)
        candidate -= 2
    return primes


def _rank_modulo(table: np.ndarray, prime: int, enough: int) -> int:
    """Rank over the integers modulo a prime, by elimination that stops at the rank `enough`."""
    kind = table.dtype if table.dtype == np.uint64 else np.int64
    rest = np.mod(table.astype(kind), np.asarray(prime, kind)).astype(np.int64)
    for rank in range(enough):
        nonzero = np.flatnonzero(rest)
        if not len(nonzero):
            return rank
        row, column = divmod(int(nonzero[0]), rest.shape[1])
        pivot = rest[row] * pow(int(rest[row, column]), -1, prime) % prime
        rest = (rest - rest[:, column : column + 1] * pivot[None, :] % prime) % prime
    return enough

r"""The exact expected loss and optimum of skip-gram with negative sampling.

A loss of the scores alone is a sum over the cells of the matrix M = U C^T, m_wc = v_w . u_c:

    loss = sum_wc #(w, c) softplus(-m_wc) + N(w, c) softplus(m_wc)                       [nats]

#(w, c) is the number of times that word w meets context c. N(w, c) is the expected number of times
that c is drawn as noise for w; it depends on the collision rule (`keep`, `skip` or `resample`). The
loss of a cell is convex, with its only minimum at sigma(m) = # / (# + N), or m = log(# / N). Tables
with as many dimensions as words reach the minimum in every cell: training factors that matrix. With
fewer dimensions U C^T approximates it.

All functions compute in the precision of their arguments, and are differentiable.

Source:
    Levy and Goldberg 2014, "Neural word embedding as implicit matrix factorization", for `keep`.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Num

from jaxemb.functional import losses
from jaxemb.structs import Sparse

_ROOM = 1 << 22  # entries of the rows that are made dense at once

# (counts [words, contexts], negatives, noise [contexts]) -> N(w, c)
Rule = Callable[..., Float[Array, "words contexts"]]


def _floats(counts: ArrayLike) -> Array:
    """Counts as floats: sums and multiples of int32 would overflow."""
    counts = counts if isinstance(counts, jax.Array) else np.asarray(counts)
    floating = jnp.issubdtype(counts.dtype, jnp.floating)
    return jnp.asarray(counts, None if floating else jnp.result_type(float))


def keep(
    counts: Num[ArrayLike, "words contexts"],
    negatives: Any,
    noise: Float[ArrayLike, " contexts"],
) -> Float[Array, "words contexts"]:
    """N(w, c) = k #(w) P_n(c): noise is independent of what was observed. Optimum: PMI - log k.

    The expectation of `blocks.keep`. PMI here has P_n(c) where the definition has P(c).

    Args:
        counts: #(w, c), how often each word meets each context; may be weights of any size.
        negatives: k, noise words per observed pair.
        noise: P_n(c), the probability that one draw gives context c; sums to 1.
    """
    counts, noise = _floats(counts), jnp.asarray(noise)
    return negatives * jnp.sum(counts, axis=1, keepdims=True) * noise[None, :]


def skip(
    counts: Num[ArrayLike, "words contexts"],
    negatives: Any,
    noise: Float[ArrayLike, " contexts"],
) -> Float[Array, "words contexts"]:
    """N(w, c) = k (#(w) - #(w, c)) P_n(c): word2vec.c leaves out noise that is the context.

    The expectation of `blocks.skip`. Optimum: PMI - log k - log(1 - P(c | w)).
    Arguments: see `keep`.
    """
    counts, noise = _floats(counts), jnp.asarray(noise)
    others = jnp.sum(counts, axis=1, keepdims=True) - counts
    return negatives * others * noise[None, :]


def resample(
    counts: Num[ArrayLike, "words contexts"],
    negatives: Any,
    noise: Float[ArrayLike, " contexts"],
) -> Float[Array, "words contexts"]:
    """N(w, c) = k P_n(c) sum_{t != c} #(w, t) / (1 - P_n(t)): noise is drawn until it differs.

    The expectation of `blocks.resample`, fastText's rule. Arguments: see `keep`.
    """
    counts, noise = _floats(counts), jnp.asarray(noise)
    drawn = counts / (1.0 - noise)[None, :]
    return negatives * (jnp.sum(drawn, axis=1, keepdims=True) - drawn) * noise[None, :]


def loss(
    scores: Float[ArrayLike, "words contexts"],
    counts: Num[ArrayLike, "words contexts"],
    noise_counts: Float[ArrayLike, "words contexts"],
) -> Float[Array, ""]:
    """The expected loss of a whole corpus, in nats, as a function of all scores m_wc.

    Args:
        scores: M; for tables, `tables.input @ tables.output.T`.
        counts: #(w, c).
        noise_counts: N(w, c), from `keep`, `skip` or `resample`.
    """
    scores, counts = jnp.asarray(scores), _floats(counts)
    terms = counts * losses.softplus(-scores) + noise_counts * losses.softplus(scores)
    return jnp.sum(terms)


def scores(
    counts: Num[ArrayLike, "words contexts"],
    noise_counts: Float[ArrayLike, "words contexts"],
) -> Float[Array, "words contexts"]:
    """The scores that minimise `loss`: log(#(w, c) / N(w, c)).

    Returns:
        Scores; -inf for a context that was never observed and +inf for one that is never drawn,
        whose loss has no minimum; NaN where neither happens, and the cell is not in the loss.
    """
    return jnp.log(_floats(counts)) - jnp.log(noise_counts)


def of_cells(
    cells: Sparse,
    vocab: int,
    negatives: Any,
    noise: Float[ArrayLike, " contexts"],
    rule: Rule = keep,
) -> Sparse:
    """`scores` of every counted cell of a sparse matrix, some dense rows at a time.

    Args:
        cells: counts #(w, c) > 0, by row; all cells of a row, because its sum enters.
        vocab: the number of words: rows and columns.
        negatives, noise: see `keep`.
        rule: `keep`, `skip` or `resample`.

    Returns:
        The cells with log(# / N) as values; +inf where the context is never drawn as noise.
    """
    step = max(_ROOM // vocab, 1)
    noise, values = jnp.asarray(noise, jnp.float32), np.empty(len(cells.values), np.float32)
    firsts = np.arange(
        0, vocab, step, dtype=np.int32
    )  # of the rows' type, or NumPy would convert all rows
    edges = np.append(np.searchsorted(cells.rows, firsts), len(cells.rows))
    for first, start, stop in zip(firsts, edges[:-1], edges[1:], strict=True):
        part = slice(start, stop)
        where = np.asarray(cells.rows[part]) - first, np.asarray(cells.columns[part])
        dense = np.zeros((step, vocab), np.float32)
        dense[where] = cells.values[part]
        values[part] = np.asarray(_scores(dense, negatives, noise, rule))[where]
    return cells._replace(values=values)


@functools.partial(jax.jit, static_argnames="rule")
def _scores(counts, negatives, noise, rule: Rule):
    return scores(counts, rule(counts, negatives, noise))

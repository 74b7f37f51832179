r"""What skip-gram with negative sampling tends to: its expected loss and optimum, exactly.

A loss of scores alone adds up over the cells of the matrix M = U C^T, m_wc = v_w . u_c:

    loss = sum_wc #(w, c) softplus(-m_wc) + N(w, c) softplus(m_wc)                       [nats]

#(w, c) is how often word w meets context c; N(w, c), how often c is drawn as noise for w, in
expectation, is all that a rule of noise decides. Each cell is convex, with its only minimum where
sigma(m) = # / (# + N): at m = log(# / N). Where the tables have as many dimensions as words, U C^T
reaches it in every cell, and training factors that matrix; with fewer it is approximated.

Everything is written in the precision of its arguments, and can be differentiated.

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
from jaxemb.structs import Cells

_ROOM = 1 << 22  # entries of the rows that are dense at a time

# (counts [words, contexts], negatives, noise [contexts]) -> N(w, c)
Rule = Callable[..., Float[Array, "words contexts"]]


def _floats(counts: ArrayLike) -> Array:
    """Counts as floats: sums and multiples of integers would wrap where int32 ends."""
    counts = counts if isinstance(counts, jax.Array) else np.asarray(counts)
    floating = jnp.issubdtype(counts.dtype, jnp.floating)
    return jnp.asarray(counts, None if floating else jnp.result_type(float))


def keep(
    counts: Num[ArrayLike, "words contexts"],
    negatives: Any,
    noise: Float[ArrayLike, " contexts"],
) -> Float[Array, "words contexts"]:
    """k #(w) P_n(c): independent draws, whatever was observed. Optimum: PMI - log k.

    The expectation of `blocks.keep`. PMI here has P_n(c) where the definition has P(c).

    Args:
        counts: #(w, c), how often each word meets each context; may be weights of any size.
        negatives: k, noise words for every observed pair.
        noise: P_n(c), the probability that one draw gives context c; sums to 1.
    """
    counts, noise = _floats(counts), jnp.asarray(noise)
    return negatives * jnp.sum(counts, axis=1, keepdims=True) * noise[None, :]


def skip(
    counts: Num[ArrayLike, "words contexts"],
    negatives: Any,
    noise: Float[ArrayLike, " contexts"],
) -> Float[Array, "words contexts"]:
    """k (#(w) - #(w, c)) P_n(c): noise that is the observed context is left out, as in word2vec.c.

    The expectation of `blocks.skip`. Optimum: PMI - log k - log(1 - P(c | w)).
    """
    counts, noise = _floats(counts), jnp.asarray(noise)
    others = jnp.sum(counts, axis=1, keepdims=True) - counts
    return negatives * others * noise[None, :]


def resample(
    counts: Num[ArrayLike, "words contexts"],
    negatives: Any,
    noise: Float[ArrayLike, " contexts"],
) -> Float[Array, "words contexts"]:
    """k P_n(c) sum_{t != c} #(w, t) / (1 - P_n(t)): noise is drawn until it is another context.

    The expectation of `blocks.resample`, fastText's rule.
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
        scores: M; of tables, `tables.input @ tables.output.T`.
        counts: #(w, c).
        noise_counts: N(w, c), by one of the rules above.
    """
    scores, counts = jnp.asarray(scores), _floats(counts)
    each = counts * losses.softplus(-scores) + noise_counts * losses.softplus(scores)
    return jnp.sum(each)


def scores(
    counts: Num[ArrayLike, "words contexts"],
    noise_counts: Float[ArrayLike, "words contexts"],
) -> Float[Array, "words contexts"]:
    """The minimum of `loss`: log(#(w, c) / N(w, c)).

    Returns:
        -inf for a context that was never observed, and +inf for one that is never drawn: there
        the loss falls without end. NaN where neither happens: the loss says nothing of the cell.
    """
    return jnp.log(_floats(counts)) - jnp.log(noise_counts)


def of_cells(
    cells: Cells,
    vocab: int,
    negatives: Any,
    noise: Float[ArrayLike, " contexts"],
    rule: Rule = keep,
) -> Cells:
    """The optimum of every counted cell of a sparse matrix: `scores`, some dense rows at a time.

    Args:
        cells: counts #(w, c) > 0, by row; every cell of a row must be there, for its sum counts.
        vocab: the number of words: rows and columns.
        negatives, noise: see `keep`.
        rule: `keep`, `skip` or `resample`.

    Returns:
        The same cells with log(# / N) as values; +inf where the context is never noise.
    """
    step = max(_ROOM // vocab, 1)
    noise, found = jnp.asarray(noise, jnp.float32), np.empty(len(cells.values), np.float32)
    firsts = np.arange(0, vocab, step, dtype=np.int32)  # or all rows would be converted
    edges = np.append(np.searchsorted(cells.rows, firsts), len(cells.rows))
    for first, start, stop in zip(firsts, edges[:-1], edges[1:], strict=True):
        at = slice(start, stop)
        where = np.asarray(cells.rows[at]) - first, np.asarray(cells.columns[at])
        dense = np.zeros((step, vocab), np.float32)
        dense[where] = cells.values[at]
        found[at] = np.asarray(_scores(dense, negatives, noise, rule))[where]
    return cells._replace(values=found)


@functools.partial(jax.jit, static_argnames="rule")
def _scores(counts, negatives, noise, rule: Rule):
    return scores(counts, rule(counts, negatives, noise))

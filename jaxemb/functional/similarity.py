"""Cosines and distances of vectors, answers to analogies, and the largest of many scores."""

from typing import cast

import jax.numpy as jnp
from jax import lax
from jax.lax import Precision
from jaxtyping import Array, Float, Int

from jaxemb.functional import ratios
from jaxemb.functional.meshes import on_any_mesh

GROUP = 64  # columns of which `largest` first looks at the maximum


@on_any_mesh
def normalize(vectors: Float[Array, "*rows dim"]) -> Float[Array, "*rows dim"]:
    """Scale vectors to length 1; a zero vector stays zero and has gradient zero."""
    return cast(Array, ratios.unit(vectors))


@on_any_mesh
def lengths(vectors: Float[Array, "*rows dim"]) -> Float[Array, "*rows"]:
    """Euclidean lengths of vectors, also where the squares of their entries leave float32."""
    return cast(Array, ratios.lengths(vectors))


@on_any_mesh
def cosine_to_rows(
    vectors: Float[Array, "vectors dim"], rows: Float[Array, "rows dim"]
) -> Float[Array, "vectors rows"]:
    """`cosine` that divides by the lengths of the rows after the product, to copy no rows."""
    products = jnp.matmul(normalize(vectors), rows.T, precision=Precision.HIGHEST)
    return ratios.ratio(products, lengths(rows)[None, :])


@on_any_mesh
def cosine(
    left: Float[Array, "left dim"], right: Float[Array, "right dim"]
) -> Float[Array, "left right"]:
    """The cosine of every pair; 0 for a zero vector."""
    return jnp.matmul(normalize(left), normalize(right).T, precision=Precision.HIGHEST)


@on_any_mesh
def euclidean(
    left: Float[Array, "left dim"], right: Float[Array, "right dim"]
) -> Float[Array, "left right"]:
    """The Euclidean distance of every pair; for equal vectors its gradient is 0.

    It is the length of the difference: |a|^2 + |b|^2 - 2 a.b would lose the distance of near
    neighbours to cancellation.
    """
    return ratios.length(left[:, None, :] - right[None, :, :], axis=-1)


@on_any_mesh
def cos_add(
    positive: Float[Array, "positive dim"],
    negative: Float[Array, "negative dim"],
    rows: Float[Array, "rows dim"],
) -> Float[Array, " rows"]:
    """3CosAdd: cosine of each row with the unit vectors of `positive` minus those of `negative`.

    For "a is to b as c is to ?", with positive = (b, c) and negative = (a), the answer is the row
    of the largest value.

    Source:
        Mikolov, Yih and Zweig 2013, "Linguistic Regularities in Continuous Space Word
        Representations".
    """
    query = jnp.sum(normalize(positive), axis=0) - jnp.sum(normalize(negative), axis=0)
    return cosine_to_rows(query[None, :], rows)[0]


@on_any_mesh
def cos_mul(
    positive: Float[Array, "positive dim"],
    negative: Float[Array, "negative dim"],
    rows: Float[Array, "rows dim"],
    epsilon: float = 1e-6,
) -> Float[Array, " rows"]:
    """3CosMul: product of the cosines with `positive` over that with `negative`, all in [0, 1].

    prod_p (1 + cos(row, p)) / 2  /  (prod_n (1 + cos(row, n)) / 2 + epsilon)

    Source:
        Levy and Goldberg 2014, "Linguistic Regularities in Sparse and Explicit Word
        Representations", eq. 4 and footnote 7. Their epsilon is 0.001, hyperwords' 0.01, gensim's
        1e-6.
    """
    near, far = ((1.0 + cosine_to_rows(vectors, rows)) / 2.0 for vectors in (positive, negative))
    return jnp.prod(near, axis=0) / (jnp.prod(far, axis=0) + epsilon)


@on_any_mesh
def closeness(
    positive: Float[Array, "positive dim"],
    negative: Float[Array, "negative dim"],
    rows: Float[Array, "rows dim"],
) -> Float[Array, " rows"]:
    """Minus the Euclidean distance of each row from sum(positive) - sum(negative)."""
    query = jnp.sum(positive, axis=0) - jnp.sum(negative, axis=0)
    return -euclidean(query[None, :], rows)[0]


@on_any_mesh
def largest(
    scores: Float[Array, "queries rows"], k: int
) -> tuple[Float[Array, "queries k"], Int[Array, "queries k"]]:
    """The k largest scores of each query and their indices; of equal scores the lower index.

    It is `lax.top_k`, three times as fast on CPU. None of the k is outside the k groups of columns
    with the largest maxima: k entries, one in each group, come before it.
    """
    queries, rows = scores.shape
    if rows % GROUP or rows // GROUP <= k:
        values, indices = lax.top_k(scores, k)
        return values, indices
    groups = scores.reshape(queries, rows // GROUP, GROUP)
    _, chosen = lax.top_k(jnp.max(groups, axis=2), k)
    chosen = jnp.sort(chosen, axis=1)  # in the order of rows, so that ties stay right
    within = jnp.take_along_axis(groups, chosen[:, :, None], axis=1)
    values, indices = lax.top_k(within.reshape(queries, k * GROUP), k)
    return values, jnp.take_along_axis(chosen, indices // GROUP, axis=1) * GROUP + indices % GROUP

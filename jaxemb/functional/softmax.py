"""Softmax losses of a language model over a whole vocabulary or over a sample of it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from jaxemb.functional import products
from jaxemb.structs import AnyArray


class Sample(NamedTuple):
    """A sample of different words, and the log of the expected count of each word in it."""

    ids: Int[Array, " samples"]
    log_expected: Float[Array, " vocab"]


def full(
    hidden: Float[Array, "positions dim"],
    kernel: Float[Array, "vocab dim"],
    bias: Float[Array, " vocab"],
    target: Int[AnyArray, " positions"],
) -> Float[Array, " positions"]:
    """-log p(target | hidden) in nats for each position, with p = softmax(kernel hidden + bias)."""
    logits = jnp.matmul(hidden, kernel.T, precision=products.stated()) + bias[None, :]
    chosen = jnp.take_along_axis(logits, target[:, None], axis=1)[:, 0]
    return jax.nn.logsumexp(logits, axis=1) - chosen


def sampled(
    hidden: Float[Array, "positions dim"],
    kernel: Float[Array, "vocab dim"],
    bias: Float[Array, " vocab"],
    target: Int[AnyArray, " positions"],
    sample: Sample,
) -> Float[Array, " positions"]:
    """The softmax loss over the target and a sample that all positions share, in nats.

    Every logit is lowered by the log of its word's expected count, so that the gradient is nearly
    that of `full`; where the sample contains the target itself, it is masked. With every word in
    the sample and nothing to correct, the loss is `full`.

    Source:
        Jean et al. 2015, arXiv:1412.2007, section 3; TensorFlow's `sampled_softmax_loss`.
    """
    own = jnp.sum(hidden * kernel[target], axis=1) + bias[target] - sample.log_expected[target]
    others = jnp.matmul(hidden, kernel[sample.ids].T, precision=products.stated())
    others = others + (bias - sample.log_expected)[sample.ids][None, :]
    hits = sample.ids[None, :] == target[:, None]
    nothing = jnp.finfo(others.dtype).min  # its exponential is 0; infinity is kept for errors
    logits = jnp.concatenate([own[:, None], jnp.where(hits, nothing, others)], axis=1)
    return jax.nn.logsumexp(logits, axis=1) - own


def log_uniform(key: Key[Array, ""], samples: int, vocab: int) -> Sample:
    """Draw `samples` different words by rank: P(k) = log((k + 2) / (k + 1)) / log(vocab + 1).

    Words arrive at random times with rate P, and the first `samples` of them are taken. This equals
    drawing until so many different words have occurred. With the time t of the last one, the
    expected count of word k is 1 - exp(-P t). Ids must be ordered by falling frequency.

    Source:
        TensorFlow's `log_uniform_candidate_sampler`, unique; its count of tries is the time here.
    """
    rank = jnp.arange(vocab, dtype=jnp.float32)
    share = jnp.log1p(1 / (rank + 1)) / jnp.log(vocab + 1.0)
    arrival = jax.random.exponential(key, (vocab,), jnp.float32) / share
    early, ids = jax.lax.top_k(-arrival, samples)
    return Sample(ids, jnp.log(-jnp.expm1(share * early[-1])))

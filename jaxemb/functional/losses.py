"""Word2vec losses of ONE example or block, as functions of the vectors it reads.

No tables, ids, batches or optimizers here: batch with `jax.vmap`, differentiate with `jax.grad`.
Losses are in nats.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxemb.functional import pooling, products


@jax.custom_jvp
def softplus(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """log(1 + e^x) with the derivative sigma(x), so that a gradient alone needs no logarithm."""
    return jax.nn.softplus(x)


softplus.defjvps(lambda tangent, _, x: tangent * jax.nn.sigmoid(x))


def skipgram(
    center: Float[Array, " dim"],
    context: Float[Array, " dim"],
    noise: Float[Array, "negatives dim"],
) -> Float[Array, ""]:
    r"""Skip-gram with negative sampling: the center word predicts one context word.

    -log sigma(context . center) - sum_k log sigma(-noise_k . center)

    Args:
        center: the input vector of the center word.
        context: the output vector of one word of its window.
        noise: the output vectors of the words drawn as noise.

    Returns:
        The loss in nats, >= 0; (1 + negatives) log 2 when every score is 0.

    Source:
        Mikolov et al. 2013, arXiv:1310.4546, eq. 4, negated.
    """
    return softplus(-(context @ center)) + jnp.sum(softplus(noise @ center))


def cbow(
    window: Float[Array, "context dim"],
    mask: Float[Array, " context"],
    center: Float[Array, " dim"],
    noise: Float[Array, "negatives dim"],
) -> Float[Array, ""]:
    r"""CBOW with negative sampling: the mean of the window predicts the center word.

    h = sum_c mask_c window_c / sum_c mask_c
    -log sigma(center . h) - sum_k log sigma(-noise_k . h)

    Args:
        window: the input vectors of the words around the center.
        mask: 1 for a word of the window, 0 for padding. No word at all gives h = 0.
        center: the output vector of the center word.
        noise: the output vectors of the words drawn as noise.

    Returns:
        The loss in nats, >= 0; (1 + negatives) log 2 when every score is 0.

    Source:
        Mikolov et al. 2013, arXiv:1301.3781, section 3.1 (the mean) with arXiv:1310.4546, eq. 4.
    """
    return skipgram(pooling.mean(window, mask[None, :])[0], center, noise)


def hierarchical(
    hidden: Float[Array, " dim"],
    nodes: Float[Array, "path dim"],
    branches: Float[Array, " path"],
    mask: Float[Array, " path"],
) -> Float[Array, ""]:
    r"""Hierarchical softmax: a vector predicts a word, branch by branch from the root of a tree.

    -sum_j mask_j log sigma(branch_j node_j . hidden)

    Args:
        hidden: the vector that predicts: the input vector of a word, or the mean of a window.
        nodes: the output vectors of the inner nodes on the word's path.
        branches: +1 or -1, the branch that the path takes at each node.
        mask: 1 on the path, 0 for padding.

    Returns:
        -log p(word | hidden) in nats, >= 0; the path's length times log 2 when every score is 0.

    Source:
        Morin and Bengio 2005; Mikolov et al. 2013, arXiv:1310.4546, eq. 3, negated.
    """
    return jnp.sum(mask * softplus(-branches * (nodes @ hidden)))


def _one_for_each(outputs: Float[Array, "outputs dim"], *targets: Array) -> None:
    """Raise AssertionError for a target that has not one entry per output: it would broadcast."""
    for target in targets:
        if target.shape != (len(outputs),):
            raise AssertionError(f"target is {target.shape}; wanted {(len(outputs),)}: outputs")


def logistic(
    hidden: Float[Array, "centers dim"],
    outputs: Float[Array, "outputs dim"],
    target: Float[Array, " outputs"],
    weight: Float[Array, "centers outputs"],
) -> Float[Array, ""]:
    r"""Logistic loss over a block: sum_tj weight_tj log(1 + exp(-target_j h_t . o_j)).

    It is negative sampling with targets +1 for observed words and -1 for noise.

    Args:
        hidden: the vector with which each center predicts.
        outputs: the output vectors to be scored, shared by the whole block.
        target: +1 observed, -1 noise.
        weight: how often center t meets output j; 0 for padding and outside the window.

    Returns:
        The loss in nats, >= 0; log 2 per unit of weight when every score is 0.

    Raises:
        AssertionError: `target` has not one entry per output (it would broadcast).
    """
    _one_for_each(outputs, target)
    scores = products.scores(hidden, outputs)  # one product: what accelerators are for
    return jnp.sum(weight * softplus(-target[None, :] * scores))


def glove(
    word: Float[Array, " dim"],
    context: Float[Array, " dim"],
    bias: Float[Array, ""],
    context_bias: Float[Array, ""],
    count: Float[Array, ""],
    weight: Float[Array, ""],
) -> Float[Array, ""]:
    r"""GloVe: the product of two vectors, with a bias of each, is the logarithm of a count.

    weight/2 (word . context + bias + context_bias - log count)^2

    Args:
        word: the input vector of a word.
        context: the output vector of a word that occurs near it.
        bias, context_bias: their biases.
        count: their co-occurrence count, > 0.
        weight: f(count), the weight of this cell; see `glove.weight`.

    Source:
        Pennington et al. 2014, "GloVe: global vectors for word representation", eq. 8; halved, as
        in Stanford's program.
    """
    return 0.5 * weight * (word @ context + bias + context_bias - jnp.log(count)) ** 2


def biased_squares(
    hidden: Float[Array, "centers dim"],
    outputs: Float[Array, "outputs dim"],
    target: Float[Array, " outputs"],
    weight: Float[Array, "centers outputs"],
) -> Float[Array, ""]:
    r"""GloVe's loss over a block, the bias being the last entry of each vector.

    1/2 sum_tj weight_tj (h_t . o_j + b_t + b_j - target_j)^2

    Args:
        hidden, outputs: vectors [dim - 1] with a bias each.
        target: logarithms of counts.
        weight: f(count); 0 is padding.
    """
    _one_for_each(outputs, target)
    scores = products.scores(hidden[:, :-1], outputs[:, :-1])
    apart = scores + hidden[:, -1:] + outputs[:, -1][None, :] - target[None, :]
    return 0.5 * jnp.sum(weight * apart**2)


def softmax(
    hidden: Float[Array, "centers dim"],
    outputs: Float[Array, "vocab dim"],
    target: Float[Array, " vocab"],
    weight: Float[Array, "centers vocab"],
) -> Float[Array, ""]:
    r"""Full softmax over a block: -sum_tj weight_tj log p(j | t), p = softmax(outputs hidden_t).

    Args:
        hidden: the vector with which each center predicts.
        outputs: the output vectors of all words.
        target: not used: the observed words have weight, and all others are noise.
        weight: how often center t is to predict word j.

    Returns:
        The loss in nats, >= 0; log vocab per unit of weight when every score is 0.

    Source:
        Mikolov et al. 2013, arXiv:1310.4546, eq. 2.
    """
    _one_for_each(outputs, target)
    scores = products.scores(hidden, outputs)
    normalizer = jax.nn.logsumexp(scores, axis=1, keepdims=True)
    return jnp.sum(weight * (normalizer - scores))


class Contrast(NamedTuple):
    """The target of noise-contrastive estimation for each output."""

    target: Float[Array, " outputs"]  # +1 observed, -1 noise
    log_expected: Float[Array, " outputs"]  # log(k P_n): expected count in the noise of a word


def noise_contrastive(
    hidden: Float[Array, "centers dim"],
    outputs: Float[Array, "outputs dim"],
    target: Contrast,
    weight: Float[Array, "centers outputs"],
) -> Float[Array, ""]:
    r"""NCE over a block: `logistic` of scores lowered by log(k P_n).

    sum_tj weight_tj log(1 + exp(-target_j (h_t . o_j - log k P_n(j))))

    At its optimum h . o is log p(word | hidden), where `logistic` has PMI - log k.

    Args:
        hidden, outputs, weight: as in `logistic`.
        target: +1 observed, -1 noise, with log(k P_n) of each output.

    Source:
        Gutmann and Hyvarinen 2012; Mnih and Teh 2012, arXiv:1206.6426, eq. 8 to 10.
    """
    _one_for_each(outputs, *target)
    scores = products.scores(hidden, outputs) - target.log_expected[None, :]
    return jnp.sum(weight * softplus(-target.target[None, :] * scores))


# the losses of a block that are functions of the products hidden . output
OF_PRODUCTS = (logistic, softmax, noise_contrastive)

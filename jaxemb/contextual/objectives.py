"""What a language model predicts from what: the next word in both directions, or hidden words."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int

from jaxemb.contextual import baselines, windows
from jaxemb.contextual.baselines import Baseline
from jaxemb.contextual.windows import Cut
from jaxemb.errors import InputError
from jaxemb.functional import softmax
from jaxemb.structs import AnyArray

Texts = Sequence[Int[AnyArray, "..."]]  # sentences with their marks


class LanguageObjective(NamedTuple):
    """What a language model predicts from what, as pure functions.

    windows(text, mask, unroll, carried, (seed, epoch)) -> `Cut`   host: a window per direction
    loss(hidden, kernel, bias, target, key, samples) -> nats       [n, dim], [rows, dim], [rows],
                                                                   [n] -> [n]
    baseline(train, dev, held_out, rows) -> {direction: `Baseline`}   host: sentences, and what a
                                                                   model without context reaches
    """

    windows: Callable[..., Cut]
    loss: Callable[..., Float[Array, " predictions"]]
    baseline: Callable[[Texts, Texts, Texts, int], dict[str, Baseline]]
    directions: tuple[str, ...]  # of the windows; a contextualizer must have as many
    hides: bool = False  # whether the windows hold `windows.HIDDEN`


def cross_entropy(
    hidden: Float[Array, "predictions dim"],
    kernel: Float[Array, "rows dim"],
    bias: Float[Array, " rows"],
    target: Int[Array, " predictions"],
    key: Any = None,
    samples: int | None = None,
) -> Float[Array, " predictions"]:
    """-log softmax(hidden kernel^T + bias)[target], over all rows or a sample of them.

    Args:
        key: for the sample; None: all rows.
        samples: the number of rows in the sample; None, or all of them, for all.
    """
    rows = len(kernel)
    if key is None or not samples or samples >= rows:
        return softmax.full(hidden, kernel, bias, target)
    drawn = softmax.log_uniform(key, samples, rows)
    return softmax.sampled(hidden, kernel, bias, target, drawn)


def next_word() -> LanguageObjective:
    """Each direction predicts the token that it reads next.

    Source:
        Peters et al. 2018, arXiv:1802.05365, section 3.1.
    """
    directions = ("forward", "backward")
    return LanguageObjective(windows.next_words, cross_entropy, _bigrams, directions)


def masked_words(share: float = 0.15) -> LanguageObjective:
    """A share of the words is hidden, and predicted from the words on both sides.

    Every chosen word is hidden: BERT shows a fifth of them, or other words in their places, and so
    lets a position see what it is to predict.

    Args:
        share: of the words, above 0 and below 1.

    Raises:
        InputError: a share out of its range.

    Source:
        Devlin et al. 2019, arXiv:1810.04805, section 3.1.
    """
    if not 0 < share < 1:
        raise InputError(f"share is {share}; it must be above 0 and below 1")
    cut = functools.partial(windows.hidden_words, share)
    return LanguageObjective(cut, cross_entropy, _unigrams, ("hidden",), hides=True)


def _bigrams(train: Texts, dev: Texts, held_out: Texts, rows: int) -> dict[str, Any]:
    """Bigrams of the same text, in both directions."""

    def pairs(ids: Texts) -> tuple[Any, Any]:
        firsts, seconds = ([line[part] for line in ids] for part in (slice(-1), slice(1, None)))
        return np.concatenate(firsts), np.concatenate(seconds)

    ahead = [pairs(part) for part in (train, dev, held_out)]
    back = [(second, first) for first, second in ahead]
    named = {"forward": ahead, "backward": back}
    return {
        name: Baseline("bigrams", *baselines.best_perplexity(parts[0], parts[1], parts[2], rows))
        for name, parts in named.items()
    }


def _unigrams(train: Texts, dev: Texts, held_out: Texts, rows: int) -> dict[str, Any]:
    """Frequencies of the same text's words: the bigrams of words after one same word."""

    def pairs(ids: Texts) -> tuple[Any, Any]:
        words = np.concatenate([line[1:-1] for line in ids])
        return np.zeros_like(words), words

    reached = baselines.best_perplexity(pairs(train), pairs(dev), pairs(held_out), rows)
    return {"hidden": Baseline("unigrams", *reached)}


OBJECTIVES: tuple[Callable[..., LanguageObjective], ...] = (next_word, masked_words)

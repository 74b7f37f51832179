"""Words with subwords: the row of a word is the mean of its own and those of its n-grams.

Character n-grams are hashed into buckets as fastText hashes them. Only buckets that a word of the
vocabulary has an n-gram in get a row: no text can train the others. Rows are ordered by use, words
first, so that those read most stand close together.

Source:
    Bojanowski et al. 2017, arXiv:1607.04606; the mean for their sum: github facebookresearch/
    fastText.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxemb.errors import InputError, at_least
from jaxemb.functional import hashing
from jaxemb.static import bags as bags_lib, blocks as blocks_lib, objectives
from jaxemb.structs import AnyArray, Bag, Block, InOut, Objective, Vocab

_COMPOSED = 1 << 12  # words at once


class Bags(NamedTuple):
    """The rows of every word, one word's after the other's: its own, then its n-grams'."""

    flat: Int[Array, " all"]  # int32; `slots` more at the end, that a slice never leaves it
    start: Int[Array, " vocab"]
    count: Int[Array, " vocab"]  # rows of each word # pyright: ignore[reportIncompatibleMethodOverride]
    weight: Float[Array, " vocab"]  # how much a word weighs among the words of a window
    slots: Int[Array, " slots"]  # 0, 1, ... up to the longest bag
    buckets: Int[Array, " ngrams"]  # of each row beyond those of words


class Resources(NamedTuple):
    """What a block is drawn from."""

    inner: Any  # of the objective on words
    bags: Bags


def fasttext_share(count: Int[Array, "*bags"]) -> Float[Array, "*bags"]:
    """Every row receives all that its mean does: fastText and gensim. No gradient of any loss.

    A word then learns about as fast as one without n-grams.
    """
    return jnp.ones(count.shape, jnp.float32)


def exact_share(count: Int[Array, "*bags"]) -> Float[Array, "*bags"]:
    """Every row receives its part of what its mean does: the exact gradient."""
    return 1.0 / jnp.maximum(count, 1).astype(jnp.float32)


def subword_skipgram(
    *,
    minn: int = 3,
    maxn: int = 6,
    buckets: int = 2_000_000,
    share: Callable[..., Array] = fasttext_share,
    **settings: Any,
) -> Objective:
    """Skip-gram with negative sampling whose centers are the means of their words' rows.

    Args:
        minn, maxn: the shortest and longest n-gram, in characters, `<` and `>` included; maxn 0
            for none.
        buckets: n-grams whose hashes agree modulo this share a row.
        share: `fasttext_share` or `exact_share`: which gradient a row receives.
        settings: see `objectives.skipgram`.

    Raises:
        InputError: a number that must be at least 1 is not; minn over maxn.
    """
    return _with_bags(objectives.skipgram(**settings), minn, maxn, buckets, share)


def subword_cbow(
    *,
    minn: int = 3,
    maxn: int = 6,
    buckets: int = 2_000_000,
    **settings: Any,
) -> Objective:
    """CBOW with negative sampling: the mean of all rows of a window's words predicts its center.

    So a long word weighs more than a short one, as in fastText and gensim.

    Args:
        minn, maxn, buckets: see `subword_skipgram`.
        settings: see `objectives.cbow`; with `mean=pooling.mean_word2vec` every row receives all
            that the mean does, as in fastText and gensim.

    Raises:
        InputError: a number that must be at least 1 is not; minn over maxn.
    """
    made = _with_bags(objectives.cbow(**settings), minn, maxn, buckets, exact_share)
    return made._replace(draw=functools.partial(_weighed, draw=made.draw))


def _with_bags(inner: Objective, minn: int, maxn: int, buckets: int, share) -> Objective:
    at_least(0, minn=minn, maxn=maxn)
    if maxn:
        at_least(1, buckets=buckets)
    if minn > maxn > 0:
        raise InputError(f"minn is {minn}, above maxn, which is {maxn}")
    hashed = {"minn": minn, "maxn": maxn, "buckets": buckets}
    return inner._replace(
        prepare=functools.partial(_prepare, inner=inner, **hashed),
        draw=functools.partial(_draw, draw=inner.draw, share=share),
        words=composed,
        of_words=alone,
        unknown=functools.partial(unknown, **hashed),
        load=functools.partial(_load, load=inner.load, share=share),
    )


def _prepare(vocab: Vocab, *, inner: Objective, **hashed: int) -> tuple[Resources, InOut[int]]:
    resources, rows = inner.prepare(vocab)
    bags = rows_of(vocab, **hashed)
    return Resources(resources, bags), rows._replace(input=rows.input + len(bags.buckets))


def rows_of(vocab: Vocab, *, minn: int, maxn: int, buckets: int) -> Bags:
    """The rows of every word; row i < vocab is word i's own.

    Args:
        vocab: the words, and their counts, which order the rows of buckets.
        minn, maxn, buckets: see `subword_skipgram`.
    """
    raw = [word.encode("utf-8", "surrogateescape") for word in vocab.words]
    hashed, grams = hashing.buckets_of(raw, minn, maxn, buckets)
    used, which = np.unique(hashed, return_inverse=True)
    use = np.bincount(which, np.repeat(vocab.counts, grams), len(used))
    order = np.argsort(-use, kind="stable")
    row = np.empty(len(used), np.int64)
    row[order] = np.arange(len(used))
    count = grams + 1
    start = np.cumsum(count) - count
    longest = int(count.max())
    flat = np.zeros(int(count.sum()) + longest, np.int32)
    flat[start] = np.arange(len(raw))
    own = np.zeros(len(flat) - longest, bool)
    own[start] = True
    flat[: len(own)][~own] = len(raw) + row[which]
    return Bags(
        jnp.asarray(flat),
        jnp.asarray(start, jnp.int32),
        jnp.asarray(count, jnp.int32),
        jnp.asarray(count, jnp.float32),
        jnp.arange(longest, dtype=jnp.int32),
        jnp.asarray(used[order], jnp.int32),
    )


def bag_of(
    bags: Bags, words: Int[Array, " words"], share: Callable[..., Array] = fasttext_share
) -> Bag:
    """The bags of some words; beyond a bag's end stands row 0, which is often read anyway."""
    count = bags.count[words]
    slices = jax.vmap(lambda at: jax.lax.dynamic_slice(bags.flat, (at,), bags.slots.shape))
    rows = jnp.where(bags.slots[None, :] < count[:, None], slices(bags.start[words]), 0)
    return Bag(rows, count, share(count))


def _draw(random, text, resources: Resources, *, draw, share) -> Block:
    block = draw(random, text, resources.inner)
    return block._replace(
        ids=InOut(bag_of(resources.bags, block.ids.input, share), block.ids.output)
    )


def _weighed(random, text, resources: Resources, *, draw) -> Block:
    """A block of CBOW in which each word weighs as many rows as it has."""
    block = draw(random, text, resources)
    words = block.ids.input.rows[:, 0]  # a word's own row has its number
    return block._replace(pool=block.pool * resources.bags.weight[words][None, :])


def _load(resources: Resources, shares, *, load, share):
    """How far a word's mean moves by the updates of its rows: n-grams are other words' too.

    Different words move a frequent n-gram: tables ran away at 1.4 times the load of whole words.
    """
    of_words, *others = load(resources.inner, shares)
    bags = resources.bags
    count, flat = np.asarray(bags.count), np.asarray(bags.flat)
    flat = flat[: count.sum()]
    of_rows = np.bincount(flat, np.repeat(of_words * np.asarray(share(bags.count)), count))
    moved = np.add.reduceat(of_rows[flat], np.asarray(bags.start)) / count
    return 0.7 * moved, *others


def composed(whole: InOut[Array], resources: Resources) -> InOut[Array]:
    """The same model with one row a word, the mean of all its rows; it costs the same."""
    return whole._replace(input=_composed(whole.input, resources.bags))


def unknown(
    whole: InOut[AnyArray],
    resources: Resources,
    words: Sequence[str],
    *,
    minn: int,
    maxn: int,
    buckets: int,
) -> Float[np.ndarray, "words dim"]:
    """Vectors of words beyond the vocabulary: the means of their n-grams' rows, on the host.

    An n-gram that no word of the vocabulary has counts as zeros, as in the model's .bin file.

    Args:
        whole: the tables as trained.
        minn, maxn, buckets: see `subword_skipgram`.
    """
    table, used = np.asarray(whole.input), np.asarray(resources.bags.buckets)
    raw = [word.encode("utf-8", "surrogateescape") for word in words]
    hashed, counts = hashing.buckets_of(raw, minn, maxn, buckets)
    order = np.argsort(used)
    place = np.minimum(np.searchsorted(used, hashed, sorter=order), max(len(used) - 1, 0))
    row = order[place] if len(used) else np.zeros(0, int)
    trained = used[row] == hashed if len(used) else np.zeros(0, bool)
    sums = np.zeros((len(raw), table.shape[1]), np.float32)
    owner = np.repeat(np.arange(len(raw)), counts)
    np.add.at(sums, owner[trained], table[len(table) - len(used) + row[trained]])
    return sums / np.maximum(counts, 1).astype(np.float32)[:, None]


def drawn_by(objective: Objective) -> tuple[blocks_lib.Window, bool] | None:
    """The window of an objective with subwords, and whether it is CBOW; None for any other."""
    draw: Any = objective.draw
    while isinstance(draw, functools.partial):
        if "settings" in draw.keywords:
            return draw.keywords["settings"], draw.keywords["direction"] is blocks_lib.cbow
        draw = draw.keywords.get("draw")
    return None


def alone(resources: Resources) -> Resources:
    """What blocks that read composed rows are drawn from: every word is a bag of one."""
    own = jnp.arange(len(resources.bags.start), dtype=jnp.int32)
    one_each = resources.bags._replace(
        flat=jnp.pad(own, (0, 1)),
        start=own,
        count=jnp.ones_like(own),
        slots=jnp.zeros(1, jnp.int32),
        buckets=jnp.zeros(0, jnp.int32),
    )
    return resources._replace(bags=one_each)


@jax.jit
def _composed(table, bags: Bags):
    words = jnp.arange(bags.start.shape[0], dtype=jnp.int32)
    short = -len(words) % _COMPOSED
    pieces = jnp.pad(words, (0, short)).reshape(-1, _COMPOSED)
    rows = jax.lax.map(lambda piece: bags_lib.read(table, bag_of(bags, piece)), pieces)
    return rows.reshape(-1, table.shape[1])[: len(words)]

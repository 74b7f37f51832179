"""Scores of how well vectors separate the senses of one form; static vectors have exactly 1/2.

True senses come from pseudo-words (`pseudo_words`, importable from here) or from a file
(`context_tests`). Cosines that float32 cannot tell apart count as half right.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.evaluation import intervals
from jaxemb.evaluation.intervals import Estimate
from jaxemb.evaluation.pseudo_words import (
    Merged,
    PseudoWord,
    Split,
    id_pairs,
    merge_ids,
    merged,
    pseudo_words,
    split_occurrences,
)
from jaxemb.functional import similarity
from jaxemb.functional.ratios import ratio
from jaxemb.linalg import segment_sums
from jaxemb.structs import AnyArray, displayed

__all__ = [
    "Compared",
    "Merged",
    "PseudoWord",
    "SenseAccuracy",
    "Split",
    "WicAccuracy",
    "compared",
    "cosine_distance",
    "id_pairs",
    "merge_ids",
    "merged",
    "pseudo_words",
    "sense_accuracy",
    "silhouette",
    "split_occurrences",
    "wic_accuracy",
    "wic_halves",
    "wic_pairs",
]

TIE = 4 * float(np.finfo(np.float32).eps)  # cosines that differ by no more are equal
# left [left, dim], right [right, dim] -> [left, right]
Distance = Callable[[Any, Any], Any]


@displayed
class SenseAccuracy(NamedTuple):
    """The accuracy with which the nearest centroid is that of the right sense."""

    accuracy: Estimate  # the mean over forms
    by_form: Float[AnyArray, " forms"]  # NaN for a form that was not tried
    right: Float[AnyArray, " test"]  # 1, 0, or 1/2 where both centroids are equally near

    def __str__(self) -> str:
        tried = int(np.sum(~np.isnan(self.by_form)))
        return f"sense accuracy {self.accuracy} over {tried:,} forms"


def sense_accuracy(
    train_vectors: Float[AnyArray, "train dim"],
    train_senses: Int[AnyArray, " train"],
    test_vectors: Float[AnyArray, "test dim"],
    test_senses: Int[AnyArray, " test"],
    train_forms: Int[AnyArray, " train"] | None = None,
    test_forms: Int[AnyArray, " test"] | None = None,
    *,
    seed: int = 0,
) -> SenseAccuracy:
    """Accuracy of the sense whose centroid of training occurrences has the larger cosine.

    Args:
        train_senses: 0 or 1.
        train_forms: the form of each occurrence; None if all have the same form.
        seed: of the bootstrap, which is over forms, or over occurrences if there is one form.

    Raises:
        InputError: a form of the test has no training occurrence of a sense; a sense is not 0 or
            1; vectors with NaN or infinity; unequal numbers of vectors, senses and forms.
    """
    learned = _forms(train_forms, train_senses, train_vectors)
    forms = _forms(test_forms, test_senses, test_vectors)
    unit, tried = (
        linalg.unit_rows(np.asarray(x, np.float64)) for x in (train_vectors, test_vectors)
    )
    number = int(max(learned.max(initial=0), forms.max(initial=0))) + 1
    learned = 2 * learned + np.asarray(train_senses)
    centroids = linalg.unit_rows(segment_sums.sums(unit, learned, 2 * number))
    times = np.bincount(learned, minlength=2 * number).reshape(number, 2)
    if (without := (times[forms] == 0).any(axis=1)).any():
        raise InputError(f"form {forms[without][0]} has one sense or none to learn from")
    near = [np.sum(centroids[2 * forms + sense] * tried, axis=1) for sense in (0, 1)]
    beyond = (near[1] - near[0]) * np.where(np.asarray(test_senses) == 1, 1.0, -1.0)
    right = np.where(np.abs(beyond) <= TIE, 0.5, beyond > 0)
    times = np.bincount(forms, minlength=number)
    sums = np.bincount(forms, right, minlength=number)
    by_form = np.where(times > 0, sums / np.maximum(times, 1), np.nan)
    scores = by_form[times > 0]
    return SenseAccuracy(_mean(scores if len(scores) > 1 else right, seed), by_form, right)


def _forms(forms: Any, senses: Any, vectors: Any) -> Any:
    if not np.isin(senses, (0, 1)).all():
        raise InputError("senses are 0 or 1 here: leave out occurrences that are in no pair")
    if not np.isfinite(vectors).all():
        raise InputError("vectors hold NaN or infinity: every word needs a row of its own")
    forms = np.zeros(len(senses), int) if forms is None else np.asarray(forms)
    if not len(forms) == len(senses) == len(vectors) or forms.min(initial=0) < 0:
        held = f"{len(vectors)} vectors, {len(senses)} senses, {len(forms)} forms"
        raise InputError(f"{held} from {forms.min(initial=0)}; wanted as many of each, from 0")
    return forms


class Compared(NamedTuple):
    """Pairs of occurrences of one form, and whether both have the same sense."""

    cosine: Float[AnyArray, " pairs"]
    same: Bool[AnyArray, " pairs"]


@displayed
class WicAccuracy(NamedTuple):
    """Accuracy of "same sense" for cosines at or above a threshold that was chosen on train."""

    accuracy: Estimate  # on test
    threshold: float  # -inf: all pairs are the same; inf: none is
    train_accuracy: float

    def __str__(self) -> str:
        return f"WiC accuracy {self.accuracy}, threshold {self.threshold:.3f}"


def wic_pairs(
    senses: Int[AnyArray, " occurrences"],
    forms: Int[AnyArray, " occurrences"],
    at: Int[AnyArray, " some"],
    seed: int,
) -> tuple[Int[AnyArray, "pairs 2"], Bool[AnyArray, " pairs"]]:
    """Pairs of occurrences of one form, half with the same sense; no occurrence is used twice.

    Args:
        at: which occurrences may be used, such as `split.train`.

    Returns:
        (pairs, same): for every form, as many pairs with the same sense as with different senses,
        and among the former as many of sense 0 as of sense 1.
    """
    senses, forms, at = (np.asarray(x) for x in (senses, forms, at))
    random = np.random.Generator(np.random.Philox(seed))
    at = random.permutation(at)
    pairs, same = [np.zeros((0, 2), int)], [np.zeros(0, bool)]
    for form in np.unique(forms[at]):
        mine = at[forms[at] == form]
        zero, one = (mine[senses[mine] == sense] for sense in (0, 1))
        quarter = min(len(zero), len(one)) // 4
        half, whole = 2 * quarter, 4 * quarter
        two = np.stack([zero[:half], one[:half]], axis=1)
        pairs += [zero[half:whole].reshape(-1, 2), one[half:whole].reshape(-1, 2), two]
        same += [np.repeat([True, False], half)]
    return np.concatenate(pairs), np.concatenate(same)


def compared(
    left: Float[AnyArray, "pairs dim"],
    right: Float[AnyArray, "pairs dim"],
    same: Bool[AnyArray, " pairs"],
) -> Compared:
    """The cosine of every pair, in float64; 0 with a zero vector."""
    left, right = (linalg.unit_rows(np.asarray(x, np.float64)) for x in (left, right))
    return Compared(np.sum(left * right, axis=1), np.asarray(same, bool))


def wic_accuracy(train: Compared, test: Compared, *, seed: int = 0) -> WicAccuracy:
    """Accuracy on test at the threshold of best accuracy on train.

    Pairs at or above a threshold are called the same. A threshold lies halfway between two cosines
    that can be told apart, below all, or above all. Of equally good ones, the lowest is taken.

    Raises:
        InputError: no training pairs, or a cosine that is NaN.

    Source:
        Pilehvar and Camacho-Collados 2019, arXiv:1808.09121, section 4.
    """
    order = np.argsort(train.cosine, kind="stable")
    cosine, same = np.asarray(train.cosine)[order], np.asarray(train.same)[order]
    if not len(cosine) or np.isnan(cosine).any() or np.isnan(test.cosine).any():
        raise InputError("WiC wants pairs to choose a threshold by, and cosines that are numbers")
    # number right with a cut before i: different senses below it, same sense above it
    right = np.append(0, np.cumsum(~same)) + same.sum() - np.append(0, np.cumsum(same))
    apart = np.concatenate([[True], np.diff(cosine) > TIE, [True]])
    best = int(np.argmax(np.where(apart, right, -1)))
    ends = np.concatenate([[-np.inf], cosine, [np.inf]])
    threshold = float((ends[best] + ends[best + 1]) / 2)
    accuracy = intervals.share((np.asarray(test.cosine) >= threshold) == test.same, seed)
    return WicAccuracy(accuracy, threshold, float(right[best] / len(same)))


def wic_halves(pairs: Compared, *, seed: int = 0) -> WicAccuracy:
    """Accuracy without training pairs: each half is tried at the threshold of the other.

    The halves are drawn at random. The threshold and the training accuracy are means of the two.

    Raises:
        InputError: fewer than two pairs, or a cosine that is NaN.
    """
    order = np.random.default_rng(seed).permutation(len(pairs.cosine))
    halves = [Compared(pairs.cosine[i], pairs.same[i]) for i in (order[::2], order[1::2])]
    learned = [wic_accuracy(half, half) for half in halves]
    right = [
        (half.cosine >= other.threshold) == half.same
        for half, other in zip(halves[::-1], learned, strict=True)
    ]
    accuracy = intervals.share(np.concatenate(right), seed)
    threshold, on_train = (
        float(np.mean([getattr(half, name) for half in learned]))
        for name in ("threshold", "train_accuracy")
    )
    return WicAccuracy(accuracy, threshold, on_train)


def cosine_distance(
    left: Float[Array, "left dim"], right: Float[Array, "right dim"]
) -> Float[Array, "left right"]:
    """1 - cosine of every pair."""
    return 1.0 - similarity.cosine(left, right)


def silhouette(
    vectors: Float[AnyArray, "rows dim"],
    labels: Int[AnyArray, " rows"],
    num_labels: int,
    distance: Distance = similarity.euclidean,
) -> Float[Array, " rows"]:
    """(b - a) / max(a, b) of every row, in [-1, 1]; its mean is the score.

    a is the mean distance to the other rows of its label, b the least of the mean distances to the
    rows of another label. Exact, over all pairs: rows^2 dim flops; memory for a row of distances.

    Returns:
        0 for the only row of a label, NaN if there is only one label.

    Source:
        Rousseeuw 1987; equal to scikit-learn's `silhouette_samples`.
    """
    vectors, labels = jnp.asarray(vectors, jnp.float32), jnp.asarray(labels)
    sizes = jax.ops.segment_sum(jnp.ones(len(labels), jnp.float32), labels, num_segments=num_labels)

    def one(row):
        vector, label = row
        far = distance(vector[None, :], vectors)[0]
        sums = jax.ops.segment_sum(far, labels, num_segments=num_labels)
        # its distance from itself may be a rounding error, and is no part of the sum
        itself = distance(vector[None, :], vector[None, :])[0, 0]
        a = (sums[label] - itself) / jnp.maximum(sizes[label] - 1.0, 1.0)
        others = (jnp.arange(num_labels, dtype=jnp.int32) != label) & (sizes > 0)
        most = jnp.finfo(sums.dtype).max  # of no other label; infinity is for errors alone
        b = jnp.min(jnp.where(others, sums / jnp.maximum(sizes, 1.0), most))
        larger = jnp.maximum(jnp.maximum(a, b), 0.0)  # a rounded cosine may exceed 1
        score = jnp.where(sizes[label] > 1, ratio(b - a, larger), 0.0)
        return jnp.where(jnp.any(others), score, jnp.nan)

    return jax.lax.map(one, (vectors, labels))


def _mean(scores: Float[AnyArray, " items"], seed: int) -> Estimate:
    """The mean, with its bootstrap interval: the middle 95 % of the means of resamples."""
    if not len(scores):
        return intervals.NOTHING
    drawn = intervals.resampled(lambda x: x.mean(axis=-1), scores, seed=seed)
    tail = (1 - intervals.LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Estimate(float(scores.mean()), float(low), float(high))

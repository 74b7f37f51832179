"""Windows of text. Oracles: every token counted; the sentences themselves; bigrams by dict."""

from collections import Counter

import numpy as np
import pytest

from jaxemb.contextual import perplexity as perplexities, windows
from jaxemb.contextual.windows import END, SHIFT, START, UNKNOWN
from jaxemb.errors import InputError

IDS = np.array([0, 1, 2, -1, 3, -1, -1, 4, 0, 5, 1, 1, 0, -1, 2, 2], np.int32)


def test_sentences_have_their_marks_and_unknown_words_their_id():
    sentences = windows.sentences(IDS, 5)  # 5 is unknown
    expected = [[0, 1, 2], [3], [4, 0, None, 1, 1, 0], [2, 2]]
    assert [sentence.tolist() for sentence in sentences] == [
        [START, *(UNKNOWN if i is None else i + SHIFT for i in sentence), END]
        for sentence in expected
    ]


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("unroll", [1, 4, 7, 50])
@pytest.mark.parametrize("carried", [True, False])
def test_every_pair_of_words_is_asked_once_in_each_direction(batch, unroll, carried):
    texts = windows.sentences(IDS, 6)
    text, mask = windows.streams(texts, batch)
    counts: list[Counter] = [Counter(), Counter()]
    for pair in windows.windows(text, mask, unroll, carried):
        for seen, window in zip(counts, pair, strict=True):
            assert window.inputs.shape == (unroll, batch)
            assert (window.weight <= window.mask).all()
            kept = window.weight > 0
            seen.update(
                zip(window.inputs[kept].tolist(), window.target[kept].tolist(), strict=True)
            )
            expected = (START, END)[seen is counts[1]]
            resets = window.inputs[window.reset > 0]
            assert (resets == expected).all()
            assert not (carried and len(resets))
    columns = [column[keep > 0] for column, keep in zip(text.T, mask.T, strict=True)]
    pairs = [(a, b) for c in columns for a, b in zip(c[:-1].tolist(), c[1:].tolist(), strict=True)]
    within = [(a, b) for a, b in pairs if (a, b) != (END, START)]
    assert counts[0] == Counter(within)
    assert counts[1] == Counter((b, a) for a, b in within)


def test_a_window_goes_on_where_the_last_one_ended():
    text, mask = windows.streams(windows.sentences(IDS, 6), 2)
    pairs = list(windows.windows(text, mask, 3, True))
    ahead = np.concatenate([a.inputs for a, _ in pairs])[: len(text) - 1]
    np.testing.assert_array_equal(ahead, text[:-1])
    back = np.concatenate([b.inputs[::-1] for _, b in pairs])[: len(text) - 1]
    np.testing.assert_array_equal(back, text[::-1][:-1])
    later = list(windows.windows(text, mask, 3, True, first=2))
    for ours, theirs in zip(later, pairs[2:], strict=True):
        for one, other in zip(ours, theirs, strict=True):
            for a, b in zip(one, other, strict=True):
                np.testing.assert_array_equal(a, b)


def test_a_split_takes_every_sentence_once():
    parts = windows.split(10_000, 3, 0.1, 0.2)
    assert sorted(np.concatenate(parts)) == list(range(10_000))
    np.testing.assert_allclose([len(p) for p in parts], [1000, 2000, 7000], rtol=0.1)
    other = windows.split(10_000, 4, 0.1, 0.2)
    assert not np.array_equal(parts[0], other[0])


def test_too_little_text_is_refused():
    with pytest.raises(InputError, match="lower batch"):
        windows.streams([np.array([0, 3, 1], np.int32)], 3)


@pytest.mark.parametrize("k", [1.0, 0.01])
def test_bigram_probabilities_sum_to_one_and_are_counts(k):
    draw = np.random.default_rng(0)
    first, second = draw.integers(0, 5, (2, 200))
    bigrams = perplexities.counted(first, second, 7)
    for a in range(7):
        p = np.exp(-perplexities.nats(bigrams, np.full(7, a), np.arange(7), k))
        np.testing.assert_allclose(p.sum(), 1.0)
        pairs = [int(((first == a) & (second == b)).sum()) for b in range(7)]
        np.testing.assert_allclose(p, (np.array(pairs) + k) / (sum(pairs) + 7 * k))


def test_the_best_k_is_that_of_the_dev_text():
    draw = np.random.default_rng(1)
    train, dev, held = (tuple(draw.integers(0, 30, (2, n))) for n in (3000, 300, 300))
    perplexity, k = perplexities.best_perplexity(train, dev, held, 30)
    bigrams = perplexities.counted(*train, 30)
    on_dev = {
        candidate: perplexities.nats(bigrams, *dev, candidate).mean()
        for candidate in perplexities.KS
    }
    assert k == min(on_dev, key=on_dev.__getitem__)
    np.testing.assert_allclose(perplexity, np.exp(perplexities.nats(bigrams, *held, k).mean()))

"""Windows of text. Oracles: every token counted; the sentences themselves; bigrams by dict."""

from collections import Counter

import numpy as np
import pytest

from jaxemb.contextual import baselines as perplexities, objectives, windows
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
    cut = windows.next_words(text, mask, unroll, carried)
    for pair in map(cut.at, range(cut.total)):
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
    cut = windows.next_words(text, mask, 3, True)
    pairs = [cut.at(k) for k in range(cut.total)]
    ahead = np.concatenate([a.inputs for a, _ in pairs])[: len(text) - 1]
    np.testing.assert_array_equal(ahead, text[:-1])
    back = np.concatenate([b.inputs[::-1] for _, b in pairs])[: len(text) - 1]
    np.testing.assert_array_equal(back, text[::-1][:-1])


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("unroll", [1, 4, 50])
def test_hidden_words_are_read_as_hidden_and_asked_as_they_are(batch, unroll):
    text, mask = windows.streams(windows.sentences(np.tile(IDS, 40), 6), batch)
    objective = objectives.masked_words(0.25)
    hidden, asked = [], 0
    for draw in ((0, 0), (0, 1), (1, 0)):
        cut = objective.windows(text, mask, unroll, False, draw)
        every = [cut.at(k)[0] for k in range(cut.total)]
        target, read, weight, inputs = (
            np.concatenate([getattr(window, name) for window in every])[: len(text)]
            for name in ("target", "mask", "weight", "inputs")
        )
        np.testing.assert_array_equal(target, text)  # every token is read, in its place
        np.testing.assert_array_equal(read, mask)
        chosen = weight > 0
        np.testing.assert_array_equal(chosen, inputs == windows.HIDDEN)
        np.testing.assert_array_equal(inputs[~chosen], text[~chosen])
        assert (text[chosen] > END).all()
        assert (mask[chosen] > 0).all()
        hidden.append(chosen)
        asked += int(chosen.sum())
    words = 3 * int(((text > END) * mask).sum())
    assert abs(asked / words - 0.25) < 4 * np.sqrt(0.25 * 0.75 / words)  # four standard errors
    assert (hidden[0] != hidden[1]).any()
    assert (hidden[0] != hidden[2]).any()
    again = objective.windows(text, mask, unroll, False, (0, 0))
    np.testing.assert_array_equal(again.at(1)[0].weight, objective.windows(
        text, mask, unroll, False, (0, 0)).at(1)[0].weight)  # fmt: skip


@pytest.mark.parametrize("share", [0.0, 1.0, -1, float("nan")])
def test_a_share_of_all_words_or_none_is_refused(share):
    with pytest.raises(InputError, match="share is"):
        objectives.masked_words(share)


def test_the_baseline_of_hidden_words_is_their_frequency():
    texts = windows.sentences(np.tile(IDS, 30), 6)
    baseline = objectives.masked_words().baseline(texts[:60], texts[60:80], texts[80:], 9)["hidden"]
    train, held = (np.concatenate([s[1:-1] for s in part]) for part in (texts[:60], texts[80:]))
    counts = Counter(train.tolist())
    total = len(train) + 9 * baseline.k
    nats = [-np.log((counts[int(word)] + baseline.k) / total) for word in held]
    np.testing.assert_allclose(baseline.perplexity, np.exp(np.mean(nats)))


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

"""Phrases. Oracles: the formulas' golden values; gensim; word2phrase in plain loops."""

import collections
import functools
import itertools
import math

import numpy as np
import pytest
from gensim.models.phrases import Phrases

from jaxemb import text
from jaxemb.errors import InputError
from jaxemb.lab.settings import Corpus
from jaxemb.text import bigrams, corpus, phrases, tokenizers, vocabulary
from jaxemb.text.phrases import Phrase, Rule, Totals

GOLDEN = {phrases.word2phrase: 5625.0, phrases.gensim: 112.5, phrases.npmi: 0.882551}
HEAD = "phrase\tof_pass\ttimes\tjoined\tscore\n"


def _sentences(seed: int, sentences: int = 400) -> list[list[str]]:
    """Words of which some like to follow one another, and chains such as a a a."""
    random = np.random.default_rng(seed)
    after = {"n": "y", "y": "c", "a": "a", "l": "a"}
    made = []
    for _ in range(sentences):
        words = []
        while len(words) < random.integers(1, 30):
            follows = after.get(words[-1]) if words else None
            likely = follows and random.random() < 0.7
            words.append(follows if likely else "nycalbdefghijkm"[random.zipf(1.3) % 15])
        made.append(words)
    return made


def _joined(sentences, rule: Rule) -> list[list[str]]:
    vocab, ids = text.encode(sentences, min_count=1, phrases=rule)
    names = [*vocab.words, "\n"]
    return [line.split() for line in " ".join(names[i] for i in ids).split("\n") if line]


@pytest.mark.parametrize("score", GOLDEN)
def test_a_score_has_its_golden_value(score):
    totals = Totals(tokens=10**6, types=2 * 10**4, min_count=5)
    pair, first, second = np.array([[50], [100], [80]])
    np.testing.assert_allclose(score(pair, first, second, totals), GOLDEN[score], rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("score", "threshold", "scoring"),
    [
        (phrases.gensim, 0.15, "default"),
        (phrases.gensim, 0.05, "default"),
        (phrases.npmi, 0.3, "npmi"),
    ],
)
def test_the_same_sentences_come_out_as_from_gensim(score, threshold, scoring, seed):
    sentences = _sentences(seed)
    theirs = Phrases(
        sentences, min_count=5, threshold=threshold, scoring=scoring, connector_words=frozenset()
    )
    expected = [theirs[sentence] for sentence in sentences]
    assert expected != sentences
    assert _joined(sentences, Rule(1, score, (threshold,), 5, "_")) == expected


def _word2phrase(sentences, threshold: float, delta: int):
    """One pass of word2phrase.c over each line by itself."""
    words = collections.Counter(word for line in sentences for word in line)
    both = collections.Counter(p for line in sentences for p in itertools.pairwise(line))
    total, made = words.total(), []
    for line in sentences:
        out, previous, free = [], None, False
        for word in line:
            often = both[previous, word]
            score = (often - delta) / words[previous] / words[word] * total if free else 0.0
            if free and often >= delta and score > threshold:
                out[-1] += f"+{word}"
                free = False
            else:
                out.append(word)
                free = True
            previous = word
        made.append(out)
    return made


@pytest.mark.parametrize("seed", range(3))
def test_passes_come_out_as_from_word2phrase_on_what_the_last_one_wrote(seed):
    sentences = _sentences(seed)
    first = _word2phrase(sentences, 2.0, 5)
    second = _word2phrase(first, 1.2, 5)
    assert any(word.count("+") > 1 for line in second for word in line)
    for passes, expected in ((1, first), (2, second), (3, _word2phrase(second, 1.2, 5))):
        rule = Rule(passes, phrases.word2phrase, (2.0, 1.2), 5, "+")
        assert _joined(sentences, rule) == expected


def test_no_pair_reaches_beyond_a_sentence():
    lines = [["x", "a"], ["b", "y"]] * 50
    rule = Rule(1, phrases.word2phrase, (0.5,), 1, "_")
    assert {word for line in _joined(lines, rule) for word in line} == {"x_a", "b_y"}


def test_of_a_chain_every_second_word_is_joined_to_the_one_before():
    lines = [["a"] * 5, ["b", "c"]] * 20
    rule = Rule(1, phrases.word2phrase, (1.0,), 5, "_")
    assert _joined(lines, rule)[0] == ["a_a", "a_a", "a"]


def test_a_phrase_that_is_spelled_like_a_word_is_that_word():
    lines = [["new", "york"], ["new_york"]] * 20
    vocab, _ = text.encode(lines, min_count=1, phrases=Rule(1, phrases.npmi, (0.1,), 5, "_"))
    assert (vocab.words, vocab.counts.tolist()) == (("new_york",), [40])


@pytest.mark.parametrize("block", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("most", [10, 1 << 23])
def test_any_blocks_and_any_scratch_files_give_the_same(block, most, monkeypatch):
    monkeypatch.setattr(bigrams, "MOST", most)
    sentences = _sentences(0, 60)
    numbering = vocabulary.Numbering()
    numbers = np.array([n for line in sentences for n in [*numbering(line), -1]], np.int32)
    words = numbering.words()
    cut = range(0, len(numbers), block)
    whole = vocabulary.Numbered(
        words,
        vocabulary.count(numbers, len(words)),
        lambda: (numbers[start : start + block] for start in cut),
    )
    counted = bigrams.count(whole, 2)
    both = collections.Counter(p for line in sentences for p in itertools.pairwise(line))
    pairs = {
        (words[key // len(words)], words[key % len(words)]): times
        for key, times in zip(counted.keys, counted.times, strict=True)
    }
    assert pairs == {pair: times for pair, times in both.items() if times >= 2}
    assert counted.distinct == len(both)
    rule = Rule(2, phrases.word2phrase, (1.5, 1.0), 2, "_")
    made, joined = phrases.join(whole, rule)
    assert {phrase.of_pass for phrase in joined} == {1, 2}
    names = [*made.words, "\n"]
    got = " ".join(names[i] for part in made.blocks() for i in part)
    assert [line.split() for line in got.split("\n") if line] == _joined(sentences, rule)
    assert sum(p.joined for p in joined) == len(numbers) - sum(map(len, made.blocks()))
    np.testing.assert_array_equal(
        made.counts, vocabulary.count(np.concatenate(list(made.blocks())), len(made.words))
    )


RULE = Rule(2, phrases.word2phrase, (2.0, 1.2), 5, "_")
SETTINGS = corpus.Settings(tokenizers.words, 2, None, "error", phrases=RULE)


@pytest.fixture
def prepared(tmp_path):
    lines = "\n".join(" ".join(line) for line in _sentences(1))
    (tmp_path / "text.txt").write_text(lines)
    prepare = functools.partial(corpus.prepare, tmp_path / "text.txt", tmp_path / "out")
    return prepare, prepare(SETTINGS)


def test_every_joined_word_is_in_the_account_of_tokens(prepared):
    _, made = prepared
    sentences = _sentences(1)
    read, kept, dropped = made.tokens
    assert read == sum(map(len, sentences)) == kept + sum(dropped.values())
    parts = sum(
        int(n) * (w.count("_")) for w, n in zip(made.vocab.words, made.vocab.counts, strict=True)
    )
    assert 0 < parts <= dropped["joined"]  # some went into phrases that are too rare to be kept
    assert dropped["joined"] - parts <= 3 * dropped["under_min_count"]


def test_phrases_are_written_down_by_pass_and_falling_score(prepared):
    _, made = prepared
    written = phrases.read(made.folder / "phrases.txt")
    assert sum(phrase.joined for phrase in written) == made.tokens.dropped["joined"]
    order = [(phrase.of_pass, -phrase.score) for phrase in written]
    assert order == sorted(order)
    both = collections.Counter(p for s in _sentences(1) for p in itertools.pairwise(s))
    for name, of_pass, times, joined, _ in written:
        assert of_pass == 2 or both[tuple(name.split("_"))] == times >= joined
    head = (made.folder / "phrases.txt").read_text().splitlines()[0]
    assert head.split("\t") == ["phrase", "of_pass", "times", "joined", "score"]
    assert not list(made.folder.glob("pairs.*"))


@pytest.mark.parametrize(
    "change", [{"passes": 1}, {"score": phrases.gensim}, {"thresholds": (2.0,)}, {"joiner": "-"}]
)
def test_other_phrases_are_refused_and_the_same_reused(prepared, change, monkeypatch):
    prepare, made = prepared
    monkeypatch.setattr(corpus.reading, "read", None)  # calling it would fail
    np.testing.assert_array_equal(prepare(SETTINGS).ids, made.ids)
    with pytest.raises(InputError, match="phrases was"):
        prepare(SETTINGS._replace(phrases=RULE._replace(**change)))


def test_a_score_is_named_here_or_by_its_module():
    assert phrases.named("npmi") is phrases.npmi
    assert phrases.named("jaxemb.text.phrases:gensim") is phrases.gensim
    for name in ("pmi", "no.such:thing", "jaxemb.text.phrases:SENTENCE_END"):
        with pytest.raises(ValueError, match="wanted word2phrase, gensim, npmi"):
            phrases.named(name)


def test_phrases_of_any_words_come_back_from_their_file(tmp_path):
    """A user's tokenizer may leave tabs, and what Unicode ends lines with, in words."""
    names = ("a_b", "\x85_\u2028", "a\tb_c", "\x0b_\x1c", "ü_你")
    written = [Phrase(name, 1, 5, 4, 2.5) for name in names]
    for kept in (written, []):
        phrases.write(tmp_path / "phrases.txt", kept)
        assert phrases.read(tmp_path / "phrases.txt") == kept


@pytest.mark.parametrize("line", ["", "a\t3\n", HEAD + "a_b\t1\t2\t3\tx\n", HEAD + "a_b\t1\t2\n"])
def test_another_file_in_the_place_of_phrases_is_refused(line, tmp_path):
    (tmp_path / "phrases.txt").write_text(line)
    with pytest.raises(InputError, match="damaged"):
        phrases.read(tmp_path / "phrases.txt")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"phrase_joiner": "\n"}, "phrase_joiner holds a line end"),
        ({"phrase_threshold": ()}, "wanted a number for each pass"),
        ({"phrase_threshold": (200.0, math.nan)}, "wanted a number for each pass"),
    ],
)
def test_settings_that_make_no_phrases_are_refused(setting, message):
    with pytest.raises(InputError, match=message):
        Corpus(phrases=2, **setting).check()

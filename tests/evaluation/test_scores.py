"""Scores against human judgement. Oracles: gensim on the same vectors and files; arithmetic.

The vectors are of words in several cases, some missing, with forms of a word near each other, so
that case, coverage and the candidates that are passed over all matter.
"""

import itertools

import numpy as np
import pytest
import scipy.stats

from jaxemb.evaluation import agreement, analogies, bundled, datasets, policies
from jaxemb.evaluation.policies import GENSIM
from jaxemb.functional import similarity
from jaxemb.structs import Vocab
from tests.rounding import SUM, close

DIM = 25
PAIRS = pytest.mark.parametrize("file", bundled.PAIRS.values())
POLICIES = pytest.mark.parametrize("unknown", [None, policies.zero])
CASES = pytest.mark.parametrize("fold", [str.upper, str])


class Given:
    """Vectors here and in gensim, and a file of questions."""

    def __init__(self, place, dtype) -> None:
        gensim = pytest.importorskip("gensim")
        self.folder = bundled.test_files()
        assert self.folder is not None
        random = np.random.default_rng(0)
        lines = (self.folder / bundled.QUESTIONS).read_text().splitlines()
        starts = [i for i, line in enumerate(lines) if line.startswith(":")]
        chosen = [line for i in starts[:3] + starts[5:8] for line in lines[i : i + 60]]
        self.questions = place / "questions.txt"
        self.questions.write_text("\n".join(chosen))
        text = "\n".join((self.folder / file).read_text() for file in bundled.PAIRS.values())
        bases = sorted({w.lower() for w in (text + "\n".join(chosen)).split() if w.isalpha()})
        random.shuffle(bases)
        bases = bases[: int(0.9 * len(bases))]
        vectors = {base: random.normal(size=DIM) for base in bases}
        for line in chosen:
            a, b, c, d, *_ = [vectors.get(w, 0) for w in line.lower().split()] + [0] * 4
            if not line.startswith(":") and isinstance(d, np.ndarray):
                d[:] = 0.6 * d + 0.5 * (b - a + c)  # some questions are answered right
        forms = [
            f(b) for b in bases for f in (str, str.capitalize, str.upper) if random.random() < 0.6
        ]
        names = list(dict.fromkeys(np.array(forms, object)[random.permutation(len(forms))]))
        table = [vectors[w.lower()] + 0.3 * random.normal(size=DIM) for w in names]
        self.table = np.array(table, dtype)
        self.vocab = Vocab(tuple(names), np.arange(len(names), 0, -1))
        self.theirs = gensim.models.KeyedVectors(DIM, dtype=dtype)
        self.theirs.add_vectors(names, self.table)


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    return Given(tmp_path_factory.mktemp("given"), np.float32)


@PAIRS
@POLICIES
@CASES
@pytest.mark.parametrize("restrict", [400, 300_000])
def test_word_similarity_is_gensims(given, file, unknown, fold, restrict):
    policy = policies.Policy(fold, unknown, restrict)
    test = datasets.pairs(given.folder / file)
    scores = agreement.score(agreement.judge(given.vocab, given.table, test, policy))
    pearson, spearman, missing = given.theirs.evaluate_word_pairs(
        str(given.folder / file),
        restrict_vocab=restrict,
        case_insensitive=fold is str.upper,
        dummy4unknown=unknown is not None,
    )
    close(scores.pearson.value, pearson[0], ulps=SUM, of=1.0)  # of correlations
    close(scores.spearman.value, spearman[0], ulps=SUM, of=1.0)
    np.testing.assert_allclose(1 - scores.known / scores.of, missing / 100, atol=1e-9)
    assert scores.scored == (scores.of if unknown else scores.known)


@POLICIES
@CASES
@pytest.mark.parametrize("restrict", [700, 300_000])
def test_analogies_are_gensims_in_every_section(given, unknown, fold, restrict):
    policy = policies.Policy(fold, unknown, restrict)
    test = datasets.questions(given.questions)
    answered = analogies.answer_all(given.vocab, given.table, test, policy)
    total, sections = given.theirs.evaluate_word_analogies(
        str(given.questions),
        restrict_vocab=restrict,
        case_insensitive=fold is str.upper,
        dummy4unknown=unknown is not None,
    )
    scores = analogies.score(answered)
    np.testing.assert_allclose(scores["all"].share.value, total, atol=1e-9)
    assert [s["section"] for s in sections[:-1]] == [
        name for name in scores if name not in ("semantic", "syntactic", "all")
    ]
    for section in sections[:-1]:
        ours, count = scores[section["section"]], len(section["correct"] + section["incorrect"])
        assert (ours.scored, ours.of) == (count, 59)
        right = ours.share.value * count if count else 0
        close(right, len(section["correct"]), ulps=SUM)
    assert scores["all"].share.value > (0.02 if restrict > 700 and fold is str.upper else -1)


@pytest.mark.parametrize("seed", range(3))
def test_where_every_candidate_is_a_form_of_a_word_asked_gensim_takes_the_last(seed, tmp_path):
    """Six words, three of them the others in capitals: no candidate is another word."""
    words = ("a", "b", "c", "A", "B", "C")
    table = np.random.default_rng(seed).normal(size=(6, 4)).astype(np.float32)
    vocab = Vocab(words, np.arange(6, 0, -1))
    theirs = pytest.importorskip("gensim.models").KeyedVectors(4)
    theirs.add_vectors(list(words), table)
    lines = [" ".join(question) for question in itertools.product("abc", repeat=4)]
    path = tmp_path / "questions.txt"
    path.write_text(": forms\n" + "\n".join(lines) + "\n")
    _, sections = theirs.evaluate_word_analogies(str(path), case_insensitive=True)
    test = datasets.questions(path)
    answered = analogies.answer_all(vocab, table, test, policies.Policy(str.upper, None, 300_000))
    pairs = zip(test.words, answered.right, strict=True)
    correct = [" ".join(question).upper() for question, right in pairs if right]
    assert correct
    assert correct == [" ".join(question) for question in sections[0]["correct"]]


def test_analogies_by_3cosmul_are_answered_as_gensim_answers_each(given):
    """Its evaluate_word_analogies takes a `similarity_function`, and does not use it."""
    test, policy = datasets.questions(given.questions), policies.Policy(fold=str)
    answered = analogies.answer_all(given.vocab, given.table, test, policy, similarity.cos_mul)
    questions = [w for w, known in zip(test.words, answered.scored, strict=True) if known]
    expected = [
        given.theirs.most_similar_cosmul(positive=[b, c], negative=[a], topn=1)[0][0] == d
        for a, b, c, d in questions
    ]
    assert answered.right[answered.scored].tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_a_mean_vector_stands_for_unknown_words(given):
    test = datasets.Pairs("", ("dog", "qqq", "qqq"), ("qqq", "dog", "zzz"), np.arange(3.0))
    vocab, table = Vocab(("dog", "cat"), np.array([2, 1])), given.table[:2]
    judged = agreement.judge(vocab, table, test, GENSIM._replace(unknown=policies.mean))
    mean = np.float64(table).mean(axis=0)
    expected = mean @ table[0] / np.linalg.norm(mean) / np.linalg.norm(table[0])
    np.testing.assert_allclose(judged.cosine, [expected, expected, 1.0], rtol=1e-6)
    assert not judged.known.any()


def test_unknown_words_may_be_made_of_parts(given):
    made = policies.ngrams(lambda names: np.repeat(given.table[:1], len(names), axis=0))
    test = datasets.Pairs("", ("Dog",), ("qqq",), np.ones(1))
    judged = agreement.judge(
        Vocab(("dog",), np.ones(1, int)), given.table[:1], test, GENSIM._replace(unknown=made)
    )
    np.testing.assert_allclose(judged.cosine, [1.0])


def test_vectors_are_made_of_unknown_words_alone():
    """The first row is known, too."""
    wanted = []

    def made(words, table):
        wanted.extend(words)
        return np.zeros((len(words), table.shape[1]), np.float32)

    vocab = Vocab(("dog", "cat"), np.array([2, 1]))
    policy = policies.Policy(unknown=made)
    policies.find(vocab, np.eye(2, dtype=np.float32), ["dog", "cat", "bird", "dog"], policy)
    assert wanted == ["bird"]


def test_of_several_cases_the_most_frequent_stands_for_all():
    table = np.eye(3, dtype=np.float32)
    vocab = Vocab(("Dog", "DOG", "cat"), np.array([3, 2, 1]))
    folded = policies.find(vocab, table, ["dog", "CAT", "bird"])
    assert folded.ids.tolist() == [0, 2, -1]
    exact = policies.find(vocab, table, ["DOG", "dog"], policies.Policy(fold=str))
    assert exact.ids.tolist() == [1, -1]


def test_two_tables_are_compared_on_the_pairs_that_both_were_asked():
    random = np.random.default_rng(0)
    human, first, second = random.normal(size=(3, 40))
    first[:5] = second[3:9] = np.nan
    judged = [agreement.Judged("", human, cosine, ~np.isnan(cosine)) for cosine in (first, second)]
    difference = agreement.compare(*judged)
    rho = [scipy.stats.spearmanr(scores[9:], human[9:]).statistic for scores in (first, second)]
    np.testing.assert_allclose(difference.value, rho[0] - rho[1], rtol=1e-12)
    assert difference.items == 31


def test_two_tables_are_compared_on_the_questions_that_both_were_asked():
    right = np.array([True, True, False, True, False, True])
    first = analogies.Answered("", ("",) * 6, right, np.arange(6) > 0, np.ones(6, bool))
    second = first._replace(right=~right, scored=np.arange(6) < 4)
    difference = analogies.compare(first, second)
    np.testing.assert_allclose(difference.value, 2 / 3 - 1 / 3)
    assert difference.items == 3


def test_a_score_says_what_it_rests_on():
    assert GENSIM.described() == {
        "case": "folded (upper)",
        "unknown": "skip",
        "restrict_vocab": 300_000,
    }
    other = policies.Policy(str, policies.mean, None).described()
    assert other == {"case": "exact", "unknown": "mean", "restrict_vocab": None}


def test_google_has_two_kinds_and_msr_none():
    def questions(*sections):
        n = len(sections)
        return analogies.Answered("", sections, np.arange(n) % 2 == 0, *np.ones((2, n), bool))

    scores = analogies.score(questions("capital", "gram1", "gram2", "gram1"))
    assert list(scores) == ["capital", "gram1", "gram2", "semantic", "syntactic", "all"]
    assert scores["semantic"].share.value == 1.0
    np.testing.assert_allclose(scores["syntactic"].share.value, 1 / 3)
    assert list(analogies.score(questions("JJ_JJR", "NN_NNS"))) == ["JJ_JJR", "NN_NNS", "all"]

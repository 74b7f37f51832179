"""Laws of the profiles. Oracles: each program's formulas in plain loops; gensim itself."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from gensim.models import Word2Vec

from jaxemb import objectives
from jaxemb.functional import losses
from jaxemb.lab.runs.static import profiles
from jaxemb.lab.runs.static.config import Corpus, StaticConfig
from jaxemb.static import subwords
from jaxemb.structs import InOut, Vocab
from jaxemb.text.corpus import Corpus as Made
from jaxemb.text.vocabulary import Tokens
from jaxemb.training import learners

COUNTS = np.array([100, 10, 1])
VOCAB = Vocab(("a", "b", "c"), COUNTS)
ALL = ("word2vec_c", "gensim", "fasttext", "exact")


def _config(profile: str, objective=objectives.skipgram, **settings) -> StaticConfig:
    small = {"window": 1, "negatives": 2, "block_length": 3, "shared_negatives": 5, "dim": 4}
    config = StaticConfig(
        Corpus(), "nowhere", objective, learners.dense, **{**small, **settings}, epochs=7
    )
    return getattr(profiles, profile)(config)


def _noise(profile: str):
    weight = np.float64(COUNTS) ** (0.5 if profile == "fasttext" else 0.75)
    return weight / weight.sum()


def _update(profile, tables, windows, center, noise):
    """One program's update of both tables for some inputs and one output, noise shared."""
    v, u = tables
    moved = [np.zeros_like(v), np.zeros_like(u)]
    h = v[windows].mean(axis=0)
    for word, label, times in [(center, 1.0, 1.0)] + [(n, 0.0, 2 / 5) for n in noise]:
        if label == 0.0 and word == center and profile != "exact":
            continue  # skipped, or drawn anew
        if label == 0.0 and profile == "fasttext":
            times /= 1 - _noise(profile)[center]
        g = times * (label - 1 / (1 + np.exp(-(u[word] @ h))))
        share = 1 / len(windows) if profile == "exact" else 1.0
        np.add.at(moved[0], windows, share * g * u[word])
        moved[1][word] += g * h
    return moved


@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
@pytest.mark.parametrize("profile", ALL)
def test_a_step_is_what_the_program_does_to_a_window(profile, kind):
    config = _config(profile, getattr(objectives, kind))
    objective = config.build_objective()
    resources, _ = objective.prepare(VOCAB)
    draw = np.random.default_rng(0)
    start = InOut(*(draw.normal(size=(3, 4)) for _ in range(2)))
    text, rate = [0, 1, 2, 1, -1], 0.1  # a | b c b |: the first word is context alone
    random = jax.random.bits(jax.random.key(1), (objective.reads.bits,))
    block = objective.draw(random, jnp.array(text), resources)
    noise = np.asarray(block.ids.output)[-5:]
    pairs = {
        "cbow": [([0, 2], 1), ([1, 1], 2), ([2], 1)],
        "in": [([c], t) for t, c in [(1, 0), (1, 2), (2, 1), (2, 1), (1, 2)]],
    }
    pairs["out"] = [([t], c) for [c], t in pairs["in"]]
    turned = profile in ("word2vec_c", "gensim")
    updates = pairs["cbow" if kind == "cbow" else "in" if turned else "out"]
    expected = [np.copy(table) for table in start]
    for windows, center in updates:
        for table, moved in zip(
            expected, _update(profile, start, windows, center, noise), strict=True
        ):
            table += rate * moved
    learner = config.build_learner(objective)
    state = learner.init(InOut(*(jnp.float32(table) for table in start)))
    stepped = learner.step(state, jax.tree.map(lambda leaf: leaf[None], block), rate).tables
    for ours, theirs in zip(stepped, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("profile", ALL)
def test_tables_start_in_the_programs_range(profile):
    config = _config(profile)
    initialize = config.initialize
    assert initialize is not None
    whole = initialize(jax.random.key(0), InOut(2000, 2000), 4)
    reach = {"word2vec_c": 0.5, "gensim": 1.0, "fasttext": 1.0, "exact": 0.5}[profile] / 4
    uniform = scipy.stats.uniform(-reach, 2 * reach)
    assert scipy.stats.kstest(np.asarray(whole.input).ravel(), uniform.cdf).pvalue > 1e-3
    assert np.abs(whole.input).max() <= reach
    np.testing.assert_array_equal(whole.output, 0.0)


@pytest.mark.parametrize(
    ("profile", "kind", "rates"),
    [
        ("word2vec_c", "skipgram", (0.025, 0.0125, 2.5e-6)),
        ("word2vec_c", "cbow", (0.05, 0.025, 5e-6)),
        ("gensim", "skipgram", (0.025, 0.01255, 1e-4)),
        ("gensim", "cbow", (0.025, 0.01255, 1e-4)),
        ("fasttext", "cbow", (0.05, 0.025, 0.0)),
        ("exact", "skipgram", (0.025, 0.0125, 2.5e-6)),
    ],
)
def test_the_learning_rate_falls_from_the_programs_start_to_its_end(profile, kind, rates):
    config = _config(profile, getattr(objectives, kind))
    actual = config.schedule(config.learning_rate, np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(actual, rates, rtol=1e-12)


@pytest.mark.parametrize("profile", ALL)
def test_frequent_words_are_thinned_out_as_the_program_does(profile):
    read, kept = 180, COUNTS.sum()
    made = Made(VOCAB, np.zeros(0), Tokens(read, int(kept), {}), 0, None)  # type: ignore[arg-type]
    config = _config(profile)
    config = dataclasses.replace(
        config, corpus=dataclasses.replace(config.corpus, subsample=config.corpus.subsample * 50)
    )
    t = 50 * {"fasttext": 1e-4}.get(profile, 1e-3)
    if profile == "fasttext":  # dictionary.cc: f = count / ntokens_
        f = COUNTS / read
        expected = np.sqrt(t / f) + t / f
    elif profile == "exact":
        expected = np.sqrt(t * kept / COUNTS)
    else:  # word2vec.c: (sqrt(cn / (sample * train_words)) + 1) * (sample * train_words) / cn
        expected = (np.sqrt(COUNTS / (t * kept)) + 1) * (t * kept) / COUNTS
    np.testing.assert_allclose(config.kept(made), np.minimum(expected, 1.0), rtol=1e-12)


@pytest.mark.parametrize("profile", ALL)
def test_noise_is_drawn_with_the_programs_probabilities(profile):
    table, _ = _config(profile).build_objective().prepare(VOCAB)
    golden = (
        (0.706101, 0.223289, 0.070611) if profile == "fasttext" else (0.826822, 0.147032, 0.026146)
    )
    np.testing.assert_allclose(table.probability, golden, atol=1e-6)


def test_gensim_itself_starts_thins_and_draws_as_its_profile_says():
    sentences = [["a"] * 60 + ["b"] * 9 + ["c"], ["a"] * 40 + ["b", "d"]]
    config = _config("gensim")
    sample = config.corpus.subsample * 50
    model = Word2Vec(vector_size=400, min_count=1, sample=sample, seed=3)
    model.build_vocab(sentences)
    counts = np.array([model.wv.get_vecattr(w, "count") for w in model.wv.index_to_key])
    vocab = Vocab(tuple(model.wv.index_to_key), counts)
    initialize = config.initialize
    assert initialize is not None
    ours = initialize(jax.random.key(0), InOut(4, 4), 400).input
    assert scipy.stats.ks_2samp(np.ravel(ours), model.wv.vectors.ravel()).pvalue > 1e-3
    kept = [model.wv.get_vecattr(word, "sample_int") / (2**32 - 1) for word in vocab.words]
    np.testing.assert_allclose(config.subsample_rule(counts, sample), kept, rtol=1e-6)
    table, _ = config.build_objective().prepare(vocab)
    theirs = np.diff(model.cum_table.astype(np.float64), prepend=0) / model.cum_table[-1]
    np.testing.assert_allclose(table.probability, theirs, rtol=1e-6)


@pytest.mark.parametrize("profile", ALL)
def test_a_profile_leaves_what_it_does_not_name_and_forgets_the_last_one(profile):
    config = _config(profile, dim=9)
    assert (config.dim, config.epochs, config.window) == (9, 7, 1)
    for other in ALL if profile != "exact" else ():  # which leaves the corpus' threshold
        assert getattr(profiles, profile)(_config(other, dim=9)) == config


def test_settings_that_an_objective_has_no_use_for_are_left_out():
    def tree(*, window, negatives, block_length, shared_negatives):
        return window

    assert _config("fasttext", tree).build_objective() == 1
    assert _config("fasttext", functools.partial(objectives.cbow, loss=losses.logistic)).mean


@pytest.mark.parametrize(
    ("objective", "kind"),
    [
        (subwords.subword_skipgram, "skipgram"),
        (subwords.subword_cbow, "cbow"),
        (lambda **settings: objectives.cbow(loss=losses.logistic, **settings), "cbow"),
    ],
)
def test_an_objective_that_hands_settings_on_gets_those_of_its_kind(objective, kind):
    config = _config("word2vec_c", objective)
    assert config == dataclasses.replace(
        _config("word2vec_c", getattr(objectives, kind)), objective=objective
    )
    config.build_objective()

"""The settings in which the programs of word vectors differ, under the names of the programs.

Each profile is a function from a config to a config: it sets what that program does and leaves the
rest (text, dimension, window, epochs) as it was. docs/profiles.md says what each setting changes,
and what of a program cannot be matched.
"""

import dataclasses
import inspect

from jaxemb.config import OF_OBJECTIVES, StaticConfig
from jaxemb.errors import InputError
from jaxemb.functional import pooling, schedules, subsampling
from jaxemb.static import blocks, tables


def word2vec_c(config: StaticConfig) -> StaticConfig:
    """As word2vec.c trains: noise skips its word, CBOW's context rows get the whole error.

    Source:
        github tmikolov/word2vec, word2vec.c.
    """
    return _set(
        config,
        subsample=1e-3,
        skipgram={"direction": blocks.skipgram_from_context, "learning_rate": 0.025},
        cbow={"mean": pooling.mean_word2vec, "learning_rate": 0.05},
        collision=blocks.skip,
    )


def gensim(config: StaticConfig) -> StaticConfig:
    """As gensim's Word2Vec trains: word2vec.c with a wider start and another end of the rate.

    Source:
        github piskvorky/gensim, word2vec.py and word2vec_inner.pyx, version 4.
    """
    return _set(
        config,
        subsample=1e-3,
        skipgram={"direction": blocks.skipgram_from_context, "learning_rate": 0.025},
        cbow={"mean": pooling.mean_word2vec, "learning_rate": 0.025},
        collision=blocks.skip,
        initialize=tables.init_wide,
        schedule=schedules.gensim,
    )


def fasttext(config: StaticConfig) -> StaticConfig:
    """As fastText trains without labels: flatter noise, drawn anew where it is the word itself.

    Source:
        github facebookresearch/fastText, args.cc, model.cc, loss.cc, dictionary.cc.
    """
    return _set(
        config,
        subsample=1e-4,
        skipgram={"direction": blocks.skipgram, "learning_rate": 0.05},
        cbow={"mean": pooling.mean_word2vec, "learning_rate": 0.05},
        collision=blocks.resample,
        noise_power=0.5,
        initialize=tables.init_wide,
        schedule=schedules.to_zero,
        subsample_of="read",
    )


def exact(config: StaticConfig) -> StaticConfig:
    """As the papers write it: every update is the gradient of the stated loss.

    Noise is i.i.d., so that skip-gram's optimum is shifted PMI; CBOW divides its error among the
    window's words, and so takes a larger learning rate. The threshold of subsampling, which suits
    a corpus and not an equation, is left as it was.

    Source:
        Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546; Levy and Goldberg 2014.
    """
    return _set(
        config,
        skipgram={"direction": blocks.skipgram, "learning_rate": 0.025},
        cbow={"mean": pooling.mean, "learning_rate": 0.15},
        collision=blocks.keep,
        subsample_rule=subsampling.keep_paper,
    )


def _set(
    config: StaticConfig, *, skipgram, cbow, subsample: float | None = None, **settings
) -> StaticConfig:
    """The config with these settings in the place of its own, those named here by default."""
    taken = inspect.signature(config.objective).parameters
    if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        raise InputError(
            f"{config.objective.__qualname__} takes any setting, so a profile cannot tell what it "
            "is: write it as functools.partial(objectives.skipgram, ...), or objectives.cbow"
        )
    asked = {
        "noise_power": 0.75,
        "dynamic_window": True,
        "initialize": tables.init,
        "schedule": schedules.word2vec,
        "subsample_rule": subsampling.keep_word2vec,
        "subsample_of": "kept",
        **(cbow if "mean" in taken else skipgram),  # what has a mean to take is CBOW
        **settings,
    }
    # what the objective has no use for is left out: a tree draws no noise
    of_use = {k: v for k, v in asked.items() if k in taken or k not in OF_OBJECTIVES}
    if subsample is not None:
        of_use["corpus"] = dataclasses.replace(config.corpus, subsample=subsample)
    return dataclasses.replace(config, **of_use)

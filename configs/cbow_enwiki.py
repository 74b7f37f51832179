"""CBOW with negative sampling on 9 M words of Wikipedia (Mikolov et al. 2013).

Source:  arXiv:1301.3781

The gradient is word2vec.c's: every word of a window receives the whole error (see
`pooling.mean_word2vec`), hence a learning rate far below that of the exact gradient.

Run:     python scripts/train.py configs/cbow_enwiki.py --corpus.path enwiki.txt
Expect:  2 CPU cores (AMD EPYC), commit d4ac348, 9.0 M words: rank 100 of 100, WordSim-353 .563,
         SimLex-999 .230, analogies 25.7 %; with --learner native
"""

import functools

from jaxemb import learners, objectives
from jaxemb.functional import pooling
from jaxemb.lab import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("data/enwiki.txt",), min_count=5, subsample=1e-3),
    objective=functools.partial(objectives.cbow, mean=pooling.mean_word2vec),
    learner=learners.row_sparse,
    window=5,
    negatives=5,
    dim=100,
    epochs=5,
    learning_rate=0.075,
    batch=32,
    block_length=24,
    shared_negatives=24,
    neighbours_of=("king", "paris", "physics", "guitar", "seven"),
    workdir="runs/cbow_enwiki",
)

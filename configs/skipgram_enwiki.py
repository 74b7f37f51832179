"""Skip-gram with negative sampling on 9 M words of Wikipedia (Mikolov et al. 2013).

Source:  arXiv:1310.4546

Run:     python scripts/train.py configs/skipgram_enwiki.py --corpus.path enwiki.txt
Expect:  2 CPU cores (AMD EPYC), commit 6c50066, 9.0 M words: rank 100 of 100, WordSim-353 .569,
         SimLex-999 .244, analogies 27.9 %; with --learner native
"""

from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("data/enwiki.txt",), min_count=5, subsample=1e-3),
    objective=objectives.skipgram,
    learner=learners.row_sparse,
    window=5,
    negatives=5,
    dim=100,
    epochs=5,
    learning_rate=0.03,
    neighbours_of=("king", "paris", "physics", "guitar", "seven"),
    workdir="runs/skipgram_enwiki",
)

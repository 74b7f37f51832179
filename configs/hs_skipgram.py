"""Skip-gram with hierarchical softmax on 9 M words of Wikipedia (Mikolov et al. 2013).

Source:  arXiv:1310.4546, section 2.1

The root of the tree takes an update from every pair: `cap` bounds what a step adds to a row.
Without it, steps of 64 blocks, about 460 tokens, diverged to NaN; caps from 0.1 to 1 score alike.

Run:     python scripts/train.py configs/hs_skipgram.py --corpus.path enwiki.txt
Expect:  2 CPU cores (AMD EPYC), commit da63ecb, 9.0 M words: 6 min 34 s in all, WordSim-353 .594,
         SimLex-999 .221, analogies 32.0 %
"""

from jaxemb import learners
from jaxemb.lab import Corpus, StaticConfig
from jaxemb.static import hierarchical

config = StaticConfig(
    corpus=Corpus(path=("data/enwiki.txt",), min_count=5, subsample=1e-3),
    objective=hierarchical.skipgram_hs,
    learner=learners.row_sparse,
    window=5,
    dim=100,
    epochs=5,
    learning_rate=0.05,
    block_length=8,
    batch=64,
    cap=0.25,
    neighbours_of=("king", "paris", "physics", "guitar", "seven"),
    workdir="runs/hs_skipgram",
)

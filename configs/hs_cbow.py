"""CBOW with hierarchical softmax on 9 M words of Wikipedia (Mikolov et al. 2013).

Source:  arXiv:1301.3781, section 3.1

The gradient is word2vec.c's (see `pooling.mean_word2vec`). The root of the tree takes an update
from every center: steps of 32 blocks, about 230 tokens, are small enough to need no `cap`, which
costs a third of the time; 64 blocks at learning rate 0.1 diverged to NaN without it.

Run:     python scripts/train.py configs/hs_cbow.py --corpus.path enwiki.txt
Expect:  2 CPU cores (AMD EPYC), commit da63ecb, 9.0 M words: 3 min 7 s in all, WordSim-353 .533,
         SimLex-999 .212, analogies 16.9 %
"""

from jaxemb import learners
from jaxemb.functional import pooling
from jaxemb.lab import Corpus, StaticConfig
from jaxemb.static import hierarchical

config = StaticConfig(
    corpus=Corpus(path=("data/enwiki.txt",), min_count=5, subsample=1e-3),
    objective=hierarchical.cbow_hs,
    mean=pooling.mean_word2vec,
    learner=learners.row_sparse,
    window=5,
    dim=100,
    epochs=5,
    learning_rate=0.075,
    block_length=8,
    batch=32,
    neighbours_of=("king", "paris", "physics", "guitar", "seven"),
    workdir="runs/hs_cbow",
)

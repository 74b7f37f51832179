"""The textbook's own example: 50,000 words in 300 dimensions.

m = 50,000 rows in n = 300 dimensions must be linearly dependent; are the 300 columns independent?

Run:     python scripts/train.py configs/fifty_thousand.py --corpus.path enwiki.txt
Expect:  2 CPU cores (AMD EPYC), commit d4ac348, 9.0 M words: rank 300 of 300, WordSim-353 .567,
         SimLex-999 .262, analogies 24.4 %; the 300 columns are certified independent
"""

from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("data/enwiki.txt",), min_count=5, max_vocab=50_000, subsample=1e-3),
    objective=objectives.skipgram,
    learner=learners.row_sparse,
    window=5,
    negatives=5,
    dim=300,
    epochs=5,
    learning_rate=0.025,
    neighbours_of=("king", "paris", "physics", "guitar", "seven"),
    workdir="runs/fifty_thousand",
)

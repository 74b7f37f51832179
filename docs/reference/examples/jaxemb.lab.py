from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("my.txt",), min_count=5),
    objective=objectives.skipgram,
    learner=learners.row_sparse,
    dim=50,
    workdir="runs/mine",
)
print(config.epochs, config.corpus.subsample)

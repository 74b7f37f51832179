from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("text.txt",), min_count=2, held_out=0.1),
    objective=objectives.skipgram,
    learner=learners.row_sparse,
    dim=4,
    epochs=3,
    chunk=2,
    batch=4,
    workdir="run",
)

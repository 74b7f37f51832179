from jaxemb.contextual import members, models
from jaxemb.lab import ContextualConfig, Corpus

config = ContextualConfig(
    corpus=Corpus(path=("text.txt",), min_count=2, mark_unknown=True, held_out=0.1),
    model=members.lstm,
    optimizer=models.adagrad,
    dev=0.1,
    dim=4,
    units=4,
    layers=1,
    unroll=6,
    batch=4,
    chunk=3,
    epochs=2,
    samples=5,
    workdir="run",
)

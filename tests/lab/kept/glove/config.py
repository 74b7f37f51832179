from jaxemb.counts import cooccurrence
from jaxemb.lab import Corpus
from jaxemb.lab.runs.counts import glove
from jaxemb.lab.runs.counts.config import GloveConfig

config = GloveConfig(
    corpus=Corpus(path=("text.txt",), min_count=2, held_out=0.1),
    method=glove.glove,
    weight=cooccurrence.harmonic,
    dim=4,
    epochs=3,
    batch=4,
    chunk=2,
    workdir="run",
)

"""GloVe on 9 M words of Wikipedia: windows of 10, 1/d, each cell eight times.

Source:  Pennington et al. 2014, "GloVe: global vectors for word representation"; x_max 10 as for
         small texts in the program's demo. AdaGrad is optax's; with learners.adagrad_stanford and
         learning_rate=0.05 it is the program's, which needs more epochs.

Run:     python scripts/factor.py configs/glove.py --corpus.path enwiki.txt
Expect:  2 CPU cores (AMD EPYC), commit ed25240, 9.0 M words of Wikipedia: WordSim-353 .369,
         SimLex-999 .137, analogies 32.7 %; 26.7 M cells, 5 minutes of CPU
"""

from jaxemb.counts import cooccurrence
from jaxemb.lab import Corpus, GloveConfig
from jaxemb.lab.runs.counts import glove

config = GloveConfig(
    corpus=Corpus(path=("data/enwiki.txt",), min_count=5, subsample=0.0, held_out=0.0),
    method=glove.glove,
    window=10,
    weight=cooccurrence.harmonic,
    dim=100,
    x_max=10.0,
    epochs=8,
    learning_rate=0.15,
    neighbours_of=("king", "paris", "physics", "guitar", "seven"),
    workdir="runs/glove",
)

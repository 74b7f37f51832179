"""Several models trained together in one program: other seeds, learning rates or dimensions.

Members read the same subsampled text in the same order; their starting tables and their draws of
windows and noise are their own. A member of fewer dimensions has columns of zeros, which every loss
of the products u . c leaves at zero.
"""

import functools
from pathlib import Path

from jaxemb import files
from jaxemb.lab import workdir
from jaxemb.lab.durable import tensors
from jaxemb.lab.runs.static import run
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.structs import Learner, Objective
from jaxemb.text import vocabulary
from jaxemb.text.corpus import Corpus
from jaxemb.training import ensembles, loop
from jaxemb.training.ensembles import Members


def members_of(config: StaticConfig) -> Members:
    """Seed, learning rate and dimension of each member of a config."""
    one = (config.seed, config.learning_rate, config.dim)
    settings = [
        tuple(default if own is None else own for own, default in zip(member, one, strict=True))
        for member in ((m.seed, m.learning_rate, m.dim) for m in config.members)
    ]
    return Members(*zip(*settings, strict=True))


def train(
    config: StaticConfig, objective: Objective, learner: Learner, corpus: Corpus
) -> run.Result:
    """Train all members into config.workdir, and write each into its own folder there.

    Resumes an interrupted run; raises what `run.train` raises.
    """
    members = members_of(config)
    result = run.train(config, objective, learner, corpus, functools.partial(together, members))
    for i, whole in enumerate(ensembles.split(members, result.tables)):
        folder = files.writable(Path(config.workdir) / f"member_{i}")
        vocabulary.write(folder / vocabulary.FILE, corpus.vocab)
        tensors.save(folder / workdir.TABLES, whole, {})
    return result


def together(members: Members, plan: loop.Plan) -> run.How:
    """How `run.train` trains and measures all members."""
    return run.How(
        ensembles.program(members, plan),
        ensembles.measure,
        functools.partial(ensembles.held_out, members),
    )

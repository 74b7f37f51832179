"""The size of a run's steps: chosen once, from the counts of its words, before compiling."""

import dataclasses
from typing import Any

from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.static import steps
from jaxemb.structs import Objective
from jaxemb.text.corpus import Corpus
from jaxemb.training import mesh_sizes
from jaxemb.training.native_step import SUMMED


def settled(
    config: StaticConfig, objective: Objective, resources: Any, corpus: Corpus
) -> tuple[StaticConfig, steps.Step]:
    """Choose batch and cap for the text; returns the config with them, and how they were chosen.

    A learner that is none of `SUMMED` has its own steps: the config stays as it is.
    """
    multiple = mesh_sizes.pieces(config)
    rate = max([config.learning_rate, *(m.learning_rate or 0.0 for m in config.members)])
    occurrences = corpus.vocab.counts * config.kept(corpus)
    arguments = (objective, resources, occurrences, rate, config.batch)
    if config.learner not in SUMMED:
        load = steps.load(*arguments[:-1])
        return config, steps.Step(config.batch, config.cap, load, None)
    step = steps.chosen(*arguments, cap=config.cap, multiple=multiple)
    return dataclasses.replace(config, batch=step.batch, cap=step.cap), step


def account(config: StaticConfig, step: steps.Step) -> dict[str, Any]:
    """The steps for a report, as JSON values.

    Args:
        config: from `settled`. What a step adds to a row is learning rate x summed updates under
            the learners of `SUMMED` alone; other optimizers scale it.
    """
    summed = config.learner in SUMMED
    sizes = {"blocks": step.batch, "cap": step.cap, "summed": summed}
    return {**sizes, **step.load._asdict(), "said": step.message}


def markdown(step: dict[str, Any]) -> str:
    """The steps for a report, as Markdown."""
    bound = "without a bound" if step["cap"] is None else f"at most {step['cap']:g} long"
    remarks = "".join(
        f"\n- {line}" for line in (step["said"], step.get("idle"), step["ran_away"]) if line
    )
    added = f"what it adds to a row is {bound}"
    if step["summed"]:
        added += (
            f"; learning rate x updates that it sums: {step['most']:.3g} in the row that takes "
            f"most, {step['mean']:.3g} in that of an average update"
        )
    else:
        added += ", and scaled by the optimizer"
    return f"""- a step is {step["blocks"]:,} blocks; {added}{remarks}
"""

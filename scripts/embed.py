"""Embed sentences in context, with ELMo's weights or a trained language model.

Usage: python scripts/embed.py --elmo-options options.json --elmo-weights weights.hdf5 IN OUT
       python scripts/embed.py --run runs/elmo sentences.txt out.safetensors [--layers top]

IN has one sentence a line, tokens separated by spaces. OUT gets arrays named "0", "1", ... of shape
[layers, time, 2 projection], float32. Without --stateful the vectors of a sentence are
bit-identical for every batch size and in every file. Exit codes: 0 done, 2 input that cannot be
used.
"""

import dataclasses
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from jaxemb.errors import InputError
from jaxemb.lab import command_line
from jaxemb.lab.runs.contextual import embed


@dataclasses.dataclass(frozen=True)
class Embed:
    """Embed sentences in context."""

    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="IN")]
    """A text with one sentence a line."""
    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """The .safetensors file to write."""
    run: str | None = None
    """The folder of a finished language model."""
    config: str | None = None
    """The config that trained the run, where its model is not one of jaxemb's."""
    elmo_options: str | None = None
    """ELMo's options.json."""
    elmo_weights: str | None = None
    """ELMo's weights, HDF5 (wants h5py: the extra `elmo`)."""
    layers: Literal["all", "average", "top"] = "all"
    """Which vectors to write."""
    stateful: bool = False
    """Carry the state from line to line, as ELMo does on streams."""
    batch_size: int = 64
    """Sentences in a batch, at most 64; without --stateful the vectors do not depend on it."""


def _of_run(settings: Embed) -> Any:
    return embed.of_run(str(settings.run), embed.config_of(settings.config))


def main() -> None:
    settings = command_line.parse(Embed)
    elmo = settings.elmo_options, settings.elmo_weights
    if (settings.run is None) == (elmo == (None, None)) or (settings.run is None and None in elmo):
        raise InputError("name --run, or both --elmo-options and --elmo-weights")
    from jaxemb.contextual import reader
    from jaxemb.lab import outcome

    layers = {"all": reader.all_layers, "average": reader.average, "top": reader.top}
    embedding = _of_run(settings) if settings.run else reader.of_elmo(*map(str, elmo))
    texts = embed.sentences(Path(settings.source))
    for remark in embedding.remarks(texts):
        print(f"warning: {remark}")
    start = time.monotonic()
    options = {"stateful": settings.stateful, "batch": settings.batch_size}
    embed.write(Path(settings.target), embedding, texts, layers[settings.layers], **options)
    words, seconds = sum(map(len, texts)), time.monotonic() - start
    rate = words / max(seconds, 1e-9)
    print(f"{settings.target}: {len(texts):,} sentences, {words:,} words, {rate:,.0f} words/s")
    run = settings.run
    compared = outcome.about_text(run, settings.source, texts, settings.config) if run else []
    outcome.end(settings.target, *compared)


if __name__ == "__main__":
    command_line.run(main)

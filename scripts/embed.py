"""Sentences to vectors that depend on context, from ELMo's weights or a run of one's own.

Usage: python scripts/embed.py --elmo-options options.json --elmo-weights weights.hdf5 IN OUT
       python scripts/embed.py --run runs/elmo sentences.txt out.safetensors [--layers top]

IN has one sentence a line, tokens separated by spaces. OUT gets arrays named "0", "1", ... of shape
[layers, time, 2 projection], float32. Without --stateful the result does not depend on the batch
size or on what else is in the file, bit for bit. Exit codes: 0 done, 2 input that cannot be used.
"""

import dataclasses
import time
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxemb.errors import InputError
from jaxemb.lab import command_line
from jaxemb.lab.runs.contextual import embed


@dataclasses.dataclass(frozen=True)
class Embed:
    """Sentences to vectors that depend on context."""

    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="IN")]
    """A text with one sentence a line."""
    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """The .safetensors file to write."""
    run: str | None = None
    """The folder of a finished run of scripts/train_contextual.py."""
    elmo_options: str | None = None
    """ELMo's options.json."""
    elmo_weights: str | None = None
    """ELMo's weights, HDF5 (wants h5py: the extra `elmo`)."""
    layers: Literal["all", "average", "top"] = "all"
    """Which vectors to write."""
    stateful: bool = False
    """Carry the state from line to line, as ELMo does on streams."""
    batch_size: int = 64
    """Sentences at once, at most 64; changes no bit without --stateful."""


def main() -> None:
    asked = command_line.parse(Embed)
    elmo = asked.elmo_options, asked.elmo_weights
    if (asked.run is None) == (elmo == (None, None)) or (asked.run is None and None in elmo):
        raise InputError("name --run, or both --elmo-options and --elmo-weights")
    from jaxemb.contextual import reader

    chosen = {"all": reader.all_layers, "average": reader.average, "top": reader.top}
    of = embed.of_run(asked.run) if asked.run else reader.of_elmo(*map(str, elmo))
    texts = embed.sentences(Path(asked.source))
    for remark in of.remarks(texts):
        print(f"warning: {remark}")
    start = time.monotonic()
    how = {"stateful": asked.stateful, "batch": asked.batch_size}
    embed.write(Path(asked.target), of, texts, chosen[asked.layers], **how)
    words, seconds = sum(map(len, texts)), time.monotonic() - start
    rate = words / max(seconds, 1e-9)
    print(f"{asked.target}: {len(texts):,} sentences, {words:,} words, {rate:,.0f} words/s")


if __name__ == "__main__":
    command_line.run(main)

"""Vectors of sentences, from a trained language model or ELMo, written to files."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import files
from jaxemb.contextual import elmo, windows
from jaxemb.contextual.language_model import Contextualizer
from jaxemb.contextual.reader import Embedding, vectors
from jaxemb.errors import InputError
from jaxemb.lab import progress
from jaxemb.lab.runs.contextual import run
from jaxemb.text import characters


def of_run(workdir: str | Path) -> Embedding:
    """Load the model of a finished run of scripts/train_contextual.py."""
    loaded = run.load(workdir)
    inner = {name: loaded.params["params"][name] for name in ("embed", "bilm")}
    module = Contextualizer(loaded.model.embed, loaded.model.bilm)
    number = {word: i + windows.SHIFT for i, word in enumerate(loaded.vocab.words)}
    number |= {characters.START: windows.START, characters.END: windows.END}

    def ids(tokens: Sequence[str]) -> Any:
        if loaded.characters:
            return characters.character_ids(tokens)
        return np.array([number.get(token, windows.UNKNOWN) for token in tokens], np.int32)

    def remarks(texts: Sequence[Sequence[str]]) -> list[str]:
        unknown = sum(token not in number for sentence in texts for token in sentence)
        words = f"{len(loaded.vocab.words):,} words"
        remark = f"{unknown:,} tokens are not among the {words}: read as unknown"
        return [remark] * bool(unknown and not loaded.characters)

    model = elmo.Model(module, {"params": inner})
    dim, layers = 2 * module.bilm.cell.out, module.bilm.layers + 1
    return Embedding(model, ids, dim, layers, remarks)


def sentences(path: Path) -> list[list[str]]:
    """Read the lines of a file as lists of tokens, which spaces separate.

    Raises:
        InputError: the file cannot be read, or is not UTF-8.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start:,}: not UTF-8 ({error.reason})") from None
    lines = lines[:-1] if lines[-1] == "" else lines
    return [[token for token in line.removesuffix("\r").split(" ") if token] for line in lines]


def write(
    path: Path,
    of: Embedding,
    texts: Sequence[Sequence[str]],
    chosen: Callable[[Any], Any],
    **options: Any,
) -> None:
    """Write a safetensors file: one array "0", "1", ... per sentence, float32 [layers, time, dim].

    The arrays are written as they are computed, so the file may be larger than memory.

    Args:
        chosen: from the states of all layers to those that are written.
        options: of `contextual.reader.vectors`.
    """
    layers = len(chosen(np.zeros((of.layers, 1, of.dim), np.float32)))
    sizes = [layers * len(tokens) * of.dim * 4 for tokens in texts]
    ends = np.cumsum([0, *sizes]).tolist()
    entries = {
        str(i): {
            "dtype": "F32",
            "shape": [layers, len(tokens), of.dim],
            "data_offsets": [ends[i], ends[i + 1]],
        }
        for i, tokens in enumerate(texts)
    }
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 8)
    start = 8 + len(header)
    with (
        files.replacing(path) as unfinished,
        unfinished.open("wb") as out,
        progress.bar("embedding") as bar,
    ):
        task = bar.add_task("", total=len(texts))
        out.write(len(header).to_bytes(8, "little") + header)
        out.truncate(start + ends[-1])
        for i, states in vectors(of, texts, **options):
            out.seek(start + ends[i])
            out.write(np.ascontiguousarray(chosen(states), "<f4").tobytes())
            bar.advance(task)

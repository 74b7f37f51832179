"""Vectors of sentences, from a trained language model or ELMo, written to files."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import files
from jaxemb.contextual import elmo, windows
from jaxemb.contextual.language_model import CONTEXT
from jaxemb.contextual.reader import Embedding, vectors
from jaxemb.errors import InputError
from jaxemb.lab import command_line, progress, shipped
from jaxemb.lab.runs.contextual import run
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.text import characters


def of_run(workdir: str | Path, config: ContextualConfig | None = None) -> Embedding:
    """Load the model of a finished run of scripts/train_contextual.py.

    Args:
        config: as in `run.load`.
    """
    loaded = run.load(workdir, config)
    inner = {name: loaded.params["params"][name] for name in ("embed", CONTEXT)}
    context = loaded.model.context
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

    model = elmo.Model(loaded.model.ends.embed, context, inner)
    return Embedding(model, ids, len(context.reverse) * context.dim, context.depth + 1, remarks)


def config_of(path: str | None) -> ContextualConfig | None:
    """The config of a language model in a file, or the one inside a config of pseudo-words.

    Args:
        path: the file, or the name of a config of jaxemb; None for none.

    Raises:
        InputError: no such config, or one of another kind.
    """
    if path is None:
        return None
    config = command_line.load(shipped.config(path), object)
    inner = getattr(config, "contextual", config)
    if not isinstance(inner, ContextualConfig):
        got = type(config).__name__
        raise InputError(f"{path}: `config` is {got}: wanted config = ContextualConfig(...)")
    return inner


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

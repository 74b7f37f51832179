"""A count-based run in a folder: cells that are kept, tables, and an account of tokens."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxemb import files
from jaxemb.counts import cells as merging, cooccurrence
from jaxemb.counts.factorizations import Factored
from jaxemb.errors import InputError, NumericalError
from jaxemb.lab import corpus as preparation, outcome, progress
from jaxemb.lab.durable import tensors
from jaxemb.lab.hosts import agreement
from jaxemb.lab.runs.counts.config import CountConfig
from jaxemb.lab.workdir import TABLES, described, differences, load
from jaxemb.static import segments
from jaxemb.structs import InOut, Sparse, Vocab
from jaxemb.text import corpus as corpus_lib, vocabulary

COUNTED, FACTORED = "counted.json", "factored.json"


class Result(NamedTuple):
    """The result of a finished run, of this session or an earlier one."""

    tables: InOut[np.ndarray]  # NumPy, float32
    vocab: Vocab
    tokens: dict[str, Any]  # read = kept + dropped; kept = counted + subsampled + held out
    counted: dict[str, Any]  # cells, pairs at each distance, the sum of all values
    account: dict[str, Any]  # of the method
    remarks: tuple[str, ...]


def prepare(config: CountConfig) -> corpus_lib.Corpus:
    """Encode the corpus of a config, or reuse it.

    Raises:
        InputError: text that cannot be used.
    """
    folder = config.corpus.prepared or Path(config.workdir) / "corpus"
    with files.left_as_found(config.workdir):
        return preparation.prepare_corpus(config.corpus, folder)


def factor(
    config: CountConfig, method: Callable[..., Factored], corpus: corpus_lib.Corpus
) -> Result:
    """Count and factorise into config.workdir, or load what an earlier session finished there.

    After Ctrl-C only finished cells are left; the same command then resumes from them.

    Raises:
        InputError: a workdir of another config, cells of another text or window, with what differs.
        NumericalError: sums that do not add up, tables that are not finite.
    """
    workdir, finished = agreement.opened(config, corpus, TABLES)
    text, folder = text_of(config, corpus), workdir.folder
    counted, cells = count(config, corpus, text)
    if not finished:
        with progress.watched("factorising") as show:
            made = method(cells, corpus.vocab, progress=show)
        account = {"account": made.account, "remarks": list(made.remarks)}
        files.write_json(folder / FACTORED, account)
        # last: this file marks a finished run
        tensors.save(folder / TABLES, made.tables, {})
        workdir.finish()
    vocab, tables = load(folder)
    outcome.loaded(config, finished)
    account = files.read_json(folder / FACTORED)
    tokens = tokens_of(corpus, text, counted)
    return Result(tables, vocab, tokens, counted, account["account"], tuple(account["remarks"]))


def text_of(config: CountConfig, corpus: corpus_lib.Corpus) -> segments.Split:
    """The part of the text that is counted, subsampled as the config says."""
    return segments.Split(corpus.ids, config.kept(corpus), config.seed, config.corpus.held_out)


def count(
    config: CountConfig, corpus: corpus_lib.Corpus, text: segments.Split
) -> tuple[dict[str, Any], Sparse]:
    """Count the cells of a config, or reuse them; returns their account and the cells.

    Raises:
        InputError: the folder holds cells of another text or window, with what differs.
        NumericalError: the sum of the cells is not that of the pairs.
    """
    folder = Path(config.cells or Path(config.workdir) / "cells")
    wanted = _identity(config, corpus)
    if (folder / COUNTED).exists():
        stored = files.read_json(folder / COUNTED)
        was = stored.get("of") if isinstance(stored, dict) else None
        if not isinstance(stored, dict) or not isinstance(was, dict):
            raise InputError(f"{folder / COUNTED}: damaged: delete {folder} to count again")
        if changes := differences(was, wanted):
            raise InputError(
                f"{folder}: was counted from something else: {'; '.join(changes)}. Delete the "
                "folder to count again, or name another with --cells"
            )
        return stored["counted"], merging.load(folder)
    window = config.counted()
    with files.left_as_found(folder), progress.watched("counting pairs") as show:
        made = cooccurrence.count(text, folder, window, progress=show)
    counted = _account(made, window)
    files.write_json(folder / COUNTED, {"of": wanted, "counted": counted})
    return counted, made.cells


def _identity(config: CountConfig, corpus: corpus_lib.Corpus) -> dict[str, Any]:
    """All settings and digests that determine the cells."""
    sources = corpus_lib.read_manifest(corpus.folder)["sources"]
    # with their counts: texts may differ only in phrases that are too rare to be words
    words = "".join(vocabulary.lines(corpus.vocab)).encode()
    return {
        "sources_sha256": [source["sha256"] for source in sources],
        "vocabulary_sha256": hashlib.sha256(words).hexdigest(),
        "tokenizer": described(config.corpus.tokenizer),
        "subsample": config.corpus.subsample,
        "subsample_rule": described(config.subsample_rule),
        "seed": config.seed if config.corpus.subsample else None,
        "held_out": config.corpus.held_out,
        "window": config.window,
        "weight": described(config.weight),
        "left": config.left,
        "right": config.right,
    }


def _account(made: cooccurrence.Counted, window: cooccurrence.Window) -> dict[str, Any]:
    """The numbers of what was counted; the sum of the cells beside that of the pairs."""
    total = sum(
        float(np.sum(made.cells.values[start : start + (1 << 22)], dtype=np.float64))
        for start in range(0, len(made.cells.values), 1 << 22)
    )
    expected = float(window.weights() @ made.pairs) * (window.left + window.right)
    if not np.isclose(total, expected, rtol=1e-6, atol=0):  # each cell was rounded to float32
        raise NumericalError(f"cells do not add up: their sum is {total}, that of pairs {expected}")
    return {
        "cells": len(made.cells.values),
        "pairs": made.pairs.tolist(),
        "weights": window.weights().tolist(),
        "sum": total,
        "sum_of_pairs": expected,
        "words": made.words,
        "subsampled": made.subsampled,
    }


def tokens_of(
    corpus: corpus_lib.Corpus, text: segments.Split, counted: dict[str, Any]
) -> dict[str, Any]:
    """Account for every token.

    Raises:
        NumericalError: the sums do not hold.
    """
    held_out = segments.words(text._replace(held=True)) if text.held_out else 0
    words, subsampled = counted["words"], counted["subsampled"]
    return preparation.account(
        corpus,
        {"held_out": held_out, "counted": words, "subsampled": subsampled},
        (
            "kept = held out + counted + subsampled",
            corpus.tokens.kept,
            held_out + words + subsampled,
        ),
    )

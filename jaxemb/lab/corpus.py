"""Encode text as ids on disk, with a progress bar. Never imports jax: encoding needs no device."""

import os
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from jaxemb import files
from jaxemb.errors import InputError, NumericalError
from jaxemb.lab import progress
from jaxemb.lab.settings import Corpus
from jaxemb.structs import Vocab
from jaxemb.text import corpus as corpus_lib, vocabulary


def prepare_corpus(
    settings: Corpus,
    folder: str | Path,
    before_second_pass: Callable[[Vocab], None] = lambda vocab: None,
    old: Vocab | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
) -> corpus_lib.Corpus:
    """Encode a corpus into a folder, or reuse it, with a progress bar.

    Args:
        before_second_pass: called with the vocabulary before the text is encoded.
        old: words of an earlier run, all of which are kept.
        executor, workers: see `text.reading.readers`; they do not change the result.

    Raises:
        InputError: text that cannot be used; a folder inside the corpus.
    """
    for path in filter(os.path.isdir, settings.path):
        if Path(folder).resolve().is_relative_to(Path(path).resolve()):
            raise InputError(f"{folder}: is inside the corpus {path}: choose a folder elsewhere")

    def check(vocab: Vocab) -> None:
        vocabulary.refuse_one_word(vocab)
        before_second_pass(vocab)

    reading = progress.bar("reading text", "{task.fields[note]}")
    with files.left_as_found(folder), reading as bar:
        task = bar.add_task("", total=None, note="")

        def show(done: int, total: int) -> None:
            rate = done / max(bar.tasks[0].elapsed or 0.0, 1e-9) / 1e6
            bar.update(task, completed=done, total=total, note=f"{rate:.1f} MB/s")

        return corpus_lib.prepare(
            settings.path,
            folder,
            settings.settings()._replace(grown_from=old),
            progress=show,
            before_second_pass=check,
            executor=executor,
            workers=workers,
        )


def account(
    corpus: corpus_lib.Corpus, parts: dict[str, int], *sums: tuple[str, int, int]
) -> dict[str, Any]:
    """Account for every token: read, kept, dropped by cause, and the run's own counts.

    Args:
        parts: counts of the run, by name.
        sums: equations that must hold: each as text, with its left and its right side.

    Raises:
        NumericalError: an equation does not hold.
    """
    tokens = corpus.tokens
    dropped = tokens.kept + sum(tokens.dropped.values())
    for law, left, right in (("read = kept + dropped", tokens.read, dropped), *sums):
        if left != right:
            raise NumericalError(
                f"tokens do not add up: {law}, but {left:,} and {right:,} are not equal: {tokens}, "
                f"{parts}"
            )
    return {**tokens._asdict(), **parts}

"""Text to ids on disk, with a progress bar. Never imports jax: encoding needs no device."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

from jaxemb.errors import InputError
from jaxemb.lab import progress
from jaxemb.lab.runs.static import config as config_lib
from jaxemb.lab.runs.static.subword_config import SubwordConfig
from jaxemb.structs import Vocab
from jaxemb.text import corpus as corpus_lib
from jaxemb.text import sources, vocabulary


def prepare(config: config_lib.StaticConfig) -> corpus_lib.Corpus:
    """The corpus of a config, encoded now or reused, with a progress bar.

    Raises:
        InputError: text that cannot be used; tables larger than memory.
    """
    folder = config.corpus.prepared or Path(config.workdir) / "corpus"

    def check(vocab: Vocab) -> None:
        rows = config.rows(vocab) if isinstance(config, SubwordConfig) else None
        check_memory(config, len(vocab.words), rows)

    with left_as_found(config.workdir):
        made = prepare_corpus(config.corpus, folder, check, old_vocab(config))
        check(made.vocab)  # a corpus that was there already has not been through it
    return made


def old_vocab(config: config_lib.StaticConfig) -> Vocab | None:
    """The words of the run that a config grows from, if it does.

    Raises:
        InputError: no finished run there.
    """
    if config.grow_from is None:
        return None
    place = sources.place(config.grow_from)
    if not (place / "tables.safetensors").is_file():
        raise InputError(f"{config.grow_from}: holds no finished run to grow from")
    return corpus_lib.read_vocab(place / corpus_lib.VOCAB)


def prepare_corpus(
    settings: config_lib.Corpus,
    folder,
    before_second_pass=lambda vocab: None,
    old: Vocab | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
):
    """Encodes a corpus into a folder, or reuses it, with a progress bar; `old` words stay.

    Args:
        executor, workers: who reads, see `text.reading.readers`; they change no byte.

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
    with left_as_found(folder), reading as bar:
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


@contextlib.contextmanager
def left_as_found(folder: str | Path) -> Iterator[None]:
    """A folder that can be written to; one that is new and still empty goes with a failure."""
    existed = Path(folder).exists()
    writable(folder)
    try:
        yield
    except BaseException:
        if not existed:
            with contextlib.suppress(OSError):  # not empty: something of worth is in it
                Path(folder).rmdir()
        raise


def writable(folder: str | Path) -> Path:
    """The folder, made if need be.

    Raises:
        InputError: it cannot be written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written to ({error.strerror}): choose another"
        ) from None
    return folder


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Within it no other training works in the folder; it is free when the process ends, however.

    A file system that knows no locks is taken at its word.

    Raises:
        InputError: another process works there.
    """
    held = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder}: another process is training there; let it end, or take another workdir"
            ) from None
        except OSError:
            pass
        yield
    finally:
        os.close(held)


def check_memory(config: config_lib.StaticConfig, words: int, rows: int | None = None) -> None:
    """Predicts what training will hold at its peak: two tables, a copy at saving, a reserve.

    Args:
        words: of the vocabulary.
        rows: of the input table, if it has more than one a word.

    Raises:
        InputError: it is more than there is, with what takes it.
    """
    models = max(len(config.members), 1)
    row = 4 * (words + (rows or words)) * models
    text = config.block_length + 2 * config.window
    read = config.block_length + text + config.shared_negatives
    # rows with their gradients, weights with theirs, and the text of a chunk
    step = 3 * 4 * models * config.batch * read * (config.dim + config.block_length)
    step += 4 * config.batch * config.chunk * (text + 2 * config.shared_negatives)
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    limit = config.memory or installed
    needed = (2 * row * config.dim + step) / 2**30
    if needed > limit:
        raise InputError(
            f"{words:,} words x dim {config.dim}: two tables and a copy take "
            f"{2 * row * config.dim / 2**30:.3g} GiB, a step {step / 2**30:.3g} GiB, together more "
            f"than {limit:.3g} GiB: lower --dim, --corpus.max-vocab, --batch or --window"
        )

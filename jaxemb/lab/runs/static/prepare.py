"""The corpus of a static run, encoded or reused; tables that fit into memory. Loads no jax."""

import os
from pathlib import Path

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.formats.arrays import TABLES
from jaxemb.lab.corpus import prepare_corpus
from jaxemb.lab.runs.static import config as config_lib
from jaxemb.lab.runs.static.config import SubwordConfig
from jaxemb.structs import Vocab
from jaxemb.text import corpus, sources, vocabulary


def prepare(config: config_lib.StaticConfig) -> corpus.Corpus:
    """Encode the corpus of a config, or reuse it, with a progress bar.

    Raises:
        InputError: text that cannot be used; tables larger than memory.
    """
    folder = config.corpus.prepared or Path(config.workdir) / "corpus"

    def check(vocab: Vocab) -> None:
        rows = config.rows(vocab) if isinstance(config, SubwordConfig) else None
        check_memory(config, len(vocab.words), rows)

    with files.left_as_found(config.workdir):
        made = prepare_corpus(config.corpus, folder, check, old_vocab(config))
        check(made.vocab)  # a reused corpus has not been checked
    return made


def old_vocab(config: config_lib.StaticConfig) -> Vocab | None:
    """The vocabulary of the run that a config grows from; None if it does not grow.

    Raises:
        InputError: no finished run there.
    """
    if config.grow_from is None:
        return None
    place = sources.place(config.grow_from)
    if not (place / TABLES).is_file():
        raise InputError(f"{config.grow_from}: holds no finished run to grow from")
    return vocabulary.read(place / vocabulary.FILE)


def check_memory(config: config_lib.StaticConfig, words: int, rows: int | None = None) -> None:
    """Predict the peak memory of training: two tables, their copy while saving, and a step.

    Args:
        words: of the vocabulary.
        rows: of the input table, if it has more than one a word.

    Raises:
        InputError: it is more than the limit, with what takes it.
    """
    models, columns = max(len(config.members), 1), -(-config.dim // config.lanes) * config.lanes
    row = 4 * (words + (rows or words)) * models
    text = config.block_length + 2 * config.window
    read = config.block_length + text + config.shared_negatives
    # rows with their gradients, weights with theirs, and the text of a chunk
    step = 3 * 4 * models * config.batch * read * (columns + config.block_length)
    step += 4 * config.batch * config.chunk * (text + 2 * config.shared_negatives)
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    limit = config.memory or installed
    needed = (2 * row * columns + step) / 2**30
    if needed > limit:
        raise InputError(
            f"{words:,} words x dim {config.dim}: two tables and a copy take "
            f"{2 * row * columns / 2**30:.3g} GiB, a step {step / 2**30:.3g} GiB, together more "
            f"than {limit:.3g} GiB: lower --dim, --corpus.max-vocab, --batch or --window"
        )

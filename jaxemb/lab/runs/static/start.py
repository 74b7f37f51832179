"""Training that starts from vectors of a file or run, with some input rows frozen, or all."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxemb import formats
from jaxemb.errors import InputError
from jaxemb.lab import outcome, vectors
from jaxemb.lab.durable import tensors
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.structs import InOut, Vocab
from jaxemb.text import sources, word_lists


class Start(NamedTuple):
    """The rows that training starts from, and which of them are frozen."""

    known: InOut[np.ndarray]  # bool [vocab]: which rows are given
    given: InOut[np.ndarray]  # float32 [vocab, dim]; zero where not known
    trainable: InOut[np.ndarray] | None  # row masks, 1 to train and 0 to freeze; None trains all
    account: dict[str, Any]  # where every row came from, for the report

    def __call__(self, tables: InOut[Array]) -> InOut[Array]:
        """The tables, with their rows replaced by the given ones."""
        return InOut(*map(_put, tables, self.known, self.given))

    def sized(self, outputs: int) -> "Start":
        """The start for an output table of another number of rows, of which none is given.

        Raises:
            InputError: output rows of words are given, but these rows are nodes of a tree.
        """
        if outputs == len(self.known.output):
            return self
        if self.known.output.any():
            alone = outcome.typed("convert", self.account["init_from"], "vectors.safetensors")
            raise InputError(
                f"{self.account['init_from']}: has output rows of words, but this objective's are "
                f"the nodes of a tree: start from its vectors alone, made by {alone}"
            )
        none = np.zeros((outputs, self.given.output.shape[1]), np.float32)
        masks = self.trainable and self.trainable._replace(output=np.ones(outputs, np.float32))
        known = self.known._replace(output=np.zeros(outputs, bool))
        return Start(known, self.given._replace(output=none), masks, self.account)


def _put(table, known, given):
    return jnp.where(jnp.asarray(known)[:, None], given, table)


def load(config: StaticConfig, vocab: Vocab) -> Start | None:
    """Load the start that `init_from`, `grow_from` and `freeze` of a config name; None if none.

    A finished run gives both tables, a file the input table. Words of the vocabulary that are
    missing there are composed of n-grams, if the file has any, and else start at random.

    Raises:
        InputError: vectors of another dimension; no word in common; nothing to freeze.
    """
    if config.init_from is None and config.grow_from is None and config.freeze is None:
        return None
    known, given = _tables(config, vocab)
    frozen, remarks = _frozen(config, vocab, known.input)
    start = begin(config, known, given, frozen, remarks)
    if config.grow_from and config.freeze == "loaded":  # what was trained together stays together
        return start._replace(trainable=InOut(*(np.float32(~side) for side in known)))
    return start


def begin(
    config: StaticConfig,
    known: InOut[np.ndarray],
    given: InOut[np.ndarray],
    frozen: Any,
    remarks: Sequence[str] = (),
) -> Start:
    """Make a start of given rows and frozen input rows, with an account of them.

    Args:
        known: bool [rows], which are given.
        given: float32 [rows, dim].
        frozen: bool [rows], of the input table.
        remarks: warnings about how they were chosen.
    """
    account = {
        "init_from": config.grow_from or config.init_from,
        "vocabulary": len(known.input),
        "given": int(known.input.sum()),
        "random": int((~known.input).sum()),
        "output_given": int(known.output.sum()),
        "frozen": int(frozen.sum()),
        "remarks": list(remarks),
        "sha256": hashlib.sha256(given.input.tobytes() + frozen.tobytes()).hexdigest(),
    }
    masks = InOut(1.0 - frozen.astype(np.float32), np.ones(len(known.output), np.float32))
    return Start(known, given, masks if frozen.any() else None, account)


def _tables(config: StaticConfig, vocab: Vocab) -> tuple[InOut[np.ndarray], InOut[np.ndarray]]:
    size = len(vocab.words)
    known = InOut(np.zeros(size, bool), np.zeros(size, bool))
    given = InOut(*(np.zeros((size, config.dim), np.float32) for _ in range(2)))
    source = config.grow_from or config.init_from
    if source is None:
        return known, given
    loaded, places = vectors.rows_of(source, vocab.words, config.dim)
    _fill(known.input, given.input, places, loaded.word_vectors.vectors)
    if (output := _output(source, loaded.format)) is not None:
        _fill(known.output, given.output, places, output)
    if loaded.unknown and not known.input.all():
        others = np.flatnonzero(~known.input)
        given.input[others] = loaded.unknown([vocab.words[i] for i in others])
        known.input[others] = True
    return known, given


def _fill(known, given, places, table) -> None:
    there = np.flatnonzero(places >= 0)
    known[there] = True
    given[there] = table[places[there]]


def _output(path: str, kind: str):
    """The output table of a finished run, if its rows are words."""
    if kind != "run":
        return None
    arrays = tensors.arrays(sources.place(path) / formats.TABLES)
    same = len(arrays.get("output", ())) == len(arrays["input"])
    return arrays["output"] if same else None


def log_lines(initial: Any) -> list[str]:
    """Lines of a log about frozen rows and remarks, if training begins with a `Start`."""
    if not isinstance(initial, Start):
        return []
    rows, frozen = initial.account["vocabulary"], initial.account["frozen"]
    return [f"{frozen:,} of {rows:,} input rows are frozen"] * bool(frozen) + [
        f"warning: {remark}" for remark in initial.account["remarks"]
    ]


def _frozen(config: StaticConfig, vocab: Vocab, known) -> tuple[Any, list[str]]:
    """Which input rows are frozen, bool [vocab]; and remarks on the choice."""
    if config.freeze is None:
        return np.zeros(len(known), bool), []
    if config.freeze == "all":
        return np.ones(len(known), bool), []
    if config.freeze == "loaded":
        return known, []
    listed = word_lists.read(config.freeze)
    remarks = word_lists.remarks(listed, vocab.words, "the vocabulary")
    words = frozenset(listed.words)
    return np.array([word in words for word in vocab.words]), remarks

"""Sentences to the vectors of every layer; how they are batched does not change a bit."""

import functools
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxemb.contextual import elmo
from jaxemb.contextual.language_model import CONTEXT
from jaxemb.errors import FormatWarning, InputError
from jaxemb.formats import elmo as elmo_files
from jaxemb.functional.reading import in_context
from jaxemb.structs import AnyArray, Contextualizer
from jaxemb.text import characters

# The rounding of a matrix product depends on its height: batches are filled up with empty
# sentences, to a height that depends only on the length of their sentences.
ROWS = 64
_POSITIONS = 1 << 13  # of a batch: batches of long sentences have fewer rows, to bound memory
_STEP = 8  # sentences are padded to a multiple of this length
_TOKENS = 256  # different tokens whose vectors are computed at once


class Embedding(NamedTuple):
    """A model that reads tokens with the marks of a sentence around them."""

    model: elmo.Model
    ids: Callable[[Sequence[str]], Any]  # tokens and marks -> [time, ...]
    dim: int  # of a layer, all directions together
    layers: int
    remarks: Callable[[Sequence[Sequence[str]]], list[str]]  # warnings about sentences


def of_elmo(options: str | Path, weights: str | Path) -> Embedding:
    """Read ELMo from its two files.

    Raises:
        FormatError: see `formats.elmo.read`.
        InputError: the model has a row for each word, and the files do not list the words.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FormatWarning)
        settings, arrays = elmo_files.read(options, weights)
    known = [str(warning.message) for warning in caught if warning.category is FormatWarning]
    if settings.char_cnn is None:
        raise InputError(f"{weights}: has a row for each word, but no words: name a run instead")
    length = settings.char_cnn.max_characters_per_token

    def remarks(texts: Sequence[Sequence[str]]) -> list[str]:
        cut = sum(len(t.encode("utf-8", "surrogateescape")) > length - 2 for s in texts for t in s)
        return known + [
            f"{cut:,} tokens of more than {length - 2} bytes were cut there, as ELMo does"
        ] * bool(cut)

    return Embedding(
        elmo.elmo(settings, arrays),
        lambda tokens: characters.character_ids(tokens, length),
        2 * settings.projection_dim,
        settings.n_layers + 1,
        remarks,
    )


def all_layers(layers: Float[AnyArray, "layers time dim"]) -> Float[AnyArray, "layers time dim"]:
    """Every layer, beginning with layer 0, the token vectors."""
    return layers


def average(layers: Float[AnyArray, "layers time dim"]) -> Float[AnyArray, "1 time dim"]:
    """The plain mean of all layers."""
    return layers.mean(axis=0, keepdims=True)


def top(layers: Float[AnyArray, "layers time dim"]) -> Float[AnyArray, "1 time dim"]:
    """The last layer alone."""
    return layers[-1:]


def vectors(
    of: Embedding, texts: Sequence[Sequence[str]], *, stateful: bool = False, batch: int = ROWS
) -> Iterator[tuple[int, Float[np.ndarray, "layers time dim"]]]:
    """Yield (the index of a sentence, its layers without the marks), in any order.

    Args:
        of: the model.
        texts: the tokens of each sentence.
        stateful: read the sentences one by one, each from the state in which the one before ended,
            as ELMo was run on streams.
        batch: the number of sentences read at once, at most ROWS. The result is bit-identical for
            every batch size.

    Raises:
        InputError: a batch size that is out of range.
    """
    if not 1 <= batch <= ROWS:
        raise InputError(f"batch-size is {batch}; it must be 1 to {ROWS}")
    marked = [[characters.START, *tokens, characters.END] for tokens in texts]
    context, params = of.model.context, of.model.params[CONTEXT]
    if stateful:
        carry = context.start((1,))
        for i, tokens in enumerate(marked):
            layers, carry = _read(context, params, *_padded(of, [tokens], 1), carry)
            yield i, np.asarray(layers)[:, 1 : len(tokens) - 1, 0]
        return
    for members in _buckets(marked, batch):
        rows = _rows(len(marked[members[0]]))
        text = _padded(of, [marked[i] for i in members], rows)
        layers, _ = _read(context, params, *text, context.start((rows,)))
        outputs = np.asarray(layers)
        for row, i in enumerate(members):
            yield i, outputs[:, 1 : len(marked[i]) - 1, row]


def _buckets(marked: list[list[str]], batch: int) -> Iterator[list[int]]:
    """Batches of sentences of equal padded length, which depends on a sentence's length alone."""
    by_length: dict[int, list[int]] = {}
    for i, ids in enumerate(marked):
        by_length.setdefault(_length(len(ids)), []).append(i)
    for length, members in by_length.items():
        size = min(batch, _rows(length))
        yield from (members[at : at + size] for at in range(0, len(members), size))


def _length(tokens: int) -> int:
    """The padded length of a sentence: a multiple of `_STEP`, or of about an eighth of itself."""
    step = max(_STEP, 1 << max(tokens.bit_length() - 3, 0))
    return -(-tokens // step) * step


def _rows(tokens: int) -> int:
    """The height of a batch of sentences of that length."""
    return min(ROWS, max(_POSITIONS // _length(tokens), 1))


def _padded(embedding: Embedding, sentences: list[list[str]], rows: int) -> tuple[Any, Any]:
    """Vectors [time, rows, dim], computed once per different token; and the mask [time, rows]."""
    number = {token: i for i, token in enumerate(dict.fromkeys(itertools.chain(*sentences)))}
    time = _length(max(map(len, sentences)))
    places = np.full((time, rows), len(number))
    for row, sentence in enumerate(sentences):
        places[: len(sentence), row] = [number[token] for token in sentence]
    table = _tokens(embedding, list(number))
    table = np.concatenate([table, np.zeros_like(table[:1])])
    return jnp.asarray(table[places]), jnp.asarray(places < len(number), jnp.float32)


def _tokens(embedding: Embedding, tokens: list[str]) -> Float[np.ndarray, "tokens dim"]:
    """The context-free vector of each token, `_TOKENS` at a time to bound memory."""
    ids = embedding.ids(tokens)
    missing = -len(ids) % _TOKENS
    ids = np.concatenate([ids, np.repeat(ids[:1], missing, axis=0)])
    embed, params = embedding.model.embed, embedding.model.params["embed"]
    parts = np.split(ids, len(ids) // _TOKENS)
    rows = [np.asarray(_embedded(embed, params, part)) for part in parts]
    return np.concatenate(rows)[: len(tokens)]


@functools.partial(jax.jit, static_argnums=0)
def _embedded(embed: Any, params: Any, ids: Any) -> Any:
    with jax.default_matmul_precision("highest"):
        return embed.apply({"params": params}, ids)


@functools.partial(jax.jit, static_argnums=0)
def _read(context: Contextualizer, params: Any, vectors: Any, mask: Any, carry: Any) -> Any:
    with jax.default_matmul_precision("highest"):
        return in_context(context, params, vectors, mask, carry)

"""Encode a text in memory: its vocabulary and its ids."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb.errors import InputError
from jaxemb.structs import Vocab
from jaxemb.text import phrases as phrases_lib, sources, tokenizers, vocabulary
from jaxemb.text.compression import Tally
from jaxemb.text.vocabulary import SENTENCE_END, Numbered


def encode(
    sentences: Iterable[str] | Iterable[list[str]],
    *,
    min_count: int = 5,
    max_vocab: int | None = None,
    tokenizer: Callable[[str], list[str]] = tokenizers.words,
    phrases: phrases_lib.Rule | None = None,
) -> tuple[Vocab, np.ndarray]:
    """Encode an open file, or any iterable of sentences, in memory; it is read once.

    Args:
        sentences: lines of text, or lists of tokens, each a sentence.
        min_count: rarer words are left out.
        max_vocab: the most words to keep, by frequency; None keeps all.
        tokenizer: a function from a line to its tokens; not applied to lists of tokens.
        phrases: the rule by which pairs of words become one word; None for no phrases.

    Returns:
        The vocabulary by falling count, and int32 ids with -1 at sentence ends.

    Raises:
        InputError: a string or a path where lines are wanted; tokens that are no strings; no
            tokens, or no word frequent enough; a file that is not text in its encoding.
    """
    if isinstance(sentences, str | bytes):
        raise InputError(
            "encode got a string: wanted lines or lists of tokens; pass text.splitlines(), "
            "or an open file"
        )
    if isinstance(sentences, os.PathLike) or not isinstance(sentences, Iterable):
        raise InputError(
            f"encode got {sentences!r:.60}, of {type(sentences).__name__}: wanted lines or "
            "lists of tokens; of a file, pass open(path, encoding='utf-8')"
        )
    if not callable(tokenizer) or not isinstance(phrases, phrases_lib.Rule | None):
        name, given = ("phrases", phrases) if callable(tokenizer) else ("tokenizer", tokenizer)
        wanted = {"phrases": "phrases.Rule or None", "tokenizer": "a function of a line"}[name]
        raise InputError(f"{name} is {given!r:.60}; wanted {wanted}")
    numbering, parts = vocabulary.Numbering(), []
    for number, sentence in enumerate(_readable(sentences), start=1):
        tokens = _tokens(number, sentence, tokenizer)
        if tokens:
            parts.append(np.array([*numbering(tokens), SENTENCE_END], np.int32))
    numbers = np.concatenate(parts) if parts else np.zeros(0, np.int32)
    words = numbering.words()
    whole = Numbered(words, vocabulary.count(numbers, len(words)), lambda: iter([numbers]))
    if phrases is not None:
        whole, _ = phrases_lib.join(whole, phrases)
    chosen = vocabulary.renumber(
        whole.words, whole.counts, min_count=min_count, max_vocab=max_vocab
    )
    return chosen.vocab, np.concatenate([chosen(block) for block in whole.blocks()])


def _tokens(number: int, sentence: Any, tokenizer: Callable[[str], list[str]]) -> list[str]:
    tokenized = tokenizer(sentence) if isinstance(sentence, str) else sentence
    if isinstance(tokenized, str) or not isinstance(tokenized, Iterable):
        raise InputError(
            f"sentence {number:,}: got {tokenized!r:.60}, of {type(tokenized).__name__}: wanted a "
            "line or a list of tokens: open a file as text, or pass lists of words"
        )
    tokens = list(tokenized)
    for token in tokens:
        if not isinstance(token, str):
            raise InputError(
                f"sentence {number:,}: tokens are {type(token).__name__}, wanted str: "
                "open a file as text, or pass lists of words"
            )
    return tokens


def _readable(sentences: Iterable) -> Iterator:
    try:
        yield from sentences
    except UnicodeDecodeError as error:
        name = getattr(sentences, "name", "the text")
        raise InputError(f"{name}: not {error.encoding} text: {error}") from None


def sentences(
    paths: Iterable[Path], tokenizer: Callable[[str], list[str]], bad_utf8: str = "error"
) -> Iterator[list[str]]:
    """The tokens of every line that has some; files may be compressed, and stream by.

    Raises:
        InputError: a file that cannot be read, or bytes that are not UTF-8, with their line.
    """
    for path in paths:
        tokens: list[str] = []
        for piece in sources.read(path, Tally(), bad_utf8=bad_utf8):
            tokens += tokenizer(piece.text)
            if piece.ends and tokens:
                yield tokens
                tokens = []

"""Call the functions of formats and text with wrong arguments; print errors that are not plain.

Usage: python -m tests.formats.wrong_arguments
"""

import tempfile
from pathlib import Path

import numpy as np

from jaxemb import formats, text
from jaxemb.errors import InputError
from jaxemb.formats import WordVectors, elmo, fasttext
from jaxemb.text import tokenizers, vocabulary, word_lists
from tests.formats import samples


def _model(tmp_path):
    (tmp_path / "m").write_bytes(samples.fasttext())
    return fasttext.model(tmp_path / "m")


GOOD = WordVectors(("a",), np.ones((1, 2), np.float32))
NOTHING = (None, 3, 2.5, [], {}, b"bytes", object())
CALLS = {  # function of (a wrong argument, a folder)
    "formats.read": lambda wrong, at: formats.read(wrong),
    "formats.read, format": lambda wrong, at: formats.read(at / "t", wrong or 0),
    "formats.read, limit": lambda wrong, at: formats.read(at / "t", limit=wrong or "3"),
    "formats.read, only": lambda wrong, at: formats.read(at / "t", only=wrong or "king"),
    "formats.read, only of": lambda wrong, at: formats.read(at / "t", only=[wrong]),
    "formats.read, words": lambda wrong, at: formats.read(at / "t", words=wrong or 0),
    "formats.read, tensor": lambda wrong, at: formats.read(at / "t", tensor=wrong or 0),
    "formats.read, progress": lambda wrong, at: formats.read(at / "t", progress=wrong),
    "formats.recognise": lambda wrong, at: formats.recognise(wrong),
    "formats.unknown_words": lambda wrong, at: formats.unknown_words(wrong),
    "formats.with_ngrams": lambda wrong, at: formats.with_ngrams(wrong),
    "formats.write": lambda wrong, at: formats.write(wrong, GOOD),
    "formats.write, found": lambda wrong, at: formats.write(at / "o.vec", wrong),
    "formats.write, words": lambda wrong, at: formats.write(
        at / "o.vec", GOOD._replace(words=wrong)
    ),
    "formats.write, a word": lambda wrong, at: formats.write(
        at / "o.vec", GOOD._replace(words=(wrong,))
    ),
    "formats.write, vectors": lambda wrong, at: formats.write(
        at / "o.vec", GOOD._replace(vectors=wrong)
    ),
    "formats.write, format": lambda wrong, at: formats.write(at / "o.vec", GOOD, wrong or 0),
    "formats.write, unwritable": lambda wrong, at: formats.write(
        at / "o.vec", GOOD, unwritable=wrong or "skip"
    ),
    "fasttext.model": lambda wrong, at: fasttext.model(wrong),
    "fasttext.vectors": lambda wrong, at: fasttext.vectors(_model(at), wrong or "king"),
    "fasttext.vectors, a word": lambda wrong, at: fasttext.vectors(_model(at), [wrong]),
    "elmo.read_options": lambda wrong, at: elmo.read_options(wrong),
    "elmo.read": lambda wrong, at: elmo.read(wrong, wrong),
    "elmo.write": lambda wrong, at: elmo.write(wrong, wrong, None, None),
    "elmo.write, options": lambda wrong, at: elmo.write(at / "o", at / "w", wrong, wrong),
    "text.encode": lambda wrong, at: text.encode(wrong),
    "text.encode, a sentence": lambda wrong, at: text.encode(["a b", wrong or 0]),
    "text.encode, a token": lambda wrong, at: text.encode([["a", "b", wrong]]),
    "text.encode, tokenizer": lambda wrong, at: text.encode(["a"], tokenizer=wrong),
    "text.encode, what it gives": lambda wrong, at: text.encode(
        ["a"], tokenizer=lambda line: wrong or 0
    ),
    "text.encode, min_count": lambda wrong, at: text.encode(["a"], min_count=wrong or "5"),
    "text.encode, max_vocab": lambda wrong, at: text.encode(["a"], max_vocab=wrong or "5"),
    "text.encode, phrases": lambda wrong, at: text.encode(["a"], phrases=wrong or 1),
    "tokenizers.words": lambda wrong, at: tokenizers.words(wrong),
    "tokenizers.words_and_numbers": lambda wrong, at: tokenizers.words_and_numbers(wrong),
    "tokenizers.whitespace": lambda wrong, at: tokenizers.whitespace(wrong),
    "vocabulary.index": lambda wrong, at: vocabulary.index(GOOD, wrong or "king"),
    "vocabulary.index, a word": lambda wrong, at: vocabulary.index(GOOD, [wrong]),
    "word_lists.read": lambda wrong, at: word_lists.read(wrong),
}


def fault(name: str, wrong, folder: Path) -> str:
    """Return why the error is not an InputError of one line, or ""."""
    try:
        CALLS[name](wrong, folder)
    except InputError as error:
        long = len(str(error)) > 400 + len(str(folder))
        return f"many lines: {error}" if "\n" in str(error) or long else ""
    except Exception as error:  # of any kind
        return f"{type(error).__name__}: {error}"
    return "no error"


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "t").write_bytes(b"a 1 2\n")
        for name in CALLS:
            for wrong in NOTHING:
                if wrong == 3 and name.endswith(("limit", "max_vocab", "min_count")):
                    continue  # 3 is valid there
                if problem := fault(name, wrong, folder):
                    print(f"{name}({wrong!r}): {problem}")
        left = {path.name for path in folder.iterdir()} - {"t", "m"}
        if left:
            print(f"left behind: {left}")


if __name__ == "__main__":
    main()

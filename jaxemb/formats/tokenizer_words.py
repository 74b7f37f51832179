"""The words of a model's rows from its tokenizer.json, in the format of Hugging Face's tokenizers.

A row's word is the token of its number: of `model.vocab` (BPE, WordPiece, WordLevel or Unigram) or
of `added_tokens`. Tokens of byte-level BPE are decoded to text; others stand as they are.
"""

from pathlib import Path
from typing import Any, NamedTuple

from jaxemb.errors import FormatError
from jaxemb.formats import options as options_lib
from jaxemb.formats.options import LONGEST_WORD, warn

FILE = "tokenizer.json"
_LARGEST = 1 << 28  # bytes
_KEEP = "words=FILE reads other words"


class Token(NamedTuple):
    """A token as a word; `text` is false if its bytes are no text of their own."""

    word: str
    text: bool


def beside(path: Path) -> Path | None:
    """Return the tokenizer.json beside a file, if there is one."""
    there = path.with_name(FILE)
    return there if there.is_file() else None


def if_fitting(path: Path, rows: int, table: Path) -> tuple[str, ...] | None:
    """Return the words of `read`; None, with a warning, if there are tokens beyond the rows.

    A tokenizer beside a model is that of its embedding matrix, and not of its other matrices.
    """
    tokens = _tokens(path)
    if max(tokens) >= rows:
        held = f"{FILE} numbers its tokens to {max(tokens):,}, and the matrix has {rows:,} rows"
        warn(table, "words", f"{held}: they are without words")
        return None
    return _words(path, tokens, rows, table)


def read(path: Path, rows: int, table: Path) -> tuple[str, ...]:
    """Read a word for each row, all different.

    Args:
        path: the tokenizer.json.
        rows: the number of rows; one without a token is named <row_NUMBER>.
        table: the file of the rows, for warnings.

    Raises:
        FormatError: not such a file; two tokens of one number; a number beyond the rows.

    Warns:
        FormatWarning: rows without a token; tokens that are no text, or not the only one of theirs.
    """
    tokens = _tokens(path)
    if (most := max(tokens)) >= rows:
        held = f"token {most:,}, {tokens[most].word!r:.60}"
        raise FormatError(path, "tokens", held, f"numbers below {rows:,}, as {table} has rows")
    return _words(path, tokens, rows, table)


def _words(path: Path, tokens: dict[int, Token], rows: int, table: Path) -> tuple[str, ...]:
    words: dict[int, str] = {}
    taken: set[str] = set()
    numbered = 0
    # of two equal words the one that is text keeps it, and then the lower row
    for row in sorted(tokens, key=lambda row: (not tokens[row].text, row)):
        word = tokens[row].word
        if not word or word in taken:
            word, numbered = _free(f"{word}<row_{row}>", taken), numbered + 1
        words[row] = word
        taken.add(word)
    kept = sum(not token.text for token in tokens.values())
    if kept:
        held = "are line ends or parts of characters, and keep the tokenizer's spelling"
        warn(path, "tokens", f"{kept:,} of {len(tokens):,} {held}")
    if numbered:
        held = "are empty or spelled as another, and have their row appended"
        warn(path, "tokens", f"{numbered:,} of {len(tokens):,} {held}: as in WORD<row_7>")
    if nameless := rows - len(tokens):
        held = f"{nameless:,} of {rows:,} rows have no token, and are named by their number"
        warn(table, "words", f"{held}: as in <row_7>")
    for row in range(rows):
        if row not in words:
            words[row] = _free(f"<row_{row}>", taken)
            taken.add(words[row])
    return tuple(words[row] for row in range(rows))


def _free(word: str, taken: set[str]) -> str:
    while word in taken:
        word += "_"
    return word


def _tokens(path: Path) -> dict[int, Token]:
    """Return the tokens by number: at least one."""
    parsed = _parsed(path)
    model = parsed.get("model")
    vocab = model.get("vocab") if isinstance(model, dict) else None
    pairs: list[tuple[Any, Any]]
    if isinstance(vocab, dict):
        pairs = list(vocab.items())
    elif isinstance(vocab, list):  # Unigram: [token, log probability], in order
        tokens_of = (entry[0] if isinstance(entry, list) and entry else entry for entry in vocab)
        pairs = [(token, number) for number, token in enumerate(tokens_of)]
    else:
        expected = "the vocabulary of BPE, WordPiece, WordLevel or Unigram"
        raise FormatError(path, "model.vocab", f"{vocab!r:.60}", expected)
    added = parsed.get("added_tokens") or []
    if not isinstance(added, list) or not all(isinstance(entry, dict) for entry in added):
        raise FormatError(path, "added_tokens", f"{added!r:.60}", "a list of tokens")
    special = [(entry.get("content"), entry.get("id")) for entry in added]
    spelled: dict[int, str] = {}
    tokens: dict[int, Token] = {}
    bytes_of = _bytes_of_characters() if _is_byte_level(parsed) else None
    for where, listed in (("model.vocab", pairs), ("added_tokens", special)):
        for token, number in listed:
            _check(path, where, token, number)
            if spelled.setdefault(number, token) != token:
                held = f"{spelled[number]!r:.60} and {token!r:.60} both have the number {number:,}"
                raise FormatError(path, where, held, "a number for each token", _KEEP)
            literal = where == "added_tokens" or bytes_of is None
            tokens[number] = _plain(token) if literal else _decoded(token, bytes_of or {})
    if not tokens:
        raise FormatError(path, "model.vocab", "no token", "at least one")
    return tokens


def _parsed(path: Path) -> dict[str, Any]:
    if (size := path.stat().st_size) > _LARGEST:
        raise FormatError(path, "the file", f"{size:,} bytes", f"at most {_LARGEST:,}", _KEEP)
    try:
        parsed = options_lib.loads(path, path.read_text("utf-8"))
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormatError(path, "the file", f"{error}", "JSON of a tokenizer", _KEEP) from None
    if not isinstance(parsed, dict):
        raise FormatError(path, "the file", f"{parsed!r:.60}", "a tokenizer", _KEEP)
    return parsed


def _check(path: Path, where: str, token: Any, number: Any) -> None:
    whole = isinstance(number, int) and not isinstance(number, bool) and number >= 0
    if not whole or not isinstance(token, str):
        raise FormatError(path, where, f"{token!r:.60}: {number!r:.60}", "a token and its number")
    if len(token) > LONGEST_WORD // 4:  # characters of at most 4 bytes
        raise FormatError(path, where, f"a token of {len(token):,} characters", "shorter ones")


def _is_byte_level(parsed: dict[str, Any]) -> bool:
    """Whether a token is spelled with a character for each byte."""
    parts = [parsed.get("decoder"), parsed.get("pre_tokenizer")]
    for part in parts:  # grows as it is read: a Sequence holds parts
        if isinstance(part, dict):
            if part.get("type") == "ByteLevel":
                return True
            for name in ("decoders", "pretokenizers"):
                if isinstance(part.get(name), list):
                    parts += part[name]
    return False


def _bytes_of_characters() -> dict[str, int]:
    """The byte that each character of byte-level BPE stands for.

    Source:
        `bytes_to_unicode` of GPT-2's encoder.py: printable Latin-1 stands for itself, and the other
        bytes, in order, have the characters from 256 on.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    characters = {chr(byte): byte for byte in printable}
    return characters | {chr(256 + i): byte for i, byte in enumerate(others)}


def _decoded(token: str, bytes_of: dict[str, int]) -> Token:
    """The text of a token of byte-level BPE, or its spelling if its bytes are no text of a line."""
    try:
        word = bytes(bytes_of[character] for character in token).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return _plain(token)._replace(text=False)
    return Token(token, False) if _escaped(word) != word else Token(word, True)


def _plain(token: str) -> Token:
    word = _escaped(token)
    return Token(word, word == token)


def _escaped(word: str) -> str:
    """The word with escapes for NUL, line ends and halves of characters: no word holds them."""
    word = word.replace("\0", "\\0").replace("\n", "\\n")
    return word.encode("utf-8", "backslashreplace").decode("utf-8")

"""ELMo's options.json: the sizes of its weights, under the names of bilm-tf and AllenNLP.

Source:
    bilm-tf: `bin/train_elmo.py`, `bilm/model.py` (BidirectionalLanguageModelGraph).
"""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from jaxemb.errors import FormatError, InputError
from jaxemb.formats import options as options_lib
from jaxemb.formats.options import existing, warn

CHARACTERS = 261  # rows of `char_embed`: 256 bytes and 5 marks; 262 also counts a row of zeros
_LARGEST = 1 << 20  # the largest value of any size
_MOST = 64  # layers of one kind, at most
_LONGEST_TOKEN = 1 << 10  # characters
_LONGEST = 1 << 20  # bytes of a file of options
_WORDS = (1 << 31) - 1
_TRAINING = (  # keys that only training uses
    *("dropout", "all_clip_norm_val", "learning_rate", "n_epochs", "n_train_tokens", "batch_size"),
    *("unroll_steps", "n_negative_samples_batch", "sample_softmax", "share_embedding_softmax"),
)


class CharOptions(NamedTuple):
    """Sizes of the character CNN."""

    dim: int  # of a character's vector
    filters: tuple[tuple[int, int], ...]  # (width in characters, how many), narrow to wide
    n_highway: int
    n_characters: int  # 261 in options for training, 262 in options for use; equal weights
    max_characters_per_token: int
    activation: str  # relu or tanh


class Options(NamedTuple):
    """Sizes of a biLM; the names are those of options.json."""

    projection_dim: int
    dim: int  # of the LSTM's cell
    n_layers: int
    cell_clip: float | None
    proj_clip: float | None
    use_skip_connections: bool
    char_cnn: CharOptions | None  # None: the model has a row of `embedding` for each word


_LSTM = Options._fields[:-1]


class _Section:
    """A JSON object of the file; every error names the file and the key."""

    def __init__(self, path: Path, held: dict[str, Any], name: str = "") -> None:
        self._path, self._held, self._name = path, held, name

    def say_others(self, *known: str) -> None:
        """Warn of all keys but these: they have no effect."""
        for key in self._held.keys() - set(known):
            place = f"{self._name}{key}"
            warn(self._path, place[:200], "a key that ELMo's options do not have: it is ignored")

    def __contains__(self, key: str) -> bool:
        return key in self._held

    def error(self, key: str, expected: str) -> FormatError:
        """Return a FormatError about the value of a key."""
        actual = f"{self._held[key]!r:.80}" if key in self._held else "nothing"
        return FormatError(self._path, self._name + key, actual, expected)

    def section(self, key: str) -> "_Section":
        """Return the object under a key."""
        held = self._held.get(key)
        if not isinstance(held, dict):
            raise self.error(key, "an object")
        return _Section(self._path, held, f"{self._name}{key}.")

    def size(self, key: str, least: int = 1, most: int = _LARGEST) -> int:
        """Return the whole number under a key, if it is in bounds."""
        value = self._held.get(key)
        if not _is_size(value, least, most):
            raise self.error(key, f"a whole number, {least:,} to {most:,}")
        return value

    def clip(self, key: str) -> float | None:
        """Return the number above 0 under a key; None for null or no such key."""
        value = self._held.get(key)
        if value is None:
            return None
        if type(value) not in (int, float) or not 0 < value < math.inf:  # false for NaN
            raise self.error(key, "a number above 0, or null")
        return float(value)

    def choice(self, key: str, choices: tuple[Any, ...]) -> Any:
        """Return the value under a key, if it is one of the choices."""
        value = self._held.get(key)
        if not any(value == allowed and type(value) is type(allowed) for allowed in choices):
            raise self.error(key, " or ".join(map(json.dumps, choices)))
        return value

    def filters(self, key: str, widest: int) -> tuple[tuple[int, int], ...]:
        """Return the (width, number) of each kind of filters under a key."""
        held = self._held.get(key)
        pairs = held if isinstance(held, list) else []
        fit = all(
            isinstance(pair, list)
            and len(pair) == 2
            and _is_size(pair[0], 1, widest)
            and _is_size(pair[1], 1, _LARGEST)
            for pair in pairs
        )
        if not fit or not pairs or sum(n for _, n in pairs) > _LARGEST:
            raise self.error(key, f"[[width, how many], ...], widths 1 to {widest:,}")
        return tuple((width, n) for width, n in pairs)


def _is_size(value: Any, least: int, most: int) -> TypeGuard[int]:
    return type(value) is int and least <= value <= most  # True is no size, nor is 3.0


def read(path: Path) -> tuple[Options, int | None]:
    """Read options.json: the options, and the number of words of a token-input model, if given.

    Raises:
        FormatError: the options are not valid (see `formats.elmo.read_options`).
        InputError: there is no such file.
    """
    if not existing(path, "ELMo's options (options.json)").is_file():
        raise InputError(
            f"{path}: no such file, but a folder: wanted ELMo's options (options.json)"
        )
    with path.open("rb") as file:
        data = file.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise FormatError(path, "byte 0", f"more than {_LONGEST:,} bytes", "ELMo's options.json")
    return parsed(path, data)


def parsed(path: Path, data: bytes) -> tuple[Options, int | None]:
    """Parse the bytes of options.json as `read` does; `path` is for errors.

    Keys that only training uses are ignored: no weight depends on them.
    """
    root = _Section(path, _json(path, data))
    root.say_others("lstm", "char_cnn", "n_tokens_vocab", "bidirectional", *_TRAINING)
    if "bidirectional" in root:  # a model that reads one way has no backward half
        root.choice("bidirectional", (True,))
    lstm = root.section("lstm")
    lstm.say_others(*_LSTM)
    projection = lstm.size("projection_dim")
    options = Options(
        projection_dim=projection,
        dim=lstm.size("dim", least=projection),  # a smaller cell is not projected up
        n_layers=lstm.size("n_layers", most=_MOST),
        cell_clip=lstm.clip("cell_clip"),
        proj_clip=lstm.clip("proj_clip"),
        use_skip_connections=lstm.choice("use_skip_connections", (True, False)),
        char_cnn=_characters(root.section("char_cnn")) if "char_cnn" in root else None,
    )
    counted = options.char_cnn is None and "n_tokens_vocab" in root
    return options, root.size("n_tokens_vocab", most=_WORDS) if counted else None


def _characters(section: _Section) -> CharOptions:
    # at least a byte and two marks; no dataset depends on it, but every token takes so much memory
    section.say_others(*CharOptions._fields[1:], "embedding")
    section.section("embedding").say_others("dim")
    longest = section.size("max_characters_per_token", 3, _LONGEST_TOKEN)
    return CharOptions(
        dim=section.section("embedding").size("dim"),
        filters=section.filters("filters", longest),
        n_highway=section.size("n_highway", 0, _MOST) if "n_highway" in section else 0,
        n_characters=section.choice("n_characters", (CHARACTERS, CHARACTERS + 1)),
        max_characters_per_token=longest,
        activation=section.choice("activation", ("relu", "tanh")),
    )


def _json(path: Path, data: bytes) -> dict[str, Any]:
    def whole(digits: str) -> float:
        return int(digits) if len(digits) < 20 else math.inf  # refused below, with its key

    try:
        value = options_lib.loads(path, data.decode("utf-8"), parse_int=whole)
        _check_finite(path, value, "")
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        hint = "are options and weights swapped?" if data[:4] == b"\x89HDF" else ""
        raise FormatError(path, "JSON", f"{error}", "ELMo's options.json", hint) from None
    if not isinstance(value, dict):
        raise FormatError(path, "JSON", f"{value!r:.80}", "an object with `lstm`")
    return value


def _check_finite(path: Path, item: Any, name: str) -> None:
    if isinstance(item, float) and not math.isfinite(item):
        raise FormatError(path, name[:200] or "JSON", f"{item}", "a finite number")
    inner = item if isinstance(item, dict) else {}
    if isinstance(item, list):
        inner = {f"{i}": value for i, value in enumerate(item)}
    for key, value in inner.items():
        _check_finite(path, value, f"{name}.{key}" if name else key)


def written(path: Path, options: Options, words: int | None) -> bytes:
    """Return the bytes of an options.json with these options.

    Raises:
        FormatError: the options could not be read back.
    """
    held: dict[str, Any] = {"lstm": {name: getattr(options, name) for name in _LSTM}}
    if options.char_cnn is None:
        held["n_tokens_vocab"] = words
    else:
        characters = options.char_cnn._asdict()
        held["char_cnn"] = {"embedding": {"dim": characters.pop("dim")}, **characters}
    try:
        data = json.dumps(held).encode()
    except TypeError as error:
        raise FormatError(path, "options", f"{error}", "Python's own numbers") from None
    parsed(path, data)
    return data

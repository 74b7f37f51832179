"""One matrix of a .safetensors file, or of a folder of shards, memory-mapped; the rest is not read.

The words of its rows are stored in the file, as this project writes them, or in a tokenizer.json
beside it, as Hugging Face's models have them.
"""

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from jaxemb.errors import FormatError
from jaxemb.formats import options as options_lib, stored, tokenizer_words
from jaxemb.formats.options import File, Options, WordVectors, warn
from jaxemb.formats.rows import decoded

WORDS, ENDS = "words", "word_ends"  # tensors: the UTF-8 of all words, and the end of each word
MODEL, INDEX = "model.safetensors", "model.safetensors.index.json"  # of a folder
_TYPES = {
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    **dict(zip(("BF16", "F8_E4M3", "F8_E5M2"), stored.NARROW, strict=True)),
}
_LONGEST_HEADER = 100_000_000  # bytes, as the safetensors library has it
_SCALES = ("_scale", "_scale_inv")  # of the numbers of a quantised tensor
_LISTED = 16  # tensors of an error's list, those with the most rows


class Tensor(NamedTuple):
    """A tensor of a file; its header alone is read."""

    path: Path  # of its file
    dtype: str
    shape: list[int]
    start: int  # of its bytes in the file

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


def read(path: Path, options: Options) -> WordVectors:
    """Read a matrix by its name, `input`, `vectors` or the only one; and any words."""
    return _read(path, path, _tensors(path), options)


def read_folder(path: Path, options: Options) -> WordVectors:
    """Read a matrix of model.safetensors, or of the shards that its index lists."""
    index = path / INDEX
    if not index.is_file():
        return _read(path, path / MODEL, _tensors(path / MODEL), options)
    shards = _weight_map(index)
    if options.tensor is None:
        names = dict.fromkeys(shards.values())
        headers = {name: _of_shard(index, name) for name in names}
    else:
        if options.tensor not in shards:
            raise _no_such(index, options.tensor, shards)
        headers = {shards[options.tensor]: _of_shard(index, shards[options.tensor])}
    tensors = {}
    for name, shard in shards.items():
        if shard in headers:
            if name not in headers[shard]:
                expected = f"a tensor of {shard}, which has {_listed(headers[shard])}"
                raise FormatError(index, "weight_map", name, expected)
            tensors[name] = headers[shard][name]
    return _read(path, index, tensors, options)


def _read(given: Path, source: Path, tensors: dict[str, Tensor], options: Options) -> WordVectors:
    """Read the chosen one of some tensors; `source` is the file that names them, for errors."""
    name = _chosen(source, tensors, options.tensor)
    tensor = tensors[name]
    scales = [name + end for end in _SCALES if name + end in tensors]
    if scales:
        warn(given, name, f"its numbers are as stored: the factors in {scales[0]} are not applied")
    kind = _TYPES[tensor.dtype]
    table = np.memmap(tensor.path, kind, "r", tensor.start, (tensor.shape[0], tensor.shape[1]))
    rows, beside = len(table), tokenizer_words.beside(source)
    if options.words:
        words = stored.words_from(Path(options.words), options, rows, given)
    elif {WORDS, ENDS} <= tensors.keys():
        with safe_open(tensor.path, "np") as file:
            joined, ends = file.get_tensor(WORDS), file.get_tensor(ENDS)
        words = _unpacked(given, options, joined, ends, rows)
    else:
        words = beside and tokenizer_words.if_fitting(beside, rows, given)
    return stored.chosen(given, options, words, table)


def _chosen(path: Path, tensors: dict[str, Tensor], name: str | None) -> str:
    """Return the name of the matrix to read."""
    if name is None:
        matrices = {key: tensor for key, tensor in tensors.items() if len(tensor.shape) == 2}
        named = [key for key in ("input", "vectors") if key in matrices]
        if len(matrices) != 1 and not named:
            if not matrices:
                expected = "one matrix, or one named `input`"
                raise FormatError(path, "header", _listed(tensors), expected)
            held = f"{len(matrices)} matrices: {_listed(matrices)}"
            hint = "tensor=NAME"
            raise FormatError(path, "header", held, "one matrix, or the name of one", hint)
        name = named[0] if named else next(iter(matrices))
    elif name not in tensors:
        raise _no_such(path, name, tensors)
    tensor = tensors[name]
    if len(tensor.shape) != 2:
        raise FormatError(path, "header", f"{name}: {tensor}", "a matrix [rows, dim]")
    if tensor.dtype not in _TYPES or 0 in tensor.shape:
        expected = f"{', '.join(_TYPES)}, rows and columns"
        hint = options_lib.WHOLE if tensor.dtype.startswith(("I", "U", "BOOL")) else ""
        raise FormatError(path, "header", f"{name}: {tensor}", expected, hint)
    return name


def _no_such(path: Path, name: str, tensors: dict[str, Any]) -> FormatError:
    where = "weight_map" if path.name == INDEX else "header"
    return FormatError(path, where, f"no tensor {name:.200}", f"one of {_listed(tensors)}")


def _listed(tensors: dict[str, Any]) -> str:
    """List tensors with their types and shapes, those with the most rows first."""
    tall = sorted(tensors, key=lambda n: -(getattr(tensors[n], "shape", None) or [0])[0])
    shown = [f"{n:.200}" + f" {tensors[n]}" * isinstance(tensors[n], Tensor) for n in tall]
    more = len(shown) - _LISTED
    return ", ".join(shown[:_LISTED]) + f", and {more} more" * (more > 0) or "nothing"


def _tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file, by name.

    The safetensors library checks the header. It is parsed here first because the library accepts
    repeated names, and because its errors do not name the file.
    """
    with File(path) as file:
        (size,) = struct.unpack("<Q", file.exactly(8, "the size of the header"))
        if size > min(_LONGEST_HEADER, file.left or 0):
            raise file.error("byte 0", f"a header of {size:,} bytes", "a safetensors file")
        try:
            entries = options_lib.loads(path, file.exactly(size, "the header").decode("utf-8"))
            with safe_open(path, "np") as tensors:
                names = list(tensors.keys())
        except FormatError:
            raise
        except (ValueError, RecursionError, SafetensorError) as error:
            raise file.error("header", f"{error}", "a safetensors file") from None
        start = file.at
    return {
        name: Tensor(path, entry["dtype"], entry["shape"], start + entry["data_offsets"][0])
        for name, entry in ((name, entries[name]) for name in names)
    }


def _weight_map(index: Path) -> dict[str, str]:
    """Return the file of each tensor, as the index of a folder of shards says."""
    wanted = '{"weight_map": {TENSOR: FILE, ...}}'
    try:
        parsed = options_lib.loads(index, index.read_text("utf-8"))
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormatError(index, "the file", f"{error}", f"JSON, {wanted}") from None
    shards = parsed.get("weight_map") if isinstance(parsed, dict) else None
    if not isinstance(shards, dict) or not shards:
        raise FormatError(index, "the file", f"no weight_map in {parsed!r:.60}", wanted)
    for name, shard in shards.items():
        # a name, not a path: an index leads to no file outside its folder
        if not isinstance(shard, str) or Path(shard).name != shard or "\0" in shard:
            raise FormatError(index, f"{name:.80}", f"{shard!r:.80}", "the name of a file beside")
    return shards


def _of_shard(index: Path, name: str) -> dict[str, Tensor]:
    path = index.with_name(name)
    if not path.is_file():
        hint = "download it; with tensor=NAME, only the shard of that tensor is needed"
        raise FormatError(index, "weight_map", f"{name} is not there", "every shard", hint)
    return _tensors(path)


def packed(words: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Encode words as arrays for a safetensors file; bytes that are not UTF-8 are preserved."""
    raw = [word.encode("utf-8", "surrogateescape") for word in words]
    ends = np.cumsum([len(encoded) for encoded in raw], dtype=np.int64)
    return {WORDS: np.frombuffer(b"".join(raw), np.uint8), ENDS: ends}


def _unpacked(path: Path, options: Options, joined: Any, ends: Any, rows: int) -> tuple[str, ...]:
    fit = joined.dtype == np.uint8 and ends.dtype == np.int64 and ends.shape == (rows,)
    if (
        not fit
        or joined.ndim != 1
        or (np.diff(ends, prepend=0) < 0).any()
        or ends[-1] != len(joined)
    ):
        held = f"{joined.dtype} {joined.shape} with ends {ends.dtype} {ends.shape}"
        raise FormatError(path, WORDS, held, f"{rows:,} words, as this project writes them")
    data, starts = joined.tobytes(), [0, *ends[:-1].tolist()]
    raw = [data[start:end] for start, end in zip(starts, ends.tolist(), strict=True)]
    return tuple(decoded(path, options, raw, lambda i: f"word {i + 1:,}"))

"""Tables for viewers: TensorBoard's Embedding Projector, and Embedding Atlas.

Both are read back, too: the words and numbers are those that were written.
"""

import io
import json
import warnings
from pathlib import Path

import numpy as np

from jaxemb import files
from jaxemb.errors import FormatError, InputError
from jaxemb.formats.options import File, Options, WordVectors
from jaxemb.formats.stored import chosen, pyarrow, words_from
from jaxemb.formats.writing import Progress, row_blocks

TENSORS, METADATA = "tensors.tsv", "metadata.tsv"
CONFIG, TENSORBOARD = "config.json", "projector_config.pbtxt"
PARQUET = b"PAR1\x15"  # the mark, and the beginning of a page: no text, which has no such control
WORD, ROW, VECTOR = "word", "row", "vector"  # columns of the parquet file


def write_projector(path: Path, word_vectors: WordVectors, progress: Progress) -> None:
    """Write a folder for the Embedding Projector, on its page or in TensorBoard.

    tensors.tsv and metadata.tsv have no line of names: the Projector expects one only where there
    are several columns of metadata. config.json is what projector.tensorflow.org takes as
    `?config=ADDRESS`, projector_config.pbtxt what TensorBoard reads in its log folder.

    Raises:
        InputError: a folder of other files, such as a run, whose config.json would be lost.
    """
    words, table = word_vectors
    assert words is not None
    if path.is_dir() and any(path.iterdir()) and not (path / TENSORS).is_file():
        raise InputError(f"{path}: holds other files, which could be lost: name a new folder")
    files.writable(path)
    line = "\t".join(["%.9g"] * table.shape[1]) + "\n"
    with files.replacing(path / TENSORS) as unfinished, open(unfinished, "w", newline="") as out:
        for _, block in row_blocks(table, progress):
            out.write("".join(line % tuple(row) for row in block.tolist()))
    files.write_text(path / METADATA, "".join(f"{word}\n" for word in words))
    named = {"tensorName": path.name, "tensorShape": list(table.shape)}
    shown = {**named, "tensorPath": TENSORS, "metadataPath": METADATA}
    files.write_text(path / CONFIG, json.dumps({"embeddings": [shown]}, indent=1) + "\n")
    fields = {"tensor_name": path.name, "tensor_path": TENSORS, "metadata_path": METADATA}
    lines = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in fields.items())
    files.write_text(path / TENSORBOARD, f"embeddings {{\n{lines}}}\n")


def read_projector(path: Path, options: Options) -> WordVectors:
    """Read a folder with tensors.tsv and metadata.tsv of one column."""
    with File(path / TENSORS) as file:
        raw = b"".join(iter(lambda: file.read(1 << 22), b""))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # a file without rows
            table = np.loadtxt(
                io.BytesIO(raw), np.float64, comments=None, delimiter="\t", ndmin=2
            ).astype(np.float32)
    except (ValueError, UserWarning) as error:
        raise FormatError(path, TENSORS, str(error), "rows of as many numbers, with tabs") from None
    words = words_from(path / METADATA, options, len(table), path / TENSORS)
    return chosen(path, options, words, table)


def write_atlas(path: Path, word_vectors: WordVectors, progress: Progress) -> None:
    """Write one .parquet for Embedding Atlas: a row a word, with its number and its vector."""
    words, table = word_vectors
    assert words is not None
    dim = table.shape[1]
    with files.replacing(path) as unfinished:
        pa, pq = pyarrow(path)
        fields = [(WORD, pa.string()), (ROW, pa.int32()), (VECTOR, pa.list_(pa.float32()))]
        with pq.ParquetWriter(unfinished, pa.schema(fields)) as out:
            for start, block in row_blocks(table, progress):
                rows = np.arange(start, start + len(block), dtype=np.int32)
                ends = np.arange(0, block.size + 1, dim, dtype=np.int32)
                lists = pa.ListArray.from_arrays(ends, np.ascontiguousarray(block).ravel())
                some = pa.array(words[start : start + len(block)], pa.string())
                out.write_batch(pa.record_batch([some, rows, lists], schema=out.schema))


def read_atlas(path: Path, options: Options) -> WordVectors:
    """Read the words and vectors of one .parquet, from its columns `word` and `vector`."""
    pa, pq = pyarrow(path)
    try:
        stored = pq.read_table(path, columns=[WORD, VECTOR])
        lists = stored.column(VECTOR).combine_chunks()
        table = np.array(lists.flatten().to_numpy(zero_copy_only=False), np.float32)
        words = tuple(stored.column(WORD).to_pylist())
    except (pa.ArrowException, OSError, KeyError, ValueError, AttributeError) as error:
        wanted = f"columns {WORD} (strings) and {VECTOR} (lists of floats)"
        hint = "of a parquet with its .npy, name the folder"
        raise FormatError(path, "file", str(error), wanted, hint) from None
    rows = len(words)
    lengths = {len(vector) for vector in lists if vector is not None}
    strings = all(isinstance(word, str) and word for word in words)
    if not rows or len(lengths) != 1 or lists.null_count or not strings:
        wanted = "a word and a vector in each row, all of one length"
        raise FormatError(path, "rows", f"{rows:,} of lengths {sorted(lengths)[:5]}", wanted)
    return chosen(path, options, words, table.reshape(rows, -1))

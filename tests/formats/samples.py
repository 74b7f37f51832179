"""Small valid files of every format, as bytes; and fastText models built field by field."""

import struct

import numpy as np

from jaxemb import formats
from jaxemb.formats import WordVectors

TABLE = np.array([[1.5, -2.0], [0.25, 3e-5], [7.0, 0.0], [-0.0, 1e-40]], np.float32)
WORDS = ("the", "naïve", "日\u2028本\xa0語\x85", "\U0001f600")


def random(seed: int, rows: int = 12, dim: int = 5) -> WordVectors:
    draw = np.random.default_rng(seed)
    table = (draw.normal(size=(rows, dim)) * 10.0 ** draw.integers(-6, 4, (rows, 1))).astype("f4")
    return WordVectors(tuple(f"w{i}" for i in draw.permutation(rows)), table)


def settings(**changed: int) -> dict[str, int]:
    names = "dim ws epoch minCount neg wordNgrams loss model bucket minn maxn lrUpdateRate"
    values = (3, 5, 5, 1, 5, 1, 2, 2, 7, 3, 4, 100)
    return {**dict(zip(names.split(), values, strict=True)), **changed}


def fasttext(words=("</s>", "the", "naïve"), version: int = 12, magic: int = 793712314, **changed):
    """A model of random rows, little-endian, in the order of fastText's `saveModel`."""
    sizes = settings(**{k: v for k, v in changed.items() if k in settings()})
    pruned, quantised = changed.get("pruned", -1), changed.get("quantised", 0)
    labels, dim = changed.get("labels", 0), sizes["dim"]
    head = struct.pack("<ii", magic, version) + struct.pack("<12id", *sizes.values(), 1e-4)
    size = len(words) + labels
    body = struct.pack("<iiiqq", size, len(words), labels, 1000, pruned)
    for i, word in enumerate(words):
        raw = word if isinstance(word, bytes) else word.encode()
        body += raw + b"\0" + struct.pack("<qb", 100 - i, 0)
    for i in range(labels):
        body += f"__label__{i}".encode() + b"\0" + struct.pack("<qb", 9, 1)
    body += struct.pack("<ii", 1, 1) * max(pruned, 0)
    draw = np.random.default_rng(0)
    rows = changed.get("rows", draw.normal(size=(len(words) + sizes["bucket"], dim)))
    shape = changed.get("shape", rows.shape)
    matrix = struct.pack("<Bqq", quantised, *shape) + rows.astype("<f4").tobytes()
    output = struct.pack("<Bqq", 0, len(words), dim)
    return (
        head + body + matrix + output + draw.normal(size=(len(words), dim)).astype("<f4").tobytes()
    )


def files(folder) -> dict[str, bytes]:
    """A valid file of each format, by name; binary word2vec also with newlines."""
    contents = {"fasttext-bin": fasttext()}
    for name in ("word2vec-binary", "word2vec-text", "glove", "npy", "safetensors"):
        path = folder / f"sample{formats.FORMATS[name].suffix}"
        table = random(1, 6, 3)
        formats.write(path, table._replace(words=None) if name == "npy" else table, name)
        contents[name] = path.read_bytes()
        path.unlink()
    line, _, rest = contents["word2vec-binary"].partition(b"\n")
    width, rows = 4 * 3, []
    while rest:
        end = rest.index(b" ") + 1 + width
        rows.append(rest[:end])
        rest = rest[end:]
    contents["word2vec-binary with newlines"] = line + b"\n" + b"".join(row + b"\n" for row in rows)
    return contents

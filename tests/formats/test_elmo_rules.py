"""Each rule for ELMo's weights: a file that breaks it is refused, and the dataset is named."""

import contextlib
import gzip
import io
import json
import os
import threading
import zlib
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from jaxemb.formats import elmo
from jaxemb.formats.elmo import process as elmo_process
from tests.formats import elmo_models as models
from tests.formats.elmo_models import CELL, SMALL, TOKENS


class _Request(io.BytesIO):
    """A request that this process answers when it is closed: the HDF5 is well-formed."""

    def __init__(self, answer: io.BytesIO) -> None:
        super().__init__()
        self._answer = answer

    def close(self) -> None:
        if not self.closed:
            elmo_process.OUT = self._answer
            elmo_process.reply(json.loads(self.getvalue()))
            self._answer.seek(0)
        super().close()


@contextlib.contextmanager
def _in_this_process(seconds):
    answer = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elmo_process, "no_more_files", lambda: None)
        process = SimpleNamespace(stdin=_Request(answer), stdout=answer, wait=lambda: 0)
        yield process, threading.Event()


def _put(name: str, make=None, **kept):
    """Return a function that replaces a dataset of a file by `make(numbers)`."""

    def change(file: h5py.File) -> None:
        numbers = file[name][()]
        del file[name]
        file.create_dataset(name, data=make(numbers) if make else numbers, **kept)

    return change


def _link(name: str, link):
    def change(file: h5py.File) -> None:
        file.move(name, "kept")
        file[name] = link

    return change


def _with(name: str, value: float):
    def make(numbers):
        numbers[1, 2] = value
        return numbers

    return _put(name, make)


def _empty(name: str, shape: tuple, **kept):
    """Return a function that replaces a dataset by one whose numbers are not stored."""

    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, shape, "<f4", **kept)

    return change


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((5,), "<f4")
    layout[:] = h5py.VirtualSource("other.hdf5", "secret", (5,))
    del file["CNN_proj/b_proj"]
    file.create_virtual_dataset("CNN_proj/b_proj", layout)


def _unlimited_virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((5,), "<f4", maxshape=(None,))
    source = h5py.VirtualSource("other.hdf5", "secret", (5,), maxshape=(None,))
    layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
    del file["char_embed"]
    file.create_virtual_dataset("char_embed", layout)


def _external(file: h5py.File) -> None:
    secret = Path(file.filename).with_name("secret")
    secret.write_bytes(np.ones((3, 5), "<f4").tobytes())
    del file["char_embed"]
    file.create_dataset("char_embed", (261, 2), "<f4", external=[(str(secret), 0, 2088)])


def _half_a_dataset(file: h5py.File) -> None:
    numbers = file["char_embed"][()]
    del file["char_embed"]
    made = file.create_dataset("char_embed", numbers.shape, "<f4", chunks=(100, 2))
    made[:100] = numbers[:100]


def _chunk(data: bytes, skipped: int = 0, **kept):
    """Return a function that gives a dataset one chunk of these bytes; 2,088 would be right."""

    def change(file: h5py.File) -> None:
        del file["char_embed"]
        kept.setdefault("compression", "gzip")
        made = file.create_dataset("char_embed", (261, 2), "<f4", chunks=(261, 2), **kept)
        made.id.write_direct_chunk((0, 0), data, skipped)

    return change


def _no_group(name: str):
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = np.ones(3, "f4")

    return change


def _named_type(file: h5py.File) -> None:
    del file["CNN_proj/b_proj"]
    file["CNN_proj/b_proj"] = np.dtype("<f4")


def _no_dataset(file: h5py.File) -> None:
    del file["char_embed"]
    file.create_group("char_embed")["char_embed"] = np.ones((261, 2), "f4")


def _soft_group(file: h5py.File) -> None:
    file.move("RNN_0/RNN", "RNN_1/kept")
    file["RNN_0/RNN"] = h5py.SoftLink("/RNN_1/kept")


def _links_to_links(file: h5py.File) -> None:
    _link("char_embed", h5py.SoftLink("/one"))(file)
    file["one"], file["two"] = h5py.SoftLink("/two"), h5py.SoftLink("/one")


def _references(file: h5py.File) -> None:
    del file["char_embed"]
    file.create_dataset("char_embed", (261, 2), h5py.ref_dtype)


def _twice(file: h5py.File) -> None:
    del file["RNN_1"]
    file["RNN_1"] = file["RNN_0"]


def _add(name: str):
    def change(file: h5py.File) -> None:
        file[name] = np.ones((2, 3), "f4")

    return change


def _drop(name: str):
    def change(file: h5py.File) -> None:
        del file[name]

    return change


def _as(dtype):
    return _put("char_embed", lambda numbers: numbers.astype(dtype))


def _shuffled(numbers):
    return np.ascontiguousarray(numbers.T)


F4 = np.dtype("<f4")
WEIGHTS = {
    "a bias that would broadcast": (_put("CNN/b_cnn_1", lambda a: a[:1]), "CNN/b_cnn_1: shape"),
    "one column": (_put("CNN_proj/W_proj", lambda a: a[:, :1]), r"CNN_proj/W_proj: shape \[6, 1\]"),
    "one row": (_put(f"{CELL}/W_0", lambda a: a[:1]), f"{CELL}/W_0: shape"),
    "a scalar": (_put(f"{CELL}/B", lambda a: a[0]), f"{CELL}/B: a scalar"),
    "no numbers": (_put(f"{CELL}/B", lambda a: h5py.Empty("<f4")), f"{CELL}/B: .*no numbers"),
    "one axis more": (_put(f"{CELL}/B", lambda a: a[None]), f"{CELL}/B: shape"),
    "no rows": (_put("char_embed", lambda a: a[:0]), "char_embed: shape"),
    "260 characters": (_put("char_embed", lambda a: a[:260]), r"char_embed: shape \[260, 2\]"),
    "262 characters": (_put("char_embed", lambda a: np.resize(a, (262, 2))), "char_embed: shape"),
    "transposed": (_put("char_embed", _shuffled), r"char_embed: .*expected shape \[261, 2\]"),
    "one column of characters": (_put("char_embed", lambda a: a[:, :1]), "char_embed: shape"),
    "a kernel without its first axis": (_put("CNN/W_cnn_1", lambda a: a[0]), "CNN/W_cnn_1: shape"),
    "W_0 transposed": (_put(f"{CELL}/W_0", _shuffled), f"{CELL}/W_0: shape"),
    "NaN": (_with("CNN_high_0/W_carry", np.nan), r"CNN_high_0/W_carry: nan at \[1, 2\]"),
    "infinity": (_with(f"{CELL}/W_P_0", -np.inf), rf"{CELL}/W_P_0: -inf at \[1, 2\]"),
    "float64": (_as("<f8"), "char_embed: <f8 .*<f4"),
    "float16": (_as("<f2"), "char_embed: <f2"),
    "big-endian": (_as(">f4"), "char_embed: >f4"),
    "complex": (_as("<c8"), "char_embed: <c8"),
    "bool": (_as("bool"), "char_embed: .*bool"),
    "whole numbers": (_as("<i4"), "char_embed: <i4"),
    "bytes": (_as("S4"), "char_embed: .S4"),
    "strings": (_put("char_embed", lambda a: ["x"]), "char_embed: .*object"),
    "records": (_put("char_embed", lambda a: np.zeros(5, [("x", "<f4")])), "char_embed: .V4"),
    "arrays in each": (
        _put("char_embed", lambda a: None, dtype=np.dtype(("<f4", (2,))), shape=(261,)),
        "char_embed: ",
    ),
    "references": (_references, "char_embed: .*object"),
    "external storage": (_external, "char_embed: external storage"),
    "a virtual dataset": (_virtual, "CNN_proj/b_proj: a virtual dataset"),
    "a virtual dataset without end": (_unlimited_virtual, "char_embed: a virtual dataset"),
    "a soft link": (_link("char_embed", h5py.SoftLink("/kept")), "char_embed: a soft link"),
    "a link to nothing": (_link("char_embed", h5py.SoftLink("/nowhere")), "char_embed: a soft"),
    "links to links": (_links_to_links, "char_embed: a soft link"),
    "an external link": (
        _link("char_embed", h5py.ExternalLink("other.hdf5", "/secret")),
        "char_embed: an external link",
    ),
    "a soft link on the way": (_soft_group, "RNN_0/RNN: a soft link"),
    "an external link on the way": (
        _link("RNN_1", h5py.ExternalLink("other.hdf5", "/RNN_1")),
        "RNN_1: an external link",
    ),
    "a group for a dataset": (_no_dataset, "char_embed: a group; expected a dataset"),
    "a dataset for a group": (_no_group("CNN_high_0"), "CNN_high_0: a dataset; expected a group"),
    "a named type for a dataset": (_named_type, "CNN_proj/b_proj: a datatype"),
    "4 TB of nothing": (_empty("char_embed", (1 << 40,)), "char_embed: shape"),
    "never written": (_empty("char_embed", (261, 2)), "char_embed: 0 bytes are stored"),
    "never written, in chunks": (
        _empty("char_embed", (261, 2), chunks=(10, 2)),
        "char_embed: 0 chunks are stored; expected 27",
    ),
    "never written, a fill value": (
        _empty("char_embed", (261, 2), fillvalue=3.0, chunks=(261, 2), compression="gzip"),
        "char_embed: 0 chunks",
    ),
    "half of it": (_half_a_dataset, "char_embed: 1 chunks are stored; expected 3"),
    "lzf": (_put("char_embed", compression="lzf"), r"char_embed: filters \[32000\]"),
    "a checksum": (_put("char_embed", fletcher32=True), r"char_embed: filters \[3\]"),
    "scaled": (_put("char_embed", scaleoffset=3), r"char_embed: filters \[6\]"),
    "a chunk too short": (_chunk(zlib.compress(bytes(2084))), "char_embed: a damaged .*2,084 b"),
    "a chunk too long": (_chunk(zlib.compress(bytes(1 << 20))), "char_embed: a damaged chunk"),
    "a chunk cut off": (_chunk(zlib.compress(bytes(2088))[:-3]), "char_embed: a damaged chunk"),
    "a chunk of noise": (_chunk(b"noise"), "char_embed: a damaged chunk"),
    "more after a chunk": (_chunk(zlib.compress(bytes(2088)) + b"x"), "char_embed: a damaged"),
    "a chunk as it is, too short": (_chunk(b"abcd", 1), "char_embed: a damaged .*4 bytes"),
    "a chunk of bytes only shuffled, too short": (
        _chunk(bytes(8), 0, compression=None, shuffle=True), "char_embed: a damaged .*8 bytes"
    ),
    "one dataset under two names": (_twice, "RNN_1/.*/W_0: shares bytes with RNN_0/.*/W_0"),
    "a dataset too few": (_drop(f"{CELL}/B"), f"{CELL}/B: nothing; expected a dataset"),
    "a group too few": (_drop("RNN_1"), "RNN_1: nothing; expected a group"),
    "a dataset too many": (_add("CNN/W_cnn_2"), "CNN/W_cnn_2: a member"),
    "one more layer": (_add("RNN_0/RNN/MultiRNNCell/Cell2/LSTMCell/B"), "MultiRNNCell/Cell2: a"),
    "words beside characters": (_add("embedding"), "embedding: .*has no char_cnn"),
}  # fmt: skip


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_that_are_not_those_of_the_options_are_refused(case, tmp_path, monkeypatch):
    monkeypatch.setattr(elmo, "_started", _in_this_process)
    change, message = WEIGHTS[case]
    options, weights = models.written(tmp_path)
    with h5py.File(weights, "r+") as file:
        change(file)
    error = models.refused(
        (options, weights), f"weights.hdf5: {message}|weights.hdf5: .*/{message}"
    )
    assert error.path == weights
    assert error.where


def test_every_way_of_storing_that_keeps_the_rules_is_read(tmp_path):
    options, weights = models.written(tmp_path)
    with h5py.File(weights, "r+") as file:
        _put("char_embed", compression="gzip", shuffle=True, chunks=(50, 2))(file)
        _put("CNN/b_cnn_1", chunks=(3,), maxshape=(None,))(file)
        _put("CNN_high_0/W_carry", chunks=(4, 5), shuffle=True)(file)
        _put("CNN/W_cnn_1", chunks=(1, 2, 2, 3), compression="gzip")(file)
        _put(f"{CELL}/B", np.zeros_like, compression=9)(file)
        _put(f"{CELL}/W_0", track_times=True)(file)
        file.attrs["a note"] = "of no weight"
    arrays = models.flat(*elmo.read(options, weights))
    expected = models.flat(SMALL, models.weights(SMALL)) | {f"{CELL}/B": np.zeros(20, "f4")}
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_a_user_block_and_the_newest_layout_are_read(tmp_path):
    options, weights = models.written(tmp_path)
    for name, kept in {"block": {"userblock_size": 1024}, "new": {"libver": "latest"}}.items():
        with h5py.File(tmp_path / name, "w", **kept) as file, h5py.File(weights) as given:
            for member in given:
                given.copy(member, file)
        assert elmo.read(options, tmp_path / name)[0] == SMALL


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    options, weights = models.written(tmp_path, TOKENS)
    options.write_text(options.read_text().replace('"n_tokens_vocab": 7', '"batch_size": 7'))
    piece, chunks = zlib.compress(bytes(12 << 20), 9), 40
    with h5py.File(weights, "r+") as file:
        del file["embedding"]
        made = file.create_dataset(
            "embedding", (chunks << 20, 3), "<f4", chunks=(1 << 20, 3), compression="gzip"
        )
        for i in range(chunks):
            made.id.write_direct_chunk((i << 20, 0), piece)
    models.refused((options, weights), "embedding: .* bytes that unpack to 503,316,480")


def test_a_table_of_words_has_as_many_as_the_options_say(tmp_path):
    options, weights = models.written(tmp_path, TOKENS)
    text = options.read_text()
    options.write_text(text.replace('"n_tokens_vocab": 7', '"n_tokens_vocab": 8'))
    models.refused((options, weights), r"embedding: shape \[7, 3\]; expected shape \[8, 3\]")
    options.write_text(text.replace('"n_tokens_vocab": 7', '"batch_size": 8'))
    assert elmo.read(options, weights)[1].embedding.shape == (7, 3)
    with h5py.File(weights, "r+") as file:
        _put("embedding", lambda numbers: numbers[:0])(file)
    models.refused((options, weights), "embedding: shape")


FILES = {
    "nothing": (lambda data: b"", "byte 0: an empty file"),
    "noise": (lambda data: bytes(range(256)) * 9, "the file: damaged"),
    "a web page": (lambda data: b"<!DOCTYPE html><html>", "byte 0: an HTML"),
    "gzip": (gzip.compress, "byte 0: a compressed file.*decompress it first"),
    "a git-LFS pointer": (lambda data: b"version https://git-lfs.github.com/spec/v1", "git-LFS"),
    "a mark and no more": (lambda data: data[:8], "the file: damaged"),
    "half": (lambda data: data[: len(data) // 2], "the file: damaged"),
    "its last byte missing": (lambda data: data[:-1], "the file: damaged"),
    "noise after the mark": (lambda data: data[:16] + os.urandom(900), "the file: damaged"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_are_no_whole_hdf5_are_refused(case, tmp_path):
    change, message = FILES[case]
    options, weights = models.written(tmp_path)
    weights.write_bytes(change(weights.read_bytes()))
    models.refused((options, weights), message)

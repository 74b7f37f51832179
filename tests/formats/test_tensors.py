"""Laws of .safetensors with several tensors, whole or in shards. Oracle: what numpy holds."""

import json
import warnings

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxemb import formats, linalg
from jaxemb.errors import FormatError, FormatWarning, InputError
from jaxemb.evaluation import neighbours
from jaxemb.formats import WordVectors, safetensors_file
from tests.formats import samples

NARROW = {
    "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
}
INDEX = safetensors_file.INDEX


def _table(dtype, rows: int = 6, dim: int = 3, seed: int = 0):
    return np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32).astype(dtype)


def _tensors():
    return {
        "embed.weight": _table(ml_dtypes.bfloat16),
        "head.weight": _table(np.float32, 4, 3, 1),
        "norm.weight": _table(np.float32)[0],
    }


def _shards(folder) -> dict:
    """Write a model of two shards."""
    tensors = _tensors()
    places = dict.fromkeys(tensors, "model-2.safetensors") | {"embed.weight": "model-1.safetensors"}
    for file in set(places.values()):
        save_file({n: t for n, t in tensors.items() if places[n] == file}, folder / file)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return tensors


@pytest.mark.parametrize("name", NARROW)
def test_narrow_floats_are_read_mapped_bit_for_bit_and_written_back(name, tmp_path):
    table, path = _table(NARROW[name]), tmp_path / "t.safetensors"
    save_file({"a": table}, path)
    assert f'"{name}"'.encode() in path.read_bytes()
    vectors = formats.read(path).vectors
    assert isinstance(vectors, np.memmap)
    assert vectors.dtype == table.dtype
    assert vectors.tobytes() == table.tobytes()
    formats.write(tmp_path / "o.safetensors", WordVectors(tuple("abcdef"), vectors))
    written = (tmp_path / "o.safetensors").read_bytes()
    assert f'"{name}"'.encode() in written
    assert table.tobytes() in written
    only = formats.read(tmp_path / "o.safetensors", only={"c"}, limit=5)
    assert only.vectors.tobytes() == table[2:3].tobytes()


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("format", ["word2vec-binary", "word2vec-text", "glove", "npy"])
def test_formats_without_narrow_floats_hold_their_numbers_as_float32(name, format, tmp_path):
    table = np.arange(256).astype(np.uint8)
    if name == "BF16":
        table = np.arange(0, 1 << 16, 7).astype(np.uint16)
    table = table.view(NARROW[name])
    with np.errstate(all="ignore"):
        table = table[np.isfinite(table)][: len(table) // 4 * 2]
    table = np.concatenate([table, -table]).reshape(-1, 2)
    words = tuple(f"w{i}" for i in range(len(table)))
    path = tmp_path / f"t{formats.FORMATS[format].suffix}"
    formats.write(path, WordVectors(words, table), format)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)  # numbers beyond 1e6
        vectors = formats.read(path, format).vectors
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, table.astype(np.float32))


@pytest.mark.parametrize("shards", [False, True])
def test_one_tensor_of_several_is_read_by_its_name(shards, tmp_path):
    tensors, path = _tensors(), tmp_path / "model.safetensors"
    if shards:
        _shards(tmp_path)
    else:
        save_file(tensors, path)
    for place in [tmp_path] if shards else [tmp_path, path]:
        for name in ("embed.weight", "head.weight"):
            vectors = formats.read(place, tensor=name).vectors
            assert vectors.dtype == tensors[name].dtype
            np.testing.assert_array_equal(np.float32(vectors), np.float32(tensors[name]))
        listed = r"2 matrices: embed.weight BF16 \[6, 3\], head.weight F32 \[4, 3\];.*tensor=NAME"
        with pytest.raises(FormatError, match=listed):
            formats.read(place)
        with pytest.raises(FormatError, match=r"no tensor nothing; expected one of embed.weight"):
            formats.read(place, tensor="nothing")
        with pytest.raises(FormatError, match=r"norm.weight: F32 \[3\]; expected a matrix"):
            formats.read(place, tensor="norm.weight")
    assert formats.recognise(tmp_path) == "model"


def test_the_bytes_of_other_tensors_are_not_read(tmp_path):
    """NaN there, and a shard that is not there, change nothing."""
    _shards(tmp_path)
    (tmp_path / "model-2.safetensors").unlink()
    assert formats.read(tmp_path, tensor="embed.weight").vectors.shape == (6, 3)
    for options in ({}, {"tensor": "head.weight"}):
        with pytest.raises(FormatError, match=r"model-2.safetensors is not there.*every shard"):
            formats.read(tmp_path, **options)
    nan = np.full((4, 4), np.nan, np.float32)
    save_file({"a": _table(np.float32), "b": nan}, tmp_path / "t.safetensors")
    assert formats.read(tmp_path / "t.safetensors", tensor="a").vectors.shape == (6, 3)
    with pytest.raises(FormatError, match="row 0, column 0: nan"):
        formats.read(tmp_path / "t.safetensors", tensor="b")


INDICES = {
    "not JSON": ("{", "the file: .*expected JSON"),
    "no map": ("{}", "no weight_map"),
    "a list": ("[1]", "no weight_map"),
    "an empty map": ('{"weight_map": {}}', "no weight_map"),
    "twice": ('{"weight_map": {"a": "x", "a": "y"}}', "a: the key twice"),
    "a path": ('{"weight_map": {"a": "../model-1.safetensors"}}', "a: .*the name of a file"),
    "the folder": ('{"weight_map": {"a": ".."}}', "is not there|the name of a file"),
    "a number": ('{"weight_map": {"a": 3}}', "a: 3; expected the name"),
    "another shard": (
        '{"weight_map": {"embed.weight": "model-2.safetensors"}}',
        "weight_map: embed.weight; expected a tensor of model-2.safetensors, which has head.weight",
    ),
    "deep": ('{"weight_map": ' + "[" * 100_000, "the file"),
    "not UTF-8": (b"\xff\xfe{}", "the file"),
}


@pytest.mark.parametrize("kind", INDICES)
@pytest.mark.parametrize("tensor", [None, "embed.weight"])
def test_a_wrong_index_is_refused_with_its_place(kind, tensor, tmp_path):
    _shards(tmp_path)
    text, message = INDICES[kind]
    (tmp_path / INDEX).write_bytes(text if isinstance(text, bytes) else text.encode())
    if tensor and kind in ("the folder",):
        message = "no tensor embed.weight|the name of a file"
    with pytest.raises(FormatError, match=f"{INDEX}: .*({message})"):
        formats.read(tmp_path, tensor=tensor)


def test_an_index_itself_names_its_folder(tmp_path):
    _shards(tmp_path)
    with pytest.raises(FormatError, match=r"the index of shards.*expected their folder"):
        formats.read(tmp_path / INDEX)


def _packed(header: dict, data: bytes = bytes(8)) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def _entry(dtype: str, shape: list[int], start: int = 0, end: int = 8) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HEADERS = {
    "cut within the size": (b"\x08\0\0", "byte 0"),
    "cut within the header": (_packed({"a": _entry("F32", [1, 2])})[:20], "byte 0"),
    "cut within the numbers": (_packed({"a": _entry("F32", [1, 2])})[:-1], "header"),
    "an unknown type": (_packed({"a": _entry("Q7", [1, 2])}), "header"),
    "whole numbers": (_packed({"a": _entry("I32", [1, 2])}), r"a: I32 \[1, 2\]; expected F16"),
    "three axes": (_packed({"a": _entry("F32", [1, 1, 2])}), r"a: F32 \[1, 1, 2\].*a matrix"),
    "no axis": (_packed({"a": _entry("F64", [])}), r"a: F64 \[\]; expected a matrix"),
    "no columns": (_packed({"a": _entry("F32", [1, 0], 0, 0)}, b""), "rows and columns"),
    "a wrong size": (_packed({"a": _entry("BF16", [1, 2])}), "header"),
    "a negative size": (_packed({"a": _entry("BF16", [-1, 2])}), "header"),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_a_damaged_header_is_refused_with_its_place(kind, tmp_path):
    data, message = HEADERS[kind]
    (tmp_path / "t.safetensors").write_bytes(data)
    with pytest.raises(FormatError, match=f"t.safetensors: .*{message}"):
        formats.read(tmp_path / "t.safetensors", "safetensors", tensor="a")


def test_a_shard_cut_at_any_byte_is_refused(tmp_path):
    _shards(tmp_path)
    path = tmp_path / "model-1.safetensors"
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(FormatError, match=r"model-1\.safetensors"):
            formats.read(tmp_path, tensor="embed.weight")


@pytest.mark.parametrize("bits", [np.nan, np.inf])
def test_nan_and_infinity_of_bfloat16_are_refused_with_their_place(bits, tmp_path):
    table = _table(ml_dtypes.bfloat16)
    table[4, 1] = bits
    save_file({"a": table}, tmp_path / "t.safetensors")
    with pytest.raises(FormatError, match=f"row 4, column 1: {bits}"):
        formats.read(tmp_path / "t.safetensors")
    assert len(formats.read(tmp_path / "t.safetensors", allow_nonfinite=True).vectors) == 6


def test_factors_of_a_quantised_tensor_are_announced(tmp_path):
    table = {"a": _table(NARROW["F8_E4M3"]), "a_scale_inv": np.ones(1, np.float32)}
    save_file(table, tmp_path / "t.safetensors")
    with pytest.warns(FormatWarning, match="a: its numbers are as stored: the factors in a_scale"):
        formats.read(tmp_path / "t.safetensors")


@pytest.mark.parametrize("name", ["npy", "glove", "parquet"])
def test_a_format_of_one_table_takes_no_name_of_a_tensor(name, tmp_path):
    (tmp_path / "t").write_bytes(b"a 1 2\n")
    path = tmp_path if name == "parquet" else tmp_path / "t"
    with pytest.raises(InputError, match=r"holds one table.*safetensors, model, run"):
        formats.read(path, name, tensor="a")
    for wrong in ("", 3, ["a"]):
        with pytest.raises(InputError, match="wanted the name of a tensor"):
            formats.read(tmp_path / "t", "glove", tensor=wrong)


@pytest.mark.parametrize("name", NARROW)
def test_a_narrow_table_is_measured_as_its_float32_numbers_at_its_own_rounding(name, tmp_path):
    table = _table(NARROW[name], 60, 5)
    wide = table.astype(np.float32)
    narrow, full = linalg.summary(table), linalg.summary(wide)
    np.testing.assert_allclose(narrow.spectrum.values, full.spectrum.values, rtol=1e-12)
    np.testing.assert_allclose(narrow.axes.kurtosis, full.axes.kurtosis, rtol=1e-4, atol=1e-4)
    unit = {"BF16": 2**-8, "F8_E4M3": 2**-4, "F8_E5M2": 2**-3}[name]
    least = float(ml_dtypes.finfo(NARROW[name]).smallest_subnormal) / 2  # error of a tiny entry
    expected = 4 * (unit * np.linalg.norm(np.float64(wide)) + least * wide.size**0.5)
    np.testing.assert_allclose(narrow.spectrum.tolerance, expected, rtol=1e-9)
    same = linalg.spectrum(wide, storage_dtype=NARROW[name])
    np.testing.assert_allclose(narrow.spectrum.tolerance, same.tolerance, rtol=1e-12)


@pytest.mark.parametrize("name", NARROW)
def test_neighbours_in_a_narrow_table_are_those_of_its_float32_numbers(name):
    table, words = _table(NARROW[name], 40, 8), samples.random(0, 40).words
    vocab = WordVectors(words, table)
    for word in words[:5]:
        actual = neighbours.nearest(vocab, table, word)
        assert actual == neighbours.nearest(vocab, table.astype(np.float32), word)

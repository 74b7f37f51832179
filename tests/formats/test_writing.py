"""`read` returns whatever `write` accepts: every format, over hostile words and tables."""

import json
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import files as disk, formats
from jaxemb.errors import FormatError, InputError
from jaxemb.formats import FORMATS, FormatWarning, WordVectors, unwritable
from jaxemb.formats.text import AGREEING
from tests.formats import samples

WRITABLE = [name for name, kind in FORMATS.items() if kind.write]
PACKABLE = [name for name in WRITABLE if FORMATS[name].packed]
ZOO = (
    *("king", "1984", "3", "-1", "1e5", "nan", "inf", "</s>", "_", "a_b", "__", "naïve", "日本語"),
    *("a b", ". . .", "at a@b.c", "at 1@b.c", "nan bread", "to infinity and", "1 2", "x 1", "1 x"),
    *(" a", "a ", " ", "a  b", "a\t", "\ta", "\t", "a\tb", "a \t", "a\xa0", "\xa0", "a\xa0b"),
    *("\ufeff", "\ufeffthe", "the\ufeff", "\x85", "a\u2028b", "\x0b", "\x0c", "\x1c", "\u3000"),
    *("a\n", "\n", "a\nb", "a\r", "\r", "\ra", "a\rb", "\0", "a\0b", "", "\x1b[31m"),
    *("\ud800", "a\udfff", "\udcff", "\udcc3\udca9", "\udcef\udcbb\udcbfa", "\U0001f600"),
    *("<header>", "<html>", "<?xml", "<!doctype", "%PDF", "PAR1", "PK\x03\x04", "BZh", "BZh9"),
    *("BZh91AY&SY", "\x1f", "\udc8b", "\x1f\udc8b", "7z", "#", "//", '"', "'", '"a"', ",", "{"),
    *("version https://git-lfs.github.com/spec", "(dp1", "cbuiltins", "w" * 65536, "w" * 65537),
    *("é" * 32768, "é" * 32769, "ustar", "\x93NUMPY", "\udcfd7zXZ", "(\udcb5/\udcfd", "5 3"),
)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(disk, "sync", lambda path: None)


READING = {"on_bad_utf8": "surrogateescape"}


def _path(folder, name: str, packed: str = ""):
    if name in ("parquet", "atlas"):
        pytest.importorskip("pyarrow")
    return folder / f"table{FORMATS[name].suffix}{packed}"


def _same(actual: WordVectors, expected: WordVectors) -> None:
    assert actual.words == expected.words
    assert actual.vectors.tobytes() == expected.vectors.tobytes()


def _comes_back(path, name: str, expected: WordVectors) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a table of one row, a last line
        _same(formats.read(path, name, **READING), expected)
        try:
            guessed = formats.read(path, **READING)
        except FormatError:  # not recognised: no other table comes back
            return
        _same(guessed, expected)


def _write(path, table: WordVectors, name: str) -> str:
    """Return why the table was refused, or ""."""
    try:
        formats.write(path, table, name)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("name", "dim"), [*((n, 3) for n in WRITABLE), ("glove", 1)])
def test_a_word_is_read_as_it_was_written_or_is_refused(name, dim, tmp_path):
    """In the first row, by which a file is recognised; the test of a zoo has the other rows."""
    table, written, path = samples.random(0, 3, dim).vectors, 0, _path(tmp_path, name)
    for word in ZOO:
        sample = WordVectors((word, "b", "c c" if name == "glove" else "c"), table)
        if refused := _write(path, sample, name):
            assert "\n" not in refused
            continue
        written += 1
        _comes_back(path, name, sample)
    assert written > len(ZOO) // 2


@pytest.mark.parametrize(("name", "packed"), [*((n, "") for n in WRITABLE), ("glove", ".gz")])
@pytest.mark.parametrize("way", [formats.skip, formats.rename])
@pytest.mark.parametrize("seed", range(3))
def test_a_zoo_is_written_with_what_was_left_out_or_renamed_by_name(
    name, packed, way, seed, tmp_path
):
    random = np.random.default_rng(seed)
    words = tuple(ZOO[i] for i in random.permutation(len(ZOO)))
    sample = WordVectors(words, random.normal(size=(len(words), 4)).astype(np.float32))
    path = _path(tmp_path, name, packed)
    changes = formats.write(path, sample, name, unwritable=way)
    new = list(words)
    for change in changes:
        assert words[change.row] == change.word
        assert change.why
        new[change.row] = change.written
    kept = [i for i, word in enumerate(new) if word is not None]
    assert (len(kept) == len(words)) == (way is formats.rename)
    assert len(set(new) - {None}) == len(kept)
    # no new word is an old word, not even that of a renamed row
    assert not {change.written for change in changes} & set(words)
    _comes_back(path, name, WordVectors(tuple(new[i] for i in kept), sample.vectors[kept]))
    listed = json.loads(unwritable.map_beside(path).read_text("ascii"))
    assert listed == {change.word: change.written for change in changes}
    assert f"{len(changes):,} words" in unwritable.remarks(path, changes)[0]
    good = WordVectors(("a", "b"), sample.vectors[:2])
    assert formats.write(path, good, name, unwritable=way) == ()
    assert not unwritable.map_beside(path).exists()


def test_renamed_words_that_would_be_one_word_get_numbers(tmp_path):
    words = ("a b", "a\tb", "a_b", "a_b_2", "a\xa0b c")
    sample = WordVectors(words, samples.random(0, 5, 2).vectors)
    changes = formats.write(tmp_path / "t.vec", sample, unwritable=formats.rename)
    assert [change.written for change in changes] == ["a_b_3", "a_b_4", "a_b_c"]
    own = formats.write(tmp_path / "t.vec", sample, unwritable=lambda word: "x")
    assert [change.written for change in own] == ["x", "x_2", "x_3"]
    with pytest.raises(InputError, match="unwritable gave 'y y', which cannot be written"):
        formats.write(tmp_path / "t.vec", sample, unwritable=lambda word: "y y")
    pieces = WordVectors(
        ("a\tb", "a\tc", "d"), sample.vectors[:3]
    )  # `x y_2` has pieces and a digit
    with pytest.raises(InputError, match="unwritable gave 'x y_2', which cannot be written"):
        formats.write(tmp_path / "t.txt", pieces, "glove", unwritable=lambda word: "x y")
    one = WordVectors(("a b",), sample.vectors[:1])
    with pytest.raises(InputError, match="can hold none of the 1 words"):
        formats.write(tmp_path / "t.vec", one, unwritable=formats.skip)


def test_pieces_with_a_digit_may_stand_below_the_lines_that_tell_the_dimension():
    rows = range(AGREEING - 1, AGREEING + 1)
    assert [bool(unwritable.glove("a b2", row, 3)) for row in rows] == [True, False]


TABLES = {
    "float16": np.ones((2, 3), np.float16),
    "float64 that float32 holds": np.ones((2, 3)),
    "float64": np.full((2, 3), 0.1),
    "beyond float32": np.full((2, 3), 1e300),
    "longdouble": np.ones((2, 3), np.longdouble),
    "big-endian": np.ones((2, 3), ">f4"),
    "by columns": np.asfortranarray(np.arange(6.0, dtype=np.float32).reshape(2, 3)),
    "every second row": np.arange(12, dtype=np.float32).reshape(4, 3)[::2],
    "whole numbers": np.arange(6).reshape(2, 3),
    "large whole numbers": np.full((2, 3), 2**53 + 1),
    "truth": np.ones((2, 3), bool),
    "complex": np.ones((2, 3), complex),
    "text": np.full((2, 3), "1"),
    "objects": np.full((2, 3), None),
    "records": np.zeros((2, 3), [("a", "f4")]),
    "dates": np.zeros((2, 3), "M8[s]"),
    "a list of lists": [[1.0, 2.0], [3.0, 4.0]],
    "bfloat16": jnp.ones((2, 3), jnp.bfloat16),
    "of jax": jnp.ones((2, 3)),
    "one row": np.ones(3, np.float32),
    "no rows": np.ones((0, 3), np.float32),
    "no columns": np.ones((2, 0), np.float32),
}


@pytest.mark.parametrize("name", WRITABLE)
def test_a_table_is_read_as_it_was_written_or_is_refused(name, tmp_path):
    path = _path(tmp_path, name)
    read = []
    for kind, table in TABLES.items():
        sample = WordVectors(("a", "b")[: len(table)], table)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FormatWarning)
            warnings.simplefilter("error", RuntimeWarning)
            if _write(path, sample, name):
                continue
            result = formats.read(path, name)
        read.append(kind)
        assert result.vectors.dtype.isnative, kind
        np.testing.assert_array_equal(result.vectors, np.asarray(table), kind)
    assert {"float16", "big-endian", "by columns", "whole numbers", "bfloat16", "of jax"} < set(
        read
    )
    assert ("float64" in read) == FORMATS[name].typed
    assert not {"no rows", "no columns", "complex", "objects", "large whole numbers"} & set(read)


def test_words_of_a_table_that_was_there_before_are_not_the_new_ones(tmp_path):
    formats.write(tmp_path / "t.npy", samples.random(0, 3))
    formats.write(tmp_path / "t.npy", samples.random(1, 3)._replace(words=None))
    assert formats.read(tmp_path / "t.npy").words is None
    formats.write(tmp_path / "t.32", samples.random(0, 3), "npy")
    formats.write(tmp_path / "t.64", samples.random(1, 3), "npy")
    assert formats.read(tmp_path / "t.32").words == samples.random(0, 3).words


@pytest.mark.parametrize("name", [n for n in WRITABLE if n not in PACKABLE])
def test_a_format_that_is_mapped_is_not_compressed(name, tmp_path):
    with pytest.raises(InputError, match=r"is not compressed: leave \.gz out"):
        formats.write(tmp_path / f"t{FORMATS[name].suffix}.gz", samples.random(0), name)


def test_a_device_or_a_folder_is_not_replaced_by_a_file(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(InputError, match=f"{name}: no file"):
            formats.write(tmp_path / name, samples.random(0), "glove")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]

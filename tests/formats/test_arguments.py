"""Arguments of `formats`: names, pipes, folders, byte orders, marks of other kinds of files."""

import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import formats, linalg
from jaxemb.errors import FormatError, FormatWarning, InputError
from jaxemb.formats import FORMATS, WordVectors, elmo, fasttext
from jaxemb.text import sources
from tests.formats import samples
from tests.formats.test_rules import FOREIGN

ROOT = Path(__file__).parents[2]
MARKS = (
    *("<header>", "<html>", "<?xml", "<!doctype", "<head>", "%PDF", "PAR1", "PK\x03\x04", "7z"),
    *("BZh", "BZh9", "(dp1", "version", "version_https://git-lfs.github.com/spec", "\x1f"),
)


@pytest.mark.parametrize("word", MARKS)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b" \n"])
def test_a_row_may_begin_with_any_word(word, end, tmp_path):
    path = tmp_path / "t"
    path.write_bytes(word.encode() + b" 0.5 -2e-1" + end + b"b 1 2" + end)
    for format in ("glove", None):
        table = formats.read(path, format)
        assert table.words == (word, "b")
        np.testing.assert_array_equal(table.vectors, np.float32([[0.5, -0.2], [1, 2]]))


@pytest.mark.parametrize("word", ["<html>", "%PDF", "PAR1", "<?xml", "PK\x03\x04"])
def test_what_a_named_format_reads_is_read_whatever_it_looks_like(word, tmp_path):
    (tmp_path / "t").write_bytes(word.encode() + b" of it 0.5 -2e-1\nb 1 2\nc 3 4\n")
    assert formats.read(tmp_path / "t", "glove").words == (f"{word} of it", "b", "c")
    with pytest.raises(FormatError, match="byte 0"):
        formats.read(tmp_path / "t")


def test_a_tar_mark_within_a_table_is_a_word(tmp_path):
    path = tmp_path / "t"
    path.write_text(f"a 1 2\n{'b' * 246} 1 2\nustar 1 2\n")
    assert path.read_bytes()[257:262] == b"ustar"
    assert formats.read(path).words == ("a", "b" * 246, "ustar")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("held", [{"a": 1}, [1, 2], np.random.default_rng])
def test_a_pickle_is_refused_with_the_conversion_to_use(protocol, held, tmp_path):
    path = tmp_path / "vectors.kv"
    path.write_bytes(pickle.dumps(held, protocol))
    for format in (None, "word2vec-binary", "glove"):
        with pytest.raises(
            FormatError, match=r"a pickle.*KeyedVectors\.load.*save_word2vec_format"
        ):
            formats.read(path, format)


def test_the_conversion_of_gensims_own_files_works(tmp_path):
    KeyedVectors = pytest.importorskip("gensim.models").KeyedVectors
    theirs, ours = KeyedVectors(3), samples.random(0, 8, 3)
    theirs.add_vectors(list(ours.words), ours.vectors)
    theirs.save(str(tmp_path / "v.kv"), sep_limit=1)
    with pytest.raises(FormatError, match="save_word2vec_format") as error:
        formats.read(tmp_path / "v.kv")
    assert "KeyedVectors.load(PATH).save_word2vec_format('vectors.bin', binary=True)" in str(error)
    loaded = KeyedVectors.load(str(tmp_path / "v.kv"))
    loaded.save_word2vec_format(str(tmp_path / "vectors.bin"), binary=True)
    assert formats.read(tmp_path / "vectors.bin").words == ours.words
    with pytest.warns(FormatWarning, match="no words: they are in gensim's v.kv"):
        assert formats.read(tmp_path / "v.kv.vectors.npy").words is None


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_can_be_read_only_once_is_refused_in_one_line(kind, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    path = path if kind == "pipe" else "/dev/null"
    for call in (
        *(formats.read, formats.recognise, formats.with_ngrams, formats.unknown_words),
        *(fasttext.model, elmo.read_options, lambda p: formats.read(p, "glove")),
        *(lambda p: formats.read(p, "run"), sources.resolve),
    ):
        with pytest.raises(InputError, match="a pipe or a device, which can be read only once"):
            call(path)


@pytest.mark.parametrize("name", ["npy", "glove", "run", "parquet"])
def test_a_folder_is_no_file_and_a_file_no_folder(name, tmp_path):
    (tmp_path / "t").write_bytes(b"a 1 2\n")
    (tmp_path / "folder").mkdir()
    path = tmp_path / ("t" if name in ("run", "parquet") else "folder")
    with pytest.raises(InputError, match=r"is a (file|folder): wanted the (folder|file) of format"):
        formats.read(path, name)


KINDS = ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8")


@pytest.mark.parametrize("order", ["C", "F"])
def test_every_byte_order_of_a_table_is_one_table_to_jax(order, tmp_path):
    """Oracle: the numbers that were saved."""
    numbers = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float16)  # all kinds hold it
    for kind in KINDS:
        path = tmp_path / f"{kind[1:]}.npy"
        np.save(path, np.asarray(numbers, kind, order=order))
        for options in ({}, {"limit": 12}):
            vectors = formats.read(path, **options).vectors
            assert vectors.dtype == np.dtype(kind).newbyteorder("=")
            np.testing.assert_array_equal(jnp.asarray(vectors, jnp.float32), np.float32(numbers))
        path.with_name(f"{kind[1:]}.words.txt").write_text("".join(f"w{i}\n" for i in range(12)))
        chosen = formats.read(path, only={"w3", "w7"}).vectors
        np.testing.assert_array_equal(jnp.asarray(chosen, jnp.float32), np.float32(numbers[[3, 7]]))


def test_a_table_in_memory_has_any_byte_order():
    """A table from `np.load` has the measures of the same numbers in this machine's order."""
    table = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    expected, actual = linalg.summary(table), linalg.summary(table.astype(">f4"))
    assert str(actual.rank) == str(expected.rank)
    np.testing.assert_array_equal(actual.spectrum.values, expected.spectrum.values)
    for one, other in zip(actual.coherence, expected.coherence, strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_kinds_of_numbers_are_refused_by_name(tmp_path):
    for kind in ("<i8", "<f16", "<c8", "|b1", "|S3", "<U2", "<M8[s]", [("a", "<f4")]):
        np.save(tmp_path / "t.npy", np.zeros((2, 3), kind))
        with pytest.raises(FormatError, match="byte 10"):
            formats.read(tmp_path / "t.npy")


EXTREMES = np.array(
    [[3e38, -3e38, 1e-45], [np.inf, -np.inf, np.nan], [1e30, 65504, -0.0], [1, 2, 3]], np.float32
)


def _signalling() -> np.ndarray:
    """NaN whose cast to another width is an invalid operation."""
    return np.full((4, 3), 0x7F800001, np.uint32).view(np.float32)


def test_no_reader_leaks_a_warning_of_numpys(tmp_path):
    """Large numbers, infinities and NaN of both kinds, with and without allow_nonfinite."""
    files = {}
    for i, table in enumerate((EXTREMES[[0, 2, 2, 3]], EXTREMES, _signalling())):
        for name in ("word2vec-binary", "word2vec-text", "glove", "npy", "safetensors"):
            path = tmp_path / f"{i}{FORMATS[name].suffix}"
            formats.write(path, WordVectors(tuple("abcd"), table), name)
            files[path] = name
        path = tmp_path / f"{i}.fasttext"
        path.write_bytes(samples.fasttext(rows=np.resize(table, (10, 3))))
        files[path] = "fasttext-bin"
    for kind in ("<f2", ">f8"):
        with np.errstate(all="ignore"):
            np.save(tmp_path / f"{kind[1:]}.npy", EXTREMES.astype(kind))
        files[tmp_path / f"{kind[1:]}.npy"] = "npy"
    read = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("ignore", FormatWarning)
        for path, name in files.items():
            for allowed in (False, True):
                for format in (name, None):
                    try:
                        formats.read(path, format, allow_nonfinite=allowed)
                        read += 1
                    except FormatError:  # other tests check its message
                        assert not (allowed and format)
    assert read > len(files)


@pytest.mark.parametrize("optimised", [[], ["-O"]], ids=["plain", "python -O"])
def test_a_wrong_argument_is_said_in_one_line(optimised):
    """Every public function of two packages, in a process without the tests' type checker."""
    command = [sys.executable, *optimised, "-m", "tests.formats.wrong_arguments"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_named_format_does_not_hide_what_a_file_is(kind, tmp_path):
    data, message = FOREIGN[kind]
    (tmp_path / "t").write_bytes(data)
    if kind != "noise":
        with pytest.raises(FormatError, match=message):
            formats.read(tmp_path / "t", "glove")

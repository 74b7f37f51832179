"""Each rule of reading: a file that breaks it is refused, one that just keeps it is read."""

import struct

import numpy as np
import pytest

from jaxemb import formats
from jaxemb.errors import FormatError, FormatWarning, InputError
from jaxemb.formats import lines
from tests.formats import samples

F = struct.Struct("<2f").pack


def _read(tmp_path, data: bytes, format: str | None = None, **options):
    (tmp_path / "t").write_bytes(data)
    return formats.read(tmp_path / "t", format, **options)


TEXT = {
    "a value too few": (b"a 1 2\nb 1\nc 1 2\n", "line 2: 1 values; expected a word and 2"),
    "a value too many": (b"a 1 2\nb 1 2 3\n", "line 2: 3 or more values"),
    "two spaces": (b"a 1 2\nb 1  2\n", "line 2: two separators"),
    "two spaces after the word": (b"a 1 2\nb  1 2\n", "line 2: two separators"),
    "two spaces at the end": (b"a 1 2\nb 1 2  \n", "line 2: "),
    "a space before the word": (b"a 1 2\n b 1 2\n", "line 2: two separators|line 2: an empty word"),
    "an empty word": (b"a 1 2\n 1 2\n", "line 2: an empty word"),
    "a tab": (b"a 1 2\nb\t1\t2\n", "line 2: .*sep='tab'"),
    "a tab in a word": (b"a 1 2\nb\tc 1 2\n", "line 2: .*sep='tab'"),
    "a blank line": (b"a 1 2\n\nb 1 2\n", "line 2: a blank line"),
    "an underscore": (b"a 1 2\nb 1_0 2\n", "line 2: value 1 is '1_0'"),
    "Arabic digits": ("a 1 2\nb 1 ٣\n".encode(), "line 2: value 2 is '٣'"),
    "a hexadecimal number": (b"a 1 2\nb 0x1p3 2\n", "line 2: value 1 is '0x1p3'"),
    "a comma": (b"a 1 2\nb 1,5 2\n", "line 2: value 1 is '1,5'"),
    "two numbers in one": (b"a 1 2\nb 1.5.2 2\n", "line 2: value 1 is '1.5.2'"),
    "a number cut off": (b"a 1 2\nb 1e 2\n", "line 2: value 1 is '1e'"),
    "numbers that make up for each other": (b"a 1 2\nb 1-2 e\n", "line 2: value 1 is '1-2'"),
    "NaN": (b"a 1 2\nb nan 2\n", "line 2: value 1 is 'nan'.*allow_nonfinite"),
    "more than float32 holds": (b"a 1 2\nb 1e39 2\n", "line 2: value 1 is inf"),
    "invalid UTF-8": (b"a 1 2\n\xff 1 2\n", "line 2: .*not UTF-8.*surrogateescape"),
    "NUL": (b"a 1 2\nb\0 1 2\n", "line 2: .*NUL"),
    "a long word": (b"a 1 2\n" + b"b" * 70_000 + b" 1 2\n", "line 2: a word of 70,000 bytes"),
    "a lone carriage return": (b"a 1 2\nb 1 2\r\r\n", "line 2: "),
}


@pytest.mark.parametrize("rule", TEXT)
@pytest.mark.parametrize("header", [False, True], ids=["glove", "word2vec-text"])
def test_a_text_that_breaks_a_rule_is_refused_at_its_line(rule, header, tmp_path):
    data, message = TEXT[rule]
    if header:  # everything stands one line further down
        rows = sum(map(bool, data.split(b"\n")))
        data, message = b"%d 2\n" % rows + data, message.replace("line 2", "line 3")
    with pytest.raises(FormatError, match=f"t: (?:{message})") as error:
        _read(tmp_path, data, "word2vec-text" if header else "glove")
    assert error.value.path == tmp_path / "t"


@pytest.mark.parametrize(("data", "hinted"), [(b"a\t1\t2\n", True), (b"a\n", False)])
def test_tabs_are_hinted_at_where_there_are_some(data, hinted, tmp_path):
    with pytest.raises(FormatError, match="line 1: ") as error:
        _read(tmp_path, data, "glove")
    assert ("sep='tab'" in str(error.value)) == hinted


GOOD = {
    "one space at the end": (b"a 1 2 \nb 3 4 \n", "ab"),
    "CRLF": (b"a 1 2\r\nb 3 4\r\n", "ab"),
    "CRLF after a space": (b"a 1 2 \r\nb 3 4 \r\n", "ab"),
    "blank lines at the end": (b"a 1 2\nb 3 4\n\n\r\n\n", "ab"),
    "signs, points and exponents": (b"a +1 20e-1\nb .3e1 4.\n", "ab"),
    "words of several pieces": (b". . . 1 2\nb 3 4\nc 5 6\n", (". . .", "b", "c")),
    "words that are numbers": (b"1984 1 2\n-1 3 4\n1e5 5 6\n", ("1984", "-1", "1e5")),
    "spaces that separate nothing": (
        "a\xa0b 1 2\nc\u2028d 3 4\n\x85 5 6\n\u3000 7 8\n\x0b 9 9\n\x1c 9 9\n".encode(),
        ("a\xa0b", "c\u2028d", "\x85", "\u3000", "\x0b", "\x1c"),
    ),
    "composed and decomposed": ("é 1 2\ne\u0301 3 4\n".encode(), ("é", "e\u0301")),
    "a carriage return in a word": (b"a\rb 1 2\nc 3 4\n", ("a\rb", "c")),
}


@pytest.mark.parametrize("rule", GOOD)
@pytest.mark.parametrize("header", [False, True], ids=["glove", "word2vec-text"])
def test_a_text_that_just_keeps_a_rule_is_read(rule, header, tmp_path):
    data, words = GOOD[rule]
    data = b"%d 2\n" % len(words) + data if header else data
    table = _read(tmp_path, data)
    assert table.words == tuple(words)
    if rule not in ("words of several pieces", "spaces that separate nothing"):
        np.testing.assert_array_equal(table.vectors[:2], [[1, 2], [3, 4]])


HEADERS = {
    "no header": (b"a 1 2\n", "line 1: .*a header"),
    "more rows than bytes": (b"1000000000000 4\na 1 2 3 4\n", "line 1: 1,000,000,000,000 rows"),
    "more dimensions than bytes": (b"1 4000000\na 1 2\n", "line 1: "),
    "a row missing": (b"3 1\naa 1.5\nb 2.5\n", "line 4: the end, after 2 rows"),
    "a row too many": (b"1 2\na 1 2\nb 3 4\n", "line 3: one more row"),
    "no rows": (b"0 4\n", "line 1: a header of 0 rows"),
    "no dimensions": (b"2 0\na\nb\n", "line 1: dim is 0"),
    "the header twice": (
        b"2 4\n2 4\na 1 2 3 4\n",
        "line 2: 1 values; expected a word and 4|line 1: ",
    ),
    "a sign": (b"+1 2\na 1 2\n", "line 1: "),
    "an underscore": (b"1_0 2\na 1 2\n", "line 1: "),
    "full-width digits": ("５ 2\na 1 2\n".encode(), "line 1: "),
    "three numbers": (b"1 2 3\na 1 2\n", "line 1: "),
}


@pytest.mark.parametrize("rule", HEADERS)
def test_a_header_that_breaks_a_rule_is_refused(rule, tmp_path):
    data, message = HEADERS[rule]
    with pytest.raises(FormatError, match=f"t: {message}"):
        _read(tmp_path, data, "word2vec-text")


BINARY = {
    "cut in a vector": (b"2 2\na " + F(1, 2) + b"b " + F(3, 4)[:-2], "line 1|byte 18"),
    "cut in a word": (b"2 1\na 1234bbbbbbbbb", "byte 10: the file ends after 1 rows and 9 bytes"),
    "bytes after the end": (b"1 2\na " + F(1, 2) + b"more", "byte 14: more bytes"),
    "a wrong dim": (b"2 3\na " + F(1, 2) + b"b " + F(3, 4) + b"xxxxx", "byte|line 1"),
    "an empty word": (b"2 2\na " + F(1, 2) + b" " + F(3, 4) + b"\n", "byte"),
    "a line break in a word": (b"2 2\na " + F(1, 2) + b"b\nc " + F(3, 4), "byte 14: .*line break"),
    "NUL in a word": (b"2 2\na " + F(1, 2) + b"b\0c " + F(3, 4), "byte 14: .*NUL"),
    "no newline after the second": (
        b"2 2\na " + F(1, 2) + b"\nb " + F(3, 4) + b"x",
        "byte 25: b'x' after a vector",
    ),
    "invalid UTF-8": (b"2 2\na " + F(1, 2) + b"\xff " + F(3, 4), "byte 14: .*not UTF-8"),
    "NaN": (b"2 2\na " + F(1, 2) + b"b " + F(3, np.nan), "byte 14: value 2 is nan"),
    "a row missing": (b"3 2\na " + F(1, 2) + b"b " + F(3, 4) + b" " * 9, "byte|line 1"),
    "more rows than bytes": (b"4000000000 2\na " + F(1, 2), "line 1: 4,000,000,000 rows"),
    "CRLF": (b"1 2\r\na " + F(1, 2), "line 1: a header that ends in CRLF"),
    "big-endian": (b"1 2\na " + struct.pack(">2f", 1, 2), "byte 4: .*big-endian float32"),
    "float16": (b"2 3\na " + bytes(samples.TABLE[[0, 1, 1], 0].astype("<f2")) * 1 + b"b "
                + bytes(samples.TABLE[[1, 1, 0], 0].astype("<f2")), "byte 4: .*float16"),
    "float64": (b"2 2\na " + struct.pack("<2d", 1, 2) + b"b " + struct.pack("<2d", 3, 4),
                "byte 4: .*float64"),
    "text": (b"2 3\nthe 1.5 2.5 3.5\nof 1.5 2.5 3.5\n", "line 2: text"),
    "a word without end": (b"1 2\n" + b"a" * 70_000 + b" " + F(1, 2), "byte 4: no space within"),
}  # fmt: skip


@pytest.mark.parametrize("rule", BINARY)
def test_a_binary_that_breaks_a_rule_is_refused_at_its_byte(rule, tmp_path):
    data, message = BINARY[rule]
    with pytest.raises(FormatError, match=f"t: (?:{message})"):
        _read(tmp_path, data, "word2vec-binary")


def test_binary_rows_are_read_with_and_without_newlines_after_them(tmp_path):
    for end in (b"", b"\n"):
        data = b"2 2\na " + F(1, 2) + end + b"b\xc2\xa0 " + F(3, 4) + end
        table = _read(tmp_path, data)
        assert table.words == ("a", "b\xa0")
        np.testing.assert_array_equal(table.vectors, [[1, 2], [3, 4]])
    with pytest.warns(match="no newline after the last vector"):
        _read(tmp_path, data[:-1])


def test_binary_given_as_text_is_named(tmp_path):
    for data in (b"2 2\na " + F(1, 2) + b"b " + F(3, 4), b"1 1\na " + struct.pack("<f", 0.3)):
        with pytest.raises(FormatError, match=r"t: line 2: binary numbers.*word2vec-binary"):
            _read(tmp_path, data, "word2vec-text")


def test_each_option_accepts_what_is_refused_by_default(tmp_path):
    words = ("a", "b\udcff")
    raw = b"a 1 2\nb\xff 3 4\n"
    assert _read(tmp_path, raw, on_bad_utf8="surrogateescape").words == words
    table = _read(tmp_path, b"a 1 nan\nb -inf +Infinity\n", allow_nonfinite=True)
    np.testing.assert_array_equal(table.vectors, [[1, np.nan], [-np.inf, np.inf]])
    assert _read(tmp_path, b"a 1 2\nb 1 3 4\n", allow_numeric_pieces=True).words == ("a", "b 1")
    assert _read(tmp_path, b"new york\t1\t2\nb\t3\t4\n", sep="tab").words == ("new york", "b")
    for rows in (1, 3, 10**12):
        data = b"%d 2\na 1 2\nb 3 4\n" % rows
        assert _read(tmp_path, data, allow_count_mismatch=True).words == ("a", "b")
        data = b"%d 2\na " % rows + F(1, 2) + b"b " + F(3, 4)
        table = _read(tmp_path, data, "word2vec-binary", allow_count_mismatch=True)
        assert table.words == ("a", "b")


FASTTEXT = {
    "no mark": (samples.fasttext(magic=5), "byte 0: the mark 5"),
    "version 13": (samples.fasttext(version=13), "byte 4: version 13"),
    "version -1": (samples.fasttext(version=-1), "byte 4: version -1"),
    "supervised": (samples.fasttext(model=3, labels=2), "a supervised model"),
    "pruned": (samples.fasttext(pruned=2), "a pruned model"),
    "pruned of all": (samples.fasttext(pruned=0), "a pruned model"),
    "quantised": (samples.fasttext(quantised=1), "a quantised model"),
    "a mark of 2": (samples.fasttext(quantised=2), "the mark 2"),
    "no dimensions": (samples.fasttext(dim=0), "byte 8: dim is 0"),
    "no buckets for n-grams": (samples.fasttext(bucket=0), "byte 40: bucket is 0"),
    "fewer buckets than none": (samples.fasttext(bucket=-3, rows=np.ones((3, 3))), "byte 40: "),
    "minn over maxn": (samples.fasttext(minn=5), "byte 44: minn is 5"),
    "rows of another number": (samples.fasttext(shape=(9, 3)), "an input matrix of 9 x 3"),
    "both sides negative": (samples.fasttext(shape=(-10, -3)), "an input matrix of -10 x -3"),
    "shape swapped": (samples.fasttext(shape=(3, 10)), "an input matrix of 3 x 10"),
    "NaN in an n-gram": (
        samples.fasttext(rows=np.where(np.arange(30).reshape(10, 3) == 29, np.nan, 1.0)),
        "row 9 of the input matrix: NaN",
    ),
    "cut in the dictionary": (samples.fasttext()[:110], "byte"),
    "cut in the output": (samples.fasttext()[:-4], "byte .* of the output matrix"),
    "bytes after the end": (samples.fasttext() + b"x", "more bytes"),
    "words of bad UTF-8": (samples.fasttext(words=("a", b"\xff", "c")), "byte 103: .*not UTF-8"),
    "an empty word": (samples.fasttext(words=("a", "", "c")), "byte 103: an empty word"),
}


@pytest.mark.parametrize("rule", FASTTEXT)
def test_a_fasttext_model_that_breaks_a_rule_is_refused(rule, tmp_path):
    data, message = FASTTEXT[rule]
    with pytest.raises(FormatError, match=f"t: .*{message}"):
        _read(tmp_path, data, "fasttext-bin")


@pytest.mark.parametrize("version", [11, 12])
def test_fasttext_models_without_ngrams_are_their_rows(version, tmp_path):
    data = samples.fasttext(version=version, minn=0, maxn=0, bucket=0)
    table = _read(tmp_path, data)
    rows = np.random.default_rng(0).normal(size=(3, 3)).astype("f4")
    np.testing.assert_array_equal(table.vectors, rows)
    unknown = formats.unknown_words(tmp_path / "t")
    assert unknown is not None
    np.testing.assert_array_equal(unknown(["not there", "the"]), [[0, 0, 0], rows[1]])


def test_a_word_that_stands_twice_in_a_model_has_its_first_row(tmp_path):
    data = samples.fasttext(words=("a", "b", "a"), minn=0, maxn=0, bucket=0)
    with pytest.warns(FormatWarning, match="1 rows repeat a word"):
        table = _read(tmp_path, data)
    assert table.words == ("a", "b")
    unknown = formats.unknown_words(tmp_path / "t")
    assert unknown is not None
    np.testing.assert_array_equal(unknown(["a", "b"]), table.vectors)


FOREIGN = {
    "HTML": (b"<!DOCTYPE html><html>", "HTML"),
    "zip": (b"PK\x03\x04rest", "zip archive"),
    "git-LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-LFS pointer"),
    "pickle": (b"\x80\x04\x95\x00", "pickle"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "HDF5"),
    "UTF-16": ("a 1 2\n".encode("utf-16"), "UTF-16"),
    "nothing": (b"", "empty file"),
    "noise": (bytes(range(200, 256)) * 9, "nothing known"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_other_kinds_of_files_are_named(kind, tmp_path):
    data, message = FOREIGN[kind]
    with pytest.raises(FormatError, match=message):
        _read(tmp_path, data)
    if kind != "noise":
        with pytest.raises(FormatError, match=message):
            _read(tmp_path, data, "word2vec-text")


def _npy(array: np.ndarray, tmp_path) -> bytes:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    return (tmp_path / "a.npy").read_bytes()


def test_npy_that_is_no_table_of_floats_is_refused(tmp_path):
    good = _npy(samples.TABLE, tmp_path)
    bad = {
        "three axes": (_npy(np.ones((2, 2, 2), "f4"), tmp_path), "byte 10"),
        "one axis": (_npy(np.ones(4, "f4"), tmp_path), "byte 10"),
        "whole numbers": (_npy(np.ones((2, 2), int), tmp_path), "byte 10: <i8"),
        "objects": (_npy(np.array([[{}]], object), tmp_path), "byte 10: .*never read|byte 10"),
        "no rows": (_npy(np.ones((0, 3), "f4"), tmp_path), "byte 10"),
        "cut": (good[:-1], "byte 128: 31 bytes"),
        "more": (good + b"x", "byte 128: 33 bytes"),
        "NaN": (_npy(np.full((2, 2), np.nan), tmp_path), "row 0, column 0: nan"),
        "10^18 rows": (good.replace(b"(4, 2)", b"(4" + b"0" * 18 + b", 2)")[:128], "byte"),
        "version 9": (good[:6] + b"\x09" + good[7:], "byte 0"),
    }  # fmt: skip
    for data, message in bad.values():
        with pytest.raises(FormatError, match=f"t: {message}"):
            _read(tmp_path, data, "npy")
    for order in "CF":
        for dtype in ("<f4", ">f4", "<f2", "<f8"):
            table = np.asarray(np.arange(6.0).reshape(3, 2), dtype, order=order)
            np.testing.assert_array_equal(_read(tmp_path, _npy(table, tmp_path)).vectors, table)


def test_safetensors_that_are_no_table_are_refused(tmp_path):
    def packed(header: str, data: bytes = bytes(8)) -> bytes:
        return len(header).to_bytes(8, "little") + header.encode() + data

    entry = '"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}'
    assert _read(tmp_path, packed("{" + entry + "}")).words is None
    bad = {
        packed("{" + entry + "," + entry + "}"): "a: the key twice",
        packed("{" + entry + "}")[:-1]: "header",
        packed("{" + entry + "}", bytes(9)): "header",
        packed("{" + entry.replace("8]", "80]") + "}"): "header",
        packed("{" + entry.replace("F32", "I32") + "}"): "a: I32",
        packed("{" + entry.replace("[1,2]", "[2]") + "}"): "expected one matrix",
        packed("{" + "[" * 99): "header",
        (1 << 40).to_bytes(8, "little") + b"{}": "byte 0",
        packed("{" + entry + "}", struct.pack("<2f", 1, np.inf)): "row 0, column 1: inf",
    }
    for data, message in bad.items():
        with pytest.raises(FormatError, match=f"t: .*{message}"):
            _read(tmp_path, data, "safetensors")


def test_two_formats_that_fit_are_not_guessed_between(tmp_path):
    data = b"3 1\na 1\nb 2\nc 3\n"  # a header and three rows, or four rows
    with pytest.raises(FormatError, match=r"line 1: .*format='word2vec-text' or format='glove'"):
        _read(tmp_path, data)
    assert _read(tmp_path, data, "word2vec-text").words == ("a", "b", "c")
    assert _read(tmp_path, data, "glove").words == ("3", "a", "b", "c")


def test_the_dimension_is_what_the_first_lines_agree_on(tmp_path):
    with pytest.raises(FormatError, match="line 1: 1 values; expected a word and 2"):
        _read(tmp_path, b"a 1\nb 1 2\nc 3 4\n", "glove")
    assert _read(tmp_path, b". . 1 2\nb 1 2\n", "glove").vectors.shape == (2, 2)


def test_a_file_of_blank_lines_is_refused_at_its_first(tmp_path):
    with pytest.raises(FormatError, match="line 1: b''; expected a word and its numbers"):
        _read(tmp_path, b"\n\n\n", "glove")


def test_the_fast_path_takes_plain_numbers_and_leaves_a_tab_to_the_careful_one():
    values = lines.plain([b"1 -2.5", b"3e-1 -0"], 2, b" ")
    np.testing.assert_array_equal(values, np.float32([[1, -2.5], [0.3, 0]]))
    assert lines.plain([b"1\t2"], 2, b" ") is None


def test_a_line_or_a_bomb_without_end_is_refused_early(tmp_path):
    import gzip

    bomb = gzip.compress(bytes(1 << 26))
    for name in ("word2vec-text", "glove", "word2vec-binary", None):
        with pytest.raises(FormatError):
            _read(tmp_path, bomb, name)
    with pytest.raises(FormatError, match="line 2: 299 values"):
        _read(tmp_path, gzip.compress(b"1000000000000 300\na" + b" 1" * 299), "word2vec-text")


def test_options_and_names_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        formats.read(tmp_path / "nothing")
    for options, message in (
        ({"lmit": 3}, "option 'lmit'; wanted limit"),
        ({"limit": 0}, "limit is 0"),
        ({"sep": ","}, "sep is ','"),
        ({"on_bad_utf8": "ignore"}, "on_bad_utf8 is 'ignore'"),
        ({"format": "w2v"}, "format 'w2v'; wanted one of word2vec-binary"),
    ):
        with pytest.raises(InputError, match=message):
            _read(tmp_path, b"a 1 2\n", **options)
    with pytest.raises(InputError, match="the suffix names no format"):
        formats.write(tmp_path / "x.txt", formats.WordVectors(("a",), samples.TABLE[:1]))
    (tmp_path / "folder").mkdir()
    with pytest.raises(FormatError, match="folder: holds nothing"):
        formats.read(tmp_path / "folder")

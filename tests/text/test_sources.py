"""Text from files: nothing is lost or changed, and what cannot be read is an error."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from jaxemb.errors import InputError
from jaxemb.text import sources


def lines_of(path: Path, **options) -> list[str]:
    lines, left = [], ""
    for piece in sources.read(path, sources.Tally(), **options):
        left += piece.text
        if piece.ends:
            lines.append(left)
            left = ""
    assert left == ""
    return lines


def _write(tmp_path: Path, data: bytes, name: str = "text.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_every_kind_of_line_end_ends_a_line(tmp_path, end, last):
    text = end.join(["one two", "", "three"]) + (end if last else "")
    assert lines_of(_write(tmp_path, text.encode())) == ["one two", "", "three"]


def test_line_ends_and_characters_survive_being_cut_by_the_reader(tmp_path, monkeypatch):
    text = "añb\r\n你好\rc d\n\r\nइ é\r"
    path = _write(tmp_path, text.encode())
    whole = lines_of(path)
    for size in range(1, 8):
        monkeypatch.setattr(sources, "PIECE", size)
        monkeypatch.setattr(sources, "_cut", lambda text: 0 if len(text) < 99 else len(text))
        texts = sources._texts(sources.Stretch(path), path.open("rb"), sources.Tally(), "error")
        assert "".join(texts).split("\n")[: len(whole)] == whole


@pytest.mark.parametrize(
    "pack", [lambda b: b, gzip.compress, bz2.compress, lzma.compress], ids=["", "gz", "bz2", "xz"]
)
def test_compression_is_told_by_the_first_bytes_not_by_the_name(tmp_path, pack):
    path = _write(tmp_path, pack(b"some words\nmore\n"), "no_extension")
    assert lines_of(path) == ["some words", "more"]


def test_zstd_is_read_with_its_extra(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    path = _write(tmp_path, zstandard.ZstdCompressor().compress(b"some words\n"))
    assert lines_of(path) == ["some words"]


@pytest.mark.parametrize("frames", [1, 2])
def test_a_zstd_file_cut_short_is_an_error_and_not_an_end(tmp_path, frames):
    zstandard = pytest.importorskip("zstandard")
    words = "".join(chr(97 + i * i % 26) + " " * (i % 3 == 0) for i in range(200_000))
    packed = zstandard.ZstdCompressor().compress(words.encode()) * frames
    assert "".join(lines_of(_write(tmp_path, packed))) == words * frames
    for cut in (len(packed) - 1, len(packed) - len(packed) // frames // 2):
        with pytest.raises(InputError, match="cannot be read"):
            lines_of(_write(tmp_path, packed[:cut]))


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path):
    assert lines_of(_write(tmp_path, b"\xef\xbb\xbfword\n")) == ["word"]


BAD = [
    (b"good\nba\xffd\n", "line 2, byte 7"),
    (b"good\r\nba\xe4d\n", "line 2, byte 8"),
    (b"fine\x00\n", "line 1, byte 4"),
    (b"cut \xe4\xbd", "line 1, byte 4"),
    (b"\xff\xfea\x00", "UTF-16"),
]


@pytest.mark.parametrize(("data", "where"), BAD)
def test_bytes_that_are_not_utf8_are_refused_with_path_line_and_byte(tmp_path, data, where):
    path = _write(tmp_path, data)
    with pytest.raises(InputError, match=where) as error:
        lines_of(path)
    assert str(path) in str(error.value)


def test_the_line_and_byte_are_right_far_into_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "PIECE", 64)
    data = b"word\n" * 1000 + b"x\xfe\n" + b"word\n" * 10
    with pytest.raises(InputError, match="line 1001, byte 5001"):
        lines_of(_write(tmp_path, data))


def test_replaced_bytes_are_counted(tmp_path):
    path, tally = _write(tmp_path, b"a\xffb \xe4 c\x00 \xef\xbf\xbd\n"), sources.Tally()
    pieces = list(sources.read(path, tally, bad_utf8="replace"))
    assert pieces[0].text == "a\ufffdb \ufffd c\ufffd \ufffd"
    assert tally.replaced == 3  # the last one stood in the file


def test_replacing_goes_on_where_a_character_is_cut_by_the_reader(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "PIECE", 4)
    monkeypatch.setattr(sources, "_cut", len)
    path, tally = (
        _write(tmp_path, "a\udcff你好你\udcfe好\n".encode("utf-8", "surrogateescape")),
        sources.Tally(),
    )
    text = "".join(p.text for p in sources.read(path, tally, bad_utf8="replace"))
    assert text == "a\ufffd你好你\ufffd好"
    assert tally.replaced == 2


@pytest.mark.parametrize(
    "data", [b"\x1f\x8b\x08broken", gzip.compress(b"words " * 99, mtime=0)[:-12]]
)
def test_a_broken_archive_is_named(tmp_path, data):
    path = _write(tmp_path, data, "text.gz")
    with pytest.raises(InputError, match="cannot be read"):
        lines_of(path)


def test_a_long_line_is_cut_only_between_words(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "PIECE", 100)
    words = [f"word{i}" for i in range(200)]
    path = _write(tmp_path, " ".join(words).encode())
    pieces = list(sources.read(path, sources.Tally()))
    assert len(pieces) > 5
    assert [word for piece in pieces for word in piece.text.split()] == words
    assert [piece.ends for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_a_long_line_of_chinese_is_cut_between_characters(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "PIECE", 100)
    text = "天地玄黃宇宙洪荒" * 100
    assert lines_of(_write(tmp_path, text.encode())) == [text]


def test_a_long_line_without_words_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "PIECE", 100)
    with pytest.raises(InputError, match=r"line 2: .* without a space"):
        lines_of(_write(tmp_path, b"fine\n" + b"x" * 1000))


def test_a_corpus_is_a_file_several_a_folder_or_a_glob(tmp_path):
    for name in ("b.txt", "a.txt", ".hidden", "deep/c.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    a, b, c = (tmp_path / name for name in ("a.txt", "b.txt", "deep/c.txt"))
    assert sources.resolve(str(a)) == [a]
    assert sources.resolve([b, a]) == [b, a]
    assert sources.resolve(str(tmp_path)) == [a, b, c]
    assert sources.resolve(str(tmp_path / "*.txt")) == [a, b]


def test_package_data_is_found_without_importing_the_package():
    files = sources.resolve("package:numpy/py.typed")
    assert files[0].name == "py.typed"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no/such.txt", "no such file"),
        ("no/*.txt", "no file matches"),
        ("package:no_such_package/x", "pip install no_such_package"),
        ([], "no corpus given"),
    ],
)
def test_what_is_not_there_is_said(path, message):
    with pytest.raises(InputError, match=message):
        sources.resolve(path)


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no file"):
        sources.resolve(tmp_path)

"""Published tests of words in context, and malformed files."""

import pytest

from jaxemb.errors import InputError
from jaxemb.evaluation import context_tests

WIC = "beat\tV\t1-2\tWe beat the competition .\tAgassi was beaten .\nbed\tN\t0-1\tbed\ta bed\n"


def _write(folder, text, name="train.data.txt"):
    path = folder / name
    path.write_text(text, "utf-8", newline="")
    return path


@pytest.mark.parametrize("labels", ["T\nF\n", "true\r\nfalse", "1\n0\n"])
def test_wic_is_read_with_its_gold(tmp_path, labels):
    path, gold = _write(tmp_path, WIC), _write(tmp_path, labels, "gold")
    split = context_tests.wic(path, gold)
    assert (split.name, split.words, split.parts) == ("train.data", ("beat", "bed"), ("V", "N"))
    positions = split.at.tolist()
    assert positions == [[1, 2], [0, 1]]
    assert [split.left[0][positions[0][0]], split.right[0][positions[0][1]]] == ["beat", "beaten"]
    assert [split.left[1][positions[1][0]], split.right[1][positions[1][1]]] == ["bed", "bed"]
    assert split.same is not None
    assert split.same.tolist() == [True, False]
    assert context_tests.wic(path).same is None


BAD = {
    "four fields": ("a\tN\t0-0\ta\n", r"line 1: got 'a\\tN\\t0-0\\ta': wanted five fields"),
    "spaces": (WIC + "a N 0-0 a a", "line 3: .* wanted five fields"),
    "a place": ("a\tN\t0\ta\ta", "line 1: got '0': wanted two positions such as 2-5"),
    "outside": ("a\tN\t0-1\ta\ta", "line 1: got 'position 1': wanted below 1"),
    "empty": ("\n", "nothing in it"),
    "words in quotes": (WIC.replace("bed\tN", '"bed"\tN'), "line 2: .*without quotes"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_says_where_it_is_and_what_was_wanted(tmp_path, name):
    text, message = BAD[name]
    path = _write(tmp_path, text)
    with pytest.raises(InputError, match=f"train.data.txt: {message}"):
        context_tests.wic(path)


def test_only_spaces_part_the_tokens_that_positions_count(tmp_path):
    path = _write(tmp_path, "bed\tN\t1-0\ta\xa0b\x1cc bed\tbed  d\u2028e\r\n")
    split = context_tests.wic(path)
    assert (split.left, split.right) == ((("a\xa0b\x1cc", "bed"),), (("bed", "d\u2028e"),))


def test_gold_that_does_not_fit_is_refused(tmp_path):
    path = _write(tmp_path, WIC)
    with pytest.raises(InputError, match=r"gold: 1 labels, but 2 lines in .*train.data.txt"):
        context_tests.wic(path, _write(tmp_path, "T\n", "gold"))
    with pytest.raises(InputError, match="gold: line 2: got 'yes': wanted T or F"):
        context_tests.wic(path, _write(tmp_path, "T\nyes\n", "gold"))
    with pytest.raises(InputError, match="cannot be read"):
        context_tests.wic(tmp_path / "nothing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        context_tests.wic(tmp_path / "binary")

"""Published tests of words in context, and malformed files."""

import re

import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.evaluation import context_tests

WIC = "beat\tV\t1-2\tWe beat the competition .\tAgassi was beaten .\nbed\tN\t0-1\tbed\ta bed\n"
TSV = {
    "examples": "java\t1\tthe java island\n",
    "with what it should mean": "java\t1\tthe java island\tan island\tisland_, land mass\n",
    "Windows": "\ufeffjava\t1\tthe java island\tan island\tisland_, land mass_\r\n\r\n",
}
HEADER = "word1\tword2\tcontext1\tcontext2\tsim1\tsim2\tstdev1\tstdev2\n"
COSIMLEX = (
    "man\twarrior\tThe <strong>warriors</strong> met a <strong>man</strong>.\t"
    "<strong>Man</strong> or <strong>warrior</strong>\t3.5\t6.25\t1\t2\n"
)


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


@pytest.mark.parametrize("name", TSV)
def test_wic_tsv_is_read_with_or_without_descriptions(tmp_path, name):
    path, gold = _write(tmp_path, TSV[name]), _write(tmp_path, "T", "gold")
    split = context_tests.wic_tsv(path, gold)
    assert split.words == ("java",)
    assert split.sentences[0][split.at[0]] == "java"
    described = name != "examples"
    assert split.definitions == ("an island" if described else "",)
    assert split.hypernyms == (("island", "land mass") if described else (),)
    assert split.same is not None
    assert split.same.tolist() == [True]


@pytest.mark.parametrize("header", [HEADER, ""])
def test_cosimlex_says_where_the_marked_words_stand(tmp_path, header):
    pairs = context_tests.cosimlex(_write(tmp_path, header + COSIMLEX, "cosimlex_en.tsv"))
    assert (pairs.name, pairs.words) == ("cosimlex_en", (("man", "warrior"),))
    assert pairs.contexts == (("The warriors met a man.", "Man or warrior"),)
    for context, spans, words in zip(
        pairs.contexts[0], pairs.spans[0], [("warriors", "man"), ("Man", "warrior")], strict=True
    ):
        assert tuple(context[first:end] for first, end in spans) == words
    np.testing.assert_array_equal(pairs.human, [[3.5, 6.25]])


BAD = {
    "four fields": ("wic", "a\tN\t0-0\ta\n", r"line 1: got 'a\\tN\\t0-0\\ta': wanted five fields"),
    "spaces": ("wic", WIC + "a N 0-0 a a", "line 3: .* wanted five fields"),
    "a place": ("wic", "a\tN\t0\ta\ta", "line 1: got '0': wanted two positions such as 2-5"),
    "outside": ("wic", "a\tN\t0-1\ta\ta", "line 1: got 'position 1': wanted below 1"),
    "empty": ("wic", "\n", "nothing in it"),
    "six fields": ("wic_tsv", "a\t0\ta\td\th\tx", "line 1: .* wanted fields between tabs"),
    "no place": ("wic_tsv", "a\tx\ta", "line 1: got 'x': wanted a position such as 2"),
    "beyond": ("wic_tsv", "a\t3\ta b", "line 1: got 'position 3': wanted below 2"),
    "five fields": ("cosimlex", HEADER + "a\tb\tc\td\t1", "line 2: .* wanted fields between tabs"),
    "no marks": (
        "cosimlex",
        COSIMLEX.replace("strong", "b"),
        "line 1: .* wanted two words .* not 0",
    ),
    **{
        f"no number: {field}": (
            "cosimlex",
            COSIMLEX.replace("6.25", field),
            f"line 1: got {re.escape(repr(field))}: wanted a number",
        )
        for field in ("?", "6_2", "６", "0x6", "6,25", "nan", "inf", "1e999", "")
    },
    "words in quotes": ("wic", WIC.replace("bed\tN", '"bed"\tN'), "line 2: .*without quotes"),
    "a word in quotes": ("cosimlex", COSIMLEX.replace("warrior\t", '"w"\t', 1), "line 1: .*quotes"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_says_where_it_is_and_what_was_wanted(tmp_path, name):
    reader, text, message = BAD[name]
    path = _write(tmp_path, text)
    with pytest.raises(InputError, match=f"train.data.txt: {message}"):
        getattr(context_tests, reader)(path)


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
        context_tests.cosimlex(tmp_path / "binary")

"""Laws of the "Expect:" lines of configs, which are made of one file of measured numbers."""

import pytest
from benchmarks import expected as script

from jaxemb import files
from jaxemb.errors import InputError

EXPECTED = files.read_json(script.FILE)
ENTRY = {"device": "a GPU", "commit": "0a1b2c3", "numbers": {"seconds": 61, "rank": [3, 4]}}


@pytest.mark.parametrize("path", script.every(), ids=lambda path: path.stem)
def test_a_config_says_what_was_measured(path):
    assert script.updated(path, EXPECTED) == path.read_text("utf-8"), (
        "wanted: python scripts/benchmark.py expected --write"
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_a_number_has_a_device_and_a_commit_or_there_is_none_and_a_reason(name):
    assert (script.CONFIGS / f"{name}.py").is_file()
    entry = EXPECTED[name]
    if "unmeasured" in entry:
        assert entry.keys() == {"unmeasured"}
    else:
        assert entry.keys() - {"on", "also"} == {"device", "commit", "numbers"}
        assert entry["numbers"].keys() <= script.PHRASES.keys()
        assert len(entry["commit"]) == 7
        assert int(entry["commit"], 16) >= 0
        assert entry["numbers"] or entry["also"]


def test_numbers_are_put_into_words():
    assert script.line(ENTRY) == "a GPU, commit 0a1b2c3: 61 s in all, rank 3 of 4"
    more = {"WordSim-353": 0.44, "analogies": 0.0931, "held_out_loss": [4.1588, 2.45249]}
    more |= {"words_per_second": 987_654, "seconds": 187}
    assert script.line({**ENTRY, "on": "2 words", "numbers": more, "also": "so be it"}) == (
        "a GPU, commit 0a1b2c3, 2 words: 3 min 7 s in all, 0.99 M words/s, "
        "held-out loss 4.159 -> 2.452, WordSim-353 .440, analogies 9.3 %; so be it"
    )
    assert script.line({"unmeasured": "no text"}) == "? (no text)"


def test_a_line_takes_the_place_of_the_one_before_and_of_nothing_else(tmp_path):
    path = tmp_path / "mine.py"
    begin, end = '"""A trial.\n\nRun:     me\n', '"""\n\nimport this\n'
    path.write_text(f"{begin}Expect:  old\n         and long\n{end}", "utf-8")
    text = script.updated(path, {"mine": {**ENTRY, "also": "word " * 40}})
    assert text.startswith(f"{begin}Expect:  a GPU, commit 0a1b2c3: 61 s in all, rank 3 of 4; word")
    assert text.endswith(f"word\n{end}")
    assert max(map(len, text.splitlines())) <= 100
    assert "old" not in text
    path.write_text(text, "utf-8")
    assert script.updated(path, {"mine": {**ENTRY, "also": "word " * 40}}) == text
    path.write_text(begin + end, "utf-8")
    with pytest.raises(InputError, match="has 0 lines that begin with 'Expect:'"):
        script.updated(path, {"mine": ENTRY})
    with pytest.raises(InputError, match="has no 'mine'"):
        script.updated(path, {})


def test_the_numbers_of_a_report_are_kept_rounded():
    report = {
        "rank": {"rank": 99},
        "dimension": 100,
        "similarity": {"WordSim-353": {"value": 0.44213}, "MEN": {"value": 0.5}},
        "analogies": {"questions-words": {"value": 0.09312}},
        "training": {"words_per_second": 1e6 / 3, "held_out_loss": None},
    }
    assert script.numbers(report, 61.4) == {
        "seconds": 61,
        "words_per_second": 333_333,
        "rank": [99, 100],
        "WordSim-353": 0.442,
        "analogies": 0.093,
    }


def test_a_name_without_a_config_is_not_measured():
    with pytest.raises(InputError, match="measure is 'nothing'; wanted a config: architectures, "):
        script.measured("nothing", [])

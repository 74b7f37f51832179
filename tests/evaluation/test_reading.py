"""Test files as they are published, and as they should not be."""

import pytest

from jaxemb.errors import InputError
from jaxemb.evaluation import reading

SUN = (("sun", "car"), ("sunlight", "automobile"), [50.0, 49.5])
PAIRS = {
    "gensim": "# a comment\nsun\tsunlight\t50\ncar\tautomobile\t49.5\n",
    "combined.csv": "Word 1,Word 2,Human (mean)\nsun,sunlight,50\ncar,automobile,49.5\n",
    "MEN, natural form": "sun sunlight 50.000000\ncar automobile 49.500000\n",
    "MEN, lemma form": "sun-n sunlight-n 50.000000\ncar-n automobile-j 49.500000\n",
    "RareWords": "sun\tsunlight\t50\t10\t9\ncar\tautomobile\t49.5\t0\t10\n",
    "SimLex-999.txt": "word1\tword2\tPOS\tSimLex999\tconc(w1)\nsun\tsunlight\tN\t50\t2.7\n"
    "car\tautomobile\tN\t49.5\t3.0\n",
    "semicolons": "sun;sunlight;50\ncar;automobile;49.5",
    "Windows": "\ufeffsun\tsunlight\t50\r\n\r\ncar\tautomobile\t49.5\r\n",
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_read_as_they_are_published(tmp_path, name):
    path = tmp_path / "combined.csv"
    path.write_text(PAIRS[name], "utf-8", newline="")
    found = reading.pairs(path)
    assert (found.left, found.right, found.human.tolist()) == SUN
    assert found.name == "combined"


def test_a_part_of_speech_is_taken_off_only_where_every_word_has_one(tmp_path):
    (tmp_path / "pairs").write_text("x-n y-n 1\nvitamin-n z 2\n")
    assert reading.pairs(tmp_path / "pairs").left == ("x-n", "vitamin-n")


QUESTIONS = {
    "Google": "// a comment\n: capital-world\na b c d\n: gram1\ne f g h\n",
    "without sections": "a b c d\ne f g h\n",
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_questions_are_read_with_their_sections(tmp_path, name):
    path = tmp_path / "own.txt"
    path.write_text(QUESTIONS[name])
    found = reading.questions(path)
    assert found.words == (("a", "b", "c", "d"), ("e", "f", "g", "h"))
    expected = {"Google": ("capital-world", "gram1"), "without sections": ("own", "own")}
    assert found.sections == expected[name]


def test_msr_has_its_answers_in_a_file_beside(tmp_path):
    path = tmp_path / "word_relationship.questions"
    path.write_text("good better rough\nbetter good rougher\n")
    path.with_suffix(".answers").write_text("JJ_JJR rougher\nJJR_JJ rough\n")
    found = reading.questions(path)
    assert found.words[0] == ("good", "better", "rough", "rougher")
    assert found.sections == ("JJ_JJR", "JJR_JJ")
    path.with_suffix(".answers").write_text("JJ_JJR rougher\n")
    with pytest.raises(InputError, match="2 questions, but 1 in"):
        reading.questions(path)


WRONG = {
    "a b 1\nc d\n": (reading.pairs, "line 2: got 'c d': wanted two words and a number"),
    "a b c\nd e f\n": (reading.pairs, "line 2: got 'd e f'"),
    "a b 1\nc d nan\n": (reading.pairs, "line 2: got 'c d nan'"),
    "a,b,1\n,d,2\n": (reading.pairs, "line 2: got ',d,2'"),
    "# nothing\n": (reading.pairs, "no pairs of words"),
    "": (reading.questions, "no questions"),
    ": s\na b c\n": (
        reading.questions,
        "line 2: got 'a b c': wanted as many words as in `a b c d`",
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_bad_line_is_named_with_what_was_got_and_wanted(tmp_path, text):
    read, said = WRONG[text]
    (tmp_path / "file.txt").write_text(text)
    with pytest.raises(InputError, match="file.txt: " + said.replace("(", r"\(")):
        read(tmp_path / "file.txt")


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        reading.pairs(tmp_path / "nothing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        reading.questions(tmp_path / "binary")

"""Published test files, and malformed ones."""

import csv
import itertools

import pytest

from jaxemb.errors import InputError
from jaxemb.evaluation import datasets

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
    pairs = datasets.pairs(path)
    assert (pairs.left, pairs.right, pairs.human.tolist()) == SUN
    assert pairs.name == "combined"


def test_a_part_of_speech_is_taken_off_only_where_every_word_has_one(tmp_path):
    (tmp_path / "pairs").write_text("x-n y-n 1\nvitamin-n z 2\n")
    assert datasets.pairs(tmp_path / "pairs").left == ("x-n", "vitamin-n")


ROWS = [
    *(("king", "queen", 8.5), ("New York", "city", 10.0), ("naïve", "a,b", 0.25)),
    *(("a;b", "c'd", -1.5), ('5" pipe', "x\xa0y", 1e-05), ("1984", "2001", 3.0)),
    *(("Word 1", "#2", 7.0), ("日本語", "y\u2028z", 0.0)),
]
PLAIN = [row for row in ROWS if not any(set(word) & set(" ,;\"'#") for word in row[:2])]


def _same(path, rows) -> None:
    pairs = datasets.pairs(path)
    assert list(zip(pairs.left, pairs.right, pairs.human.tolist(), strict=True)) == rows


def _pandas(rows, **options) -> str:
    pandas = pytest.importorskip("pandas")
    columns = options.pop("columns", ["word1", "word2", "score"])
    return pandas.DataFrame(rows, columns=columns).to_csv(**options)


@pytest.mark.parametrize("sep", [",", ";", "\t"])
@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC, csv.QUOTE_ALL])
def test_what_pandas_writes_are_the_pairs_that_it_was_given(sep, index, header, quoting, tmp_path):
    for end in ("\n", "\r\n", "\r"):
        for encoding in ("utf-8", "utf-8-sig"):
            options = {"sep": sep, "index": index, "header": header, "quoting": quoting}
            text = _pandas(ROWS, lineterminator=end, **options)
            (tmp_path / "t").write_text(text, encoding, newline="")
            _same(tmp_path / "t", ROWS)
    named = ["Word 1", "Word 2", "Human (mean)"]
    (tmp_path / "t").write_text(_pandas(ROWS, columns=named, **options), "utf-8", newline="")
    _same(tmp_path / "t", ROWS)


def test_what_csv_writes_are_the_pairs_that_it_was_given(tmp_path):
    for dialect in ("excel", "excel-tab", "unix"):
        for head in ([], [("Word 1", "Word 2", "Human (mean)")]):
            with (tmp_path / "t").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, dialect).writerows([*head, *ROWS])
            _same(tmp_path / "t", ROWS)


@pytest.mark.parametrize("sep", [" ", ",", ";", "\t"])
@pytest.mark.parametrize("names", ["numbers", "letters", "none", "numbers, of which none"])
@pytest.mark.parametrize("quoted", [True, False])
def test_what_r_writes_are_the_pairs_that_it_was_given(sep, names, quoted, tmp_path):
    """write.csv, and write.table, which writes no name above the names of rows."""

    def text(value) -> str:
        return f'"{value}"' if quoted and isinstance(value, str) else f"{value}"

    head = ["word1", "word2", "score"]
    rows = PLAIN if sep == " " and not quoted else [r for r in ROWS if '"' not in r[0]]
    rows = rows if quoted else [r for r in rows if not any(sep in word for word in r[:2])]
    rows = [r for r in rows if not r[0].startswith("#")]
    lines = [[text(head[0]), *map(text, head[1:])], *([text(field) for field in r] for r in rows)]
    if names != "none":
        for i, line in enumerate(lines[1:], start=1):
            line.insert(0, text(f"row_{chr(96 + i)}" if names == "letters" else f"{i}"))
        if names != "numbers, of which none" and sep == ",":
            lines[0].insert(0, text(""))
    (tmp_path / "t").write_text("\n".join(map(sep.join, lines)) + "\n", "utf-8")
    _same(tmp_path / "t", rows)


def test_other_columns_are_no_score_and_no_index(tmp_path):
    of_speech = "word1,word2,POS,SimLex999,assoc\nold,new,A,1.58,7\nhot,1984,A,2,\n"
    for text in (of_speech, of_speech.replace("\n", "\n0,").replace("word1", ",word1", 1)):
        (tmp_path / "t").write_text(text.removesuffix("0,"))
        _same(tmp_path / "t", [("old", "new", 1.58), ("hot", "1984", 2.0)])
    (tmp_path / "t").write_text("3 4 5\n6 7 8\n")
    _same(tmp_path / "t", [("3", "4", 5.0), ("6", "7", 8.0)])
    (tmp_path / "t").write_text("Word 1 Word 2 Human (mean)\nlove sex 6.77\n")
    _same(tmp_path / "t", [("love", "sex", 6.77)])


NOT_A_SCORE = (
    *("nan", "NaN", "inf", "-inf", "Infinity", "NA", "null", "1_0", "１", "٣", "0x10", "1e", "1,5"),
    *("1.5.2", "--1", "1e999", "", "-", "?", "½", "5%"),
)


@pytest.mark.parametrize("score", NOT_A_SCORE)
def test_no_row_is_dropped_or_read_as_another_number(score, tmp_path):
    path = tmp_path / "t"
    for sep, row, header in itertools.product(",\t ;", range(3), (False, True)):
        rows = [["king", "queen", "5"], ["cat", "dog", "6"], ["sun", "moon", "7"]]
        rows[row][2] = score
        rows = [["word1", "word2", "score"], *rows] if header else rows
        path.write_text("".join(sep.join(fields) + "\n" for fields in rows), "utf-8")
        with pytest.raises(InputError, match=r"t: line \d: got") as error:
            datasets.pairs(path)
        # if the first row has a field too many, a later row is reported to have too few
        moved = score == "1,5" and sep == "," and row == 0 and not header
        assert f"line {row + 1 + header + moved}: " in str(error.value)


SHIFTED = {
    "a comma in a number": "word1,word2,score\nking,queen,8,5\ncat,dog,6,5\n",
    "a comma in some numbers": "king,queen,8\ncat,dog,6,5\n",
    "a comma in the first number": "king,queen,8,5\ncat,dog,6\nsun,moon,5\n",
    "a word missing": "king,queen,8\ncat,6\n",
    "no first word": ",queen,8,1\ncat,dog,6,1\n",
    "no second word": "king,,8\ncat,dog,6\n",
    "three words": "king queen 8\nNew York city 5\nsun moon 4\n",
    "a quote that does not end": 'king,queen,8\ncat,"dog,6\n',
    "a remark": "king queen 8\ncat dog 5 really\nsun moon 4\n",
    "two words, then pairs": "king queen\ncat dog 5\nsun moon 4\n",
    "two headers": "word1,word2,score\nword1,word2,score\nsun,moon,4\ncat,dog,5\n",
}


@pytest.mark.parametrize("kind", SHIFTED)
def test_fields_that_are_shifted_are_refused_at_their_line(kind, tmp_path):
    (tmp_path / "t").write_text(SHIFTED[kind])
    with pytest.raises(InputError, match=r"t: line [123]: got .*(wanted|quote)"):
        datasets.pairs(tmp_path / "t")


QUESTIONS = {
    "Google": "// a comment\n: capital-world\na b c d\n: gram1\ne f g h\n",
    "without sections": "a b c d\ne f g h\n",
    "in quotes, of Windows": '\ufeff: capital-world\r\n"a" "b"\tc d\r\n: gram1\r\n e f g "h"\r\n',
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_questions_are_read_with_their_sections(tmp_path, name):
    path = tmp_path / "own.txt"
    path.write_text(QUESTIONS[name], "utf-8", newline="")
    questions = datasets.questions(path)
    assert questions.words == (("a", "b", "c", "d"), ("e", "f", "g", "h"))
    expected = {"without sections": ("own", "own")}.get(name, ("capital-world", "gram1"))
    assert questions.sections == expected


def test_msr_has_its_answers_in_a_file_beside(tmp_path):
    path = tmp_path / "word_relationship.questions"
    path.write_text("good better rough\nbetter good rougher\n")
    path.with_suffix(".answers").write_text("JJ_JJR rougher\nJJR_JJ rough\n")
    questions = datasets.questions(path)
    assert questions.words[0] == ("good", "better", "rough", "rougher")
    assert questions.sections == ("JJ_JJR", "JJR_JJ")
    path.with_suffix(".answers").write_text("JJ_JJR rougher\n")
    with pytest.raises(InputError, match="2 questions, but 1 in"):
        datasets.questions(path)


WRONG = {
    "a b 1\nc d\n": (datasets.pairs, "line 2: got 'c d': wanted two words and a number"),
    "a b c\nd e f\n": (datasets.pairs, "line 2: got 'd e f'"),
    "a b 1\nc d nan\n": (datasets.pairs, "line 2: got 'c d nan'"),
    "a,b,1\n,d,2\n": (datasets.pairs, "line 2: got ',d,2'"),
    "# nothing\n": (datasets.pairs, "no pairs of words"),
    "": (datasets.questions, "no questions"),
    'a "b c d\n': (datasets.questions, "line 1: got 'a \"b c d': a quote that does not end"),
    "a b\xa0c d\n": (datasets.questions, "line 1: got"),
    ": s\na b c\n": (
        datasets.questions,
        "line 2: got 'a b c': wanted as many words as in `a b c d`",
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_bad_line_is_named_with_what_was_got_and_wanted(tmp_path, text):
    read, message = WRONG[text]
    (tmp_path / "file.txt").write_text(text)
    with pytest.raises(InputError, match="file.txt: " + message.replace("(", r"\(")):
        read(tmp_path / "file.txt")


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        datasets.pairs(tmp_path / "nothing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        datasets.questions(tmp_path / "binary")

"""Laws of what an error of formats tells to do: it names what is there, and what works."""

import shlex
import sys

import convert
import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxemb import formats, linalg
from jaxemb.errors import FormatError, InputError
from jaxemb.lab import command_line
from jaxemb.structs import Vocab
from jaxemb.text import vocabulary
from tests.scripts.test_train import run

INTEGERS = ("int64", "int32", "uint8", "bool")


@pytest.mark.parametrize("kind", INTEGERS)
@pytest.mark.parametrize("name", ["t.npy", "t.safetensors"])
def test_whole_numbers_are_refused_with_what_takes_them(kind, name, tmp_path):
    table = np.arange(6).reshape(3, 2).astype(kind)
    if name == "t.npy":
        np.save(tmp_path / name, table)
    else:
        save_file({"vectors": table}, tmp_path / name)
    with pytest.raises(FormatError, match=r"whole numbers: save table\.astype\(numpy\.float64\)"):
        formats.read(tmp_path / name)
    np.save(tmp_path / "f.npy", table.astype(np.float64))
    np.testing.assert_array_equal(formats.read(tmp_path / "f.npy").vectors, table)
    assert linalg.rank(table).rank == np.linalg.matrix_rank(table.astype(float))


@pytest.mark.parametrize(
    ("shape", "shown"), [((), "[]"), ((3,), "[3]"), ((2, 3, 4), "[2, 3, 4]"), ((10**3,), "[1000]")]
)
def test_an_npy_of_other_axes_is_named_by_its_type_and_shape(shape, shown, tmp_path):
    np.save(tmp_path / "t.npy", np.ones(shape, np.float32))
    with pytest.raises(FormatError) as error:
        formats.read(tmp_path / "t.npy")
    assert error.value.found == f"<f4 {shown}"
    assert ("vector[None, :]" in error.value.hint) == (len(shape) == 1)


@pytest.mark.parametrize(
    "name", [f"x{kind.suffix}" for kind in formats.FORMATS.values() if kind.write and kind.suffix]
)
def test_a_folder_that_is_not_there_is_named_by_every_format(name, tmp_path):
    table = formats.WordVectors(("a", "b"), np.eye(2, dtype=np.float32))
    with pytest.raises(InputError, match=r"there is no folder .*nodir$"):
        formats.write(tmp_path / "nodir" / name, table)


OPTIONS = {  # files that an option of formats.read takes
    "allow_nonfinite": b"a 1 2\nb nan 2\n",
    "allow_count_mismatch": b"3 2\na 1 2\nb 1 2\n",
    "on_bad_utf8": b"a 1 2\n\xff 1 2\n",
    "sep": b"2 2\na\t1\t2\nb\t1\t2\n",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_a_hint_of_the_shell_is_a_command_that_takes_the_file(
    option, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.txt").write_bytes(OPTIONS[option])
    monkeypatch.setattr(sys, "argv", ["jaxemb"])
    with pytest.raises(FormatError) as error:
        formats.read("t.txt")
    assert option in error.value.hint  # in Python it is the option of `read`
    line, code = command_line.ending(error.value) or ("", 0)
    assert code == 2
    assert option not in line if "_" in option else f"{option}=" not in line
    words = shlex.split(line[line.index("jaxemb convert") :].replace(")", ""))
    options = words[2:4] if option in ("on_bad_utf8", "sep") else words[2:3]
    assert options[0] == f"--{option.replace('_', '-')}"
    run(convert, "t.txt", "out.safetensors", *options, monkeypatch=monkeypatch)
    capsys.readouterr()


@pytest.mark.parametrize("word", [" tok201", "Tok201", " TOK201 "])
def test_a_word_with_spaces_around_is_near_and_shown_in_quotes(word):
    words = (*(f"tok{i}" for i in range(202, 212)), word)
    assert vocabulary.spelled_like(words, "tok201")[0] == word
    shown = repr(word) if word != word.strip() else word
    with pytest.raises(InputError, match=f"near it: {shown},"):
        vocabulary.index(Vocab(words, np.ones(len(words), int)), ["tok201"])

"""What a config passes to an objective. Oracles: arguments that a function of the test receives."""

import dataclasses
import sys

import pytest

from jaxemb.errors import FormatError, InputError
from jaxemb.formats import unwritable
from jaxemb.lab import command_line
from jaxemb.lab.runs.static.config import Corpus, StaticConfig
from jaxemb.training import learners


def _plain(*, window, dim):
    return {"window": window, "dim": dim}


def _slanted(*, window, slant):
    return {"window": window, "slant": slant}


@dataclasses.dataclass(frozen=True)
class Slanted(StaticConfig):
    slant: float = 0.5
    """One more setting."""


def _config(kind, objective, **settings):
    return kind(Corpus(), "nowhere", objective, learners.row_sparse, **settings)


def test_an_objective_gets_the_settings_that_it_names():
    config = _config(StaticConfig, _plain, window=3, dim=7)
    assert config.build_objective() == {"window": 3, "dim": 7}


def test_a_subclass_with_one_more_field_hands_it_over_and_the_command_line_sets_it():
    config = _config(Slanted, _slanted, slant=0.25)
    assert config.build_objective() == {"window": 5, "slant": 0.25}
    config = command_line.parse(Slanted, ["--slant", "2", "--window", "4"], default=config)
    assert config.build_objective() == {"window": 4, "slant": 2.0}


def test_the_command_line_names_a_tokenizer_of_the_package_or_of_the_current_folder(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "letters_of_a_test.py").write_text("def cut(line): return list(line)\n")
    config = _config(StaticConfig, _plain)
    named = {"words_and_numbers": ["a1"], "letters_of_a_test:cut": ["a", "1"]}
    for name, tokens in named.items():
        parsed = command_line.parse(StaticConfig, ["--corpus.tokenizer", name], default=config)
        assert parsed.corpus.tokenizer("a1") == tokens
    with pytest.raises(InputError, match=r"--corpus.tokenizer: nosuch:cut: there is no module"):
        command_line.parse(StaticConfig, ["--corpus.tokenizer", "nosuch:cut"], default=config)


def test_what_is_none_is_left_to_the_objective():
    def rule(*, collision=max):
        return collision

    assert _config(StaticConfig, rule).build_objective() is max
    assert _config(StaticConfig, rule, collision=min).build_objective() is min


def test_an_objective_that_takes_any_setting_gets_those_that_were_changed():
    config = _config(StaticConfig, lambda **settings: settings, window=3, mean=max, epochs=9)
    assert config.build_objective() == {"window": 3, "mean": max}


def test_what_a_file_says_cannot_break_a_line_or_reach_the_terminal(capsys):
    def main():
        raise FormatError("options.json", "a\nb\x1b[31m\ud800", "nan", "a number")

    with pytest.raises(SystemExit) as stop:
        command_line.run(main)
    printed = capsys.readouterr().err
    assert stop.value.code == 2
    assert printed == "error: options.json: a\\nb\\x1b[31m\\ud800: nan; expected a number\n"


def test_a_command_names_its_options_where_the_library_names_its_arguments(capsys):
    def main():
        raise InputError(f"set min_count=3; cut='dim'; bad_utf8='replace' ({unwritable._HINT})")

    with pytest.raises(SystemExit):
        command_line.run(main)
    options = "--corpus.min-count 3; --cut dim; --bad-utf8 replace"
    end = "leave such rows out or rename them: --unwritable skip or rename"
    assert capsys.readouterr().err == f"error: set {options} ({end})\n"


@pytest.mark.parametrize("kind", [MemoryError, RuntimeError])
def test_too_little_memory_is_one_line(kind, capsys):
    def main():
        raise kind("RESOURCE_EXHAUSTED: out of memory\nallocating 7 bytes")

    with pytest.raises(SystemExit) as stop:
        command_line.run(main)
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_other_errors_of_the_program_are_not_hidden():
    def main():
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        command_line.run(main)


@pytest.mark.parametrize(
    ("name", "value"), [("negatives", 9), ("noise_power", 0.5), ("collision", max), ("mean", max)]
)
def test_a_setting_that_the_objective_has_no_use_for_is_refused(name, value):
    with pytest.raises(InputError, match=f"{name} is .*, but .*_plain has no {name}"):
        _config(StaticConfig, _plain, **{name: value}).build_objective()

"""Laws of the --help texts of all scripts and configs. Oracle: the comments in the code."""

import ast
import importlib
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from jaxemb.lab import command_line

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(p.stem for p in (ROOT / "scripts").glob("*.py"))
BENCHMARKS = sorted(p.stem for p in (ROOT / "scripts/benchmarks").glob("[a-z]*.py"))
CONFIGS = sorted(p.stem for p in (ROOT / "configs").glob("*.py"))
MARKS = re.compile(r"noqa|type: ?ignore|pragma|fmt: |RUF\d|TODO")


def _plain(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def comments() -> set[str]:
    """All comments in the dataclasses of the code."""
    texts = set()
    for path in [p for room in ("jaxemb", "scripts") for p in (ROOT / room).rglob("*.py")]:
        text = path.read_text("utf-8")
        options = {
            line
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ClassDef) and "dataclass" in ast.dump(node)
            for line in range(node.lineno - 1, (node.end_lineno or node.lineno) + 1)
        }
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and token.start[0] in options:
                texts.add(_plain(token.string.lstrip("#")))
    return texts


@pytest.fixture
def printed(monkeypatch, capsys):
    """A function that returns what a call prints before it exits with code 0, on one line."""
    monkeypatch.setenv("COLUMNS", "4000")

    def output(call, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["script", *arguments])
        with pytest.raises(SystemExit) as stop:
            call()
        assert stop.value.code == 0
        return _plain(capsys.readouterr().out)

    return output


def _leaked(text: str, comments: set[str]) -> Iterator[str]:
    yield from MARKS.findall(text)
    yield from (comment for comment in comments if comment in text)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_comment_of_the_code_is_printed_by_a_script(name, printed, comments):
    text = printed(importlib.import_module(name).main, "--help")
    assert "sage:" in text
    assert list(_leaked(text, comments)) == []


@pytest.mark.parametrize("name", BENCHMARKS)
def test_no_comment_of_the_code_is_printed_by_a_benchmark(name, printed, comments):
    main = importlib.import_module(f"benchmarks.{name}").main
    text = printed(lambda: main(["--help"]))
    assert "usage:" in text
    assert list(_leaked(text, comments)) == []


@pytest.mark.parametrize("name", CONFIGS)
def test_no_comment_of_the_code_is_printed_for_a_config(name, printed, comments):
    config = command_line.load(ROOT / f"configs/{name}.py", object)
    text = printed(lambda: command_line.parse(type(config), ["--help"], default=config))
    assert "--corpus.min-count" in text or "--static.corpus.min-count" in text
    assert list(_leaked(text, comments)) == []


def test_a_comment_that_leaks_is_seen(comments):
    assert list(_leaked("hosts options: noqa: RUF009 (it is frozen)", comments))

"""Laws of what --help says, of all scripts and configs. Oracle: the code's own comments."""

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
    """All that stands behind a # in the dataclasses of the code."""
    found = set()
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
                found.add(_plain(token.string.lstrip("#")))
    return found


@pytest.fixture
def said(monkeypatch, capsys):
    """What is printed by a call that ends as --help does, with no line broken."""
    monkeypatch.setenv("COLUMNS", "4000")

    def of(call, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["script", *arguments])
        with pytest.raises(SystemExit) as ended:
            call()
        assert ended.value.code == 0
        return _plain(capsys.readouterr().out)

    return of


def _leaked(text: str, comments: set[str]) -> Iterator[str]:
    yield from MARKS.findall(text)
    yield from (each for each in comments if each in text)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_comment_of_the_code_is_printed_by_a_script(name, said, comments):
    text = said(importlib.import_module(name).main, "--help")
    assert "sage:" in text
    assert list(_leaked(text, comments)) == []


@pytest.mark.parametrize("name", BENCHMARKS)
def test_no_comment_of_the_code_is_printed_by_a_benchmark(name, said, comments):
    main = importlib.import_module(f"benchmarks.{name}").main
    text = said(lambda: main(["--help"]))
    assert "usage:" in text
    assert list(_leaked(text, comments)) == []


@pytest.mark.parametrize("name", CONFIGS)
def test_no_comment_of_the_code_is_printed_for_a_config(name, said, comments):
    config = command_line.load(ROOT / f"configs/{name}.py", object)
    text = said(lambda: command_line.parse(type(config), ["--help"], default=config))
    assert "--corpus.min-count" in text or "--static.corpus.min-count" in text
    assert list(_leaked(text, comments)) == []


def test_a_comment_that_leaks_is_seen(comments):
    assert list(_leaked("hosts options: noqa: RUF009 (it is frozen)", comments))

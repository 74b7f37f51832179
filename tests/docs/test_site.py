"""Laws of the site: every public name and command has a page, and its notebooks run."""

import dataclasses
import importlib
import inspect
import json
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from jaxemb import lab
from jaxemb.lab import shipped

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.append(str(DOCS / "_ext"))

import command_help
import config_fields
import kept
import public

PAGES = {page.module: page for page in public.pages()}
NOTEBOOKS = kept.notebooks()
FAST = ("zh-getting_started",)  # 5 s
HELP = ("jaxemb", "train")  # a process each


def test_every_room_and_every_module_that_a_room_shows_has_a_page():
    rooms = {path.parent.name for path in (ROOT / "jaxemb").glob("*/__init__.py*")}
    assert rooms == set(public.ROOMS)
    for module in public.DOORS:
        here = importlib.import_module(module)
        shown = (getattr(here, name) for name in here.__all__)
        assert {m.__name__ for m in shown if isinstance(m, types.ModuleType)} <= set(PAGES)


def test_every_public_name_is_described_once_and_linked_from_every_other_door():
    for module in public.DOORS:
        here, page = importlib.import_module(module), PAGES[module]
        names = {n for n in here.__all__ if not isinstance(getattr(here, n), types.ModuleType)}
        links = dict(page.elsewhere)
        assert names == set(page.described) | set(links)
        for name, home in links.items():
            where, _, there = home.rpartition(".")
            assert there in PAGES[where].described
            assert getattr(importlib.import_module(where), there) is getattr(here, name)


def test_every_described_function_and_class_says_what_it_is():
    for page in PAGES.values():
        here = importlib.import_module(page.module)
        described = (getattr(here, name) for name in page.described)
        assert [v for v in described if callable(v) and not v.__doc__] == []


def test_every_page_of_a_name_is_in_the_table_of_contents():
    listed = set(re.findall(r"generated/api/(\S+)", (DOCS / "reference/index.md").read_text()))
    for module in listed - {"jaxemb"}:
        listed = listed | set(PAGES[module].parts)
        for part in PAGES[module].parts:
            listed = listed | set(PAGES[part].parts)
    assert listed == set(PAGES)


def test_every_page_is_in_the_contents_and_every_picture_of_a_page_has_a_text():
    own = [page for page in DOCS.rglob("*.md") if page.relative_to(DOCS).parts[0][0] != "_"]
    pages = {page.relative_to(DOCS).with_suffix("").as_posix(): page for page in own}
    pages = {name: page for name, page in pages.items() if not name.startswith("generated/")}
    contents = (DOCS / "index.md").read_text("utf-8")
    listed = re.findall(r"^[\w/.-]+$", contents, re.MULTILINE)
    assert set(pages) - set(listed) == {"index"}
    for name, page in pages.items():
        texts = re.findall(r"!\[(.*?)\]\(", page.read_text("utf-8"))
        assert [text for text in texts if len(text) < 20] == [], name


def _first(names, fast):
    return [pytest.param(n, marks=[] if n in fast else [pytest.mark.thorough]) for n in names]


@pytest.mark.parametrize("name", _first(["jaxemb", *shipped.commands()], HELP))
def test_the_page_of_a_command_is_what_the_program_prints(name):
    arguments = [] if name == "jaxemb" else [name]
    code = "from jaxemb.lab import command; command.main()"
    typed = [sys.executable, "-c", code, *arguments, "--help"]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **command_help.ENVIRONMENT}
    done = subprocess.run(typed, capture_output=True, text=True, check=True, env=environment)
    printed = [line.rstrip() for line in done.stdout.splitlines()]
    page = command_help.page(name)
    assert page.partition("```text\n")[2].removesuffix("```\n").splitlines() == printed


def test_every_field_of_every_config_is_on_the_page_with_its_default():
    page = config_fields.sections()
    for kind in (getattr(lab, name) for name in lab.__all__):
        section = page.partition(f"## {kind.__name__}\n")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| `(\w+)\*?` \| (.+?) \|", section, re.MULTILINE)
        fields = {f.name: f for f in dataclasses.fields(kind)}
        assert [name for name, _ in rows] == list(fields)
        assert [name for name, _, meaning in config_fields.fields(kind) if not meaning] == []
        wanted = [name for name, default in rows if default == "wanted"]
        assert wanted == [
            n for n, p in inspect.signature(kind).parameters.items() if p.default is p.empty
        ]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_kept_outputs_of_a_notebook_are_those_of_its_code(name):
    cells = json.loads((kept.KEPT / f"{name}.ipynb").read_text("utf-8"))["cells"]
    assert ["".join(cell["source"]) for cell in cells] == kept.code(NOTEBOOKS[name])
    kinds = {output["output_type"] for cell in cells for output in cell["outputs"]}
    assert "error" not in kinds
    assert not [o for cell in cells for o in cell["outputs"] if o.get("name") == "stderr"]
    assert r"\u001b" not in json.dumps(cells)  # codes of a terminal


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_picture_of_a_notebook_has_a_text_for_those_who_do_not_see_it(name):
    text = NOTEBOOKS[name].read_text("utf-8")
    cells = json.loads((kept.KEPT / f"{name}.ipynb").read_text("utf-8"))["cells"]
    pictures = [o for cell in cells for o in cell["outputs"] if "image/png" in o.get("data", {})]
    assert len(re.findall(r"^    alt: .{20,}", text, re.MULTILINE)) == len(pictures)


@pytest.mark.parametrize("name", _first(NOTEBOOKS, FAST))
def test_a_notebook_runs_and_prints_the_words_that_are_kept(name):
    """Numbers may differ between machines; the words around them may not."""
    ran = kept.execute(NOTEBOOKS[name])
    for cell, before in zip(ran.cells, kept.read(name).cells, strict=True):
        assert [o.output_type for o in cell.outputs] == [o.output_type for o in before.outputs]
        assert _shape(cell) == _shape(before)


def _shape(cell) -> list[str]:
    """The number of lines that each output of a cell has."""
    return [len(o.text.splitlines()) for o in cell.outputs if o.output_type == "stream"]


def test_the_thousand_characters_are_a_thousand_different_ones():
    text = (DOCS / "zh/qianziwen.txt").read_text("utf-8").replace("\n", "")
    assert len(text) == len(set(text)) == 1000
    quoted = re.findall(
        r'^TEXT = """\n(.*?)"""', NOTEBOOKS["zh-getting_started"].read_text(), re.M | re.S
    )
    assert text.startswith("".join(quoted[0].split()))


@pytest.mark.thorough
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_a_network(tmp_path):
    pytest.importorskip("myst_nb", reason="the extra docs is not installed")
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(tmp_path)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    loaded = r"""<(?:script|link|img|iframe)[^>]*\s(?:src|href)=["']((?:https?:)?//[^"']+)"""
    for page in tmp_path.rglob("*.html"):
        text = page.read_text("utf-8")
        assert re.findall(loaded, text) == [], page
        assert not re.search(r" at 0x[0-9a-f]+", text), page  # an address of this process
    for name, text in command_help.pages().items():
        assert (DOCS / f"generated/commands/{name}.md").read_text("utf-8") == text


@pytest.mark.parametrize("room", [f"jaxemb.{room}" for room in public.ROOMS])
def test_the_example_of_a_room_runs_and_uses_it(room, capsys):
    text = (DOCS / f"reference/examples/{room}.py").read_text("utf-8")
    exec(compile(text, room, "exec"), {"__name__": "__main__"})
    assert len(capsys.readouterr().out.splitlines()) >= 1
    assert room in text or f"from jaxemb import {room.removeprefix('jaxemb.')}" in text

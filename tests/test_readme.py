"""Laws of README and docs: every code block runs, every link leads to a file."""

import re
import subprocess
from pathlib import Path

import pytest

from jaxemb import linalg

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    if "generated" not in path.parts  # of the site, made from other files
}
# whose blocks are one program: tests/scripts/test_extending_context.py runs those of
# extending_context.md
IN_ORDER = ("docs/rank.md", "docs/extending_context.md")


def _blocks(page: str) -> list[str]:
    """Return the Python code blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)


def _match(printed: list[str], promised: list[str]) -> None:
    """Compare lines of output with promised ones, where "..." stands for what may differ."""
    for line, expected in zip(printed, promised, strict=True):
        pattern = ".*".join(re.escape(part) for part in expected.split("..."))
        assert re.fullmatch(pattern, line), (line, expected)


BLOCKS = [(page, block) for page in PAGES if page not in IN_ORDER for block in _blocks(page)]

# four hundred words and "king"
WORDS = ["king", *(a + b + c for a in "bdfghklm" for b in "aeiou" for c in "nrstlpmgkd")]
TEXT = "\n".join(" ".join(WORDS[i % 7 :: 1 + i % 5]) for i in range(150))


@pytest.mark.parametrize(
    ("page", "block"),
    [
        pytest.param(page, block, id=f"{page}: {block.splitlines()[0][:60]}")
        for page, block in BLOCKS
    ],
)
def test_a_code_block_of_a_page_runs_and_prints_what_it_says(
    page, block, tmp_path, monkeypatch, capsys
):
    for package in "".join(re.findall(r"^# pip install (.*)$", block, re.MULTILINE)).split():
        pytest.importorskip(package, reason=f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.txt").write_text(TEXT)
    run = tmp_path / "runs/quickstart"
    run.mkdir(parents=True)
    (run / "metrics.jsonl").write_text('{"step": 64, "loss": 2.5, "singular_values": [3.0, 1.0]}\n')
    (run / "report.json").write_text("{}")
    (tmp_path / "vectors.vec").write_text("2 3\nking 0.5 -0.25 1e-3\nqueen 0.25 1 2\n")
    exec(compile(block, page, "exec"), {"__name__": "__main__"})
    promised = re.findall(r"^print\(.*\)  # (.*)$|^# (\d.*)$", block, re.MULTILINE)
    promised = [beside or below for beside, below in promised]
    _match(capsys.readouterr().out.splitlines(), promised)


@pytest.mark.thorough
def test_the_chapters_blocks_run_in_order_and_print_what_they_say(capsys):
    names = {"__name__": "__main__"}
    # what a loop prints is indented below its block
    blocks = r"^```python\n(.*?)^```\n((?:\n(?:    [^\n]*\n)+)?)"
    for block, below in re.findall(blocks, PAGES["docs/rank.md"], re.MULTILINE | re.DOTALL):
        exec(compile(block, "rank.md", "exec"), names)
        promised = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE) + below.split("\n")
        # the computed size of a zero singular value differs between LAPACKs
        printed, promised = (
            [re.sub(r"s_251 [\d.]+", "s_251 ?", line.strip()) for line in lines if line]
            for lines in (capsys.readouterr().out.splitlines(), promised)
        )
        _match(printed, promised)


def test_the_two_commands_are_shown_and_ci_runs_the_second():
    commands = re.findall(r"^\s*(python3 -m venv .*)$", README, re.MULTILINE)
    assert len(commands) == 2
    assert "scripts/train.py configs/quickstart.py" in commands[0]
    assert commands[1] in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_or_links_to_is_there(page):
    named = re.findall(
        r"(?<![\w./-])((?:configs|scripts|docs|tests|jaxemb)/[\w/]+\.\w+)", PAGES[page]
    )
    named = [name for name in named if Path(name).stem not in ("my", "NAME")]  # the reader's own
    assert [name for name in named if not (ROOT / name).exists()] == []
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        path, _, section = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), target
        if section:
            assert section in _sections(file.read_text("utf-8")), target


def _sections(text: str) -> list[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_the_readme_is_short_and_lists_every_command_every_chapter_and_every_room():
    assert len(README.splitlines()) <= 140
    for folder, pattern in (("scripts", "*.py"), ("docs", "*.md")):
        names = {path.name for path in (ROOT / folder).glob(pattern)}
        assert names <= set(re.findall(rf"{folder}/([\w.]+)", README))
    rooms = {path.parent.name for path in (ROOT / "jaxemb").glob("*/__init__.py*")}
    assert rooms <= set(re.findall(r"`jaxemb/(\w+)/`", README))


def test_nothing_that_is_made_is_in_the_repository():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    assert not [
        name for name in tracked if name.startswith(("runs/", "data/", ".venv/", ".coverage"))
    ]


def test_the_chapter_on_rank_lists_every_assertion():
    listed = re.findall(r"^\| `(assert_\w+)\(", PAGES["docs/rank.md"], re.MULTILINE)
    assert sorted(listed) == sorted(n for n in dir(linalg) if n.startswith("assert_"))

"""Laws of the README: every code block runs, and its commands are tested."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
FORMATS = (ROOT / "docs/formats.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README + FORMATS, re.MULTILINE | re.DOTALL)

# four hundred words and "king"
WORDS = ["king", *(a + b + c for a in "bdfghklm" for b in "aeiou" for c in "nrstlpmgkd")]
TEXT = "\n".join(" ".join(WORDS[i % 7 :: 1 + i % 5]) for i in range(150))
CHINESE = "天地玄黃宇宙洪荒日月盈昃辰宿列張\n寒來暑往秋收冬藏閏餘成歲律呂調陽\n" * 100


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(
            block,
            id=block.splitlines()[0][:60],
            marks=[pytest.mark.thorough] if "1_000_000" in block else [],  # numpy's own rank: 8 s
        )
        for block in BLOCKS
    ],
)
def test_a_code_block_of_the_readme_runs_and_prints_what_it_says(
    block, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.txt").write_text(TEXT)
    (tmp_path / "chinese.txt").write_text(CHINESE)
    (tmp_path / "vectors.vec").write_text("2 3\nking 0.5 -0.25 1e-3\nqueen 0.25 1 2\n")
    exec(compile(block, "README.md", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out.splitlines()
    # `print(...)  # output`, where "..." stands for parts that differ between machines
    promised = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
    for line, expected in zip(printed, promised, strict=False):
        pattern = ".*".join(re.escape(part) for part in expected.split("..."))
        assert re.fullmatch(pattern, line), (line, expected)
    assert len(printed) >= len(promised)


@pytest.mark.thorough
def test_the_chapters_blocks_run_in_order_and_print_what_they_say(capsys):
    chapter = (ROOT / "docs/rank.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", chapter, re.MULTILINE | re.DOTALL)
    code = "\n".join(blocks)
    exec(compile(code, "rank.md", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    # the output of the loop of section 3 is indented below it
    promised += re.findall(r"^    (rank \d+ of 300, .*)$", chapter, re.MULTILINE)
    # the computed size of a zero singular value differs between LAPACKs
    printed, promised = (
        re.sub(r"s_251 [\d.]+", "s_251 ?", "\n".join(lines)) for lines in (printed, promised)
    )
    assert printed == promised


def test_the_two_commands_are_shown_and_ci_runs_the_second():
    commands = re.findall(r"^\s*(python3 -m venv .*)$", README, re.MULTILINE)
    assert len(commands) == 2
    assert "scripts/train.py configs/quickstart.py" in commands[0]
    assert commands[1] in (ROOT / ".ci/run").read_text()


def test_every_file_the_readme_names_is_there():
    for name in re.findall(r"\b(?:configs|scripts|docs|tests|jaxemb)/[\w/]+\.\w+", README):
        assert (ROOT / name).exists(), name


def test_nothing_that_is_made_is_in_the_repository():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    assert not [name for name in tracked if name.startswith(("runs/", "data/", ".venv/"))]

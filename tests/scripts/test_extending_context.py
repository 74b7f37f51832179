"""Laws of docs/extending_context.md and the tutorial before it: their code runs, on small texts."""

import json
import re
import shlex
import sys
from pathlib import Path

import compare_embedders
import embed
import jax
import numpy as np
import pytest
import train_contextual
from safetensors.numpy import load_file

from tests.scripts.test_train import draw_nothing, run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/extending_context.md").read_text("utf-8")
TUTORIAL = (ROOT / "docs/tutorials/own_contextualizer.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
[STATE_SPACE] = re.findall(r"^%%writefile state_space.py\n(.*?)^```", TUTORIAL, re.M | re.S)
TYPED = [
    *re.findall(r"^jaxemb (\S+) ((?:.*\\\n)?.*?)(?: > .*)?$", TUTORIAL, re.MULTILINE),
    *re.findall(r"^    jaxemb (\S+) (.*)$", PAGE, re.MULTILINE),
]
SCRIPTS = {
    "train-contextual": train_contextual,
    "embed": embed,
    "compare-embedders": compare_embedders,
}
SMALL = {  # what makes the page's numbers those of a small text
    "beside.py": shlex.split(
        "--seconds 0.5 --static.dim 8 --static.epochs 1 --contextual.dim 8 --contextual.units 8 "
        "--contextual.batch 8 --contextual.samples None --merging.pairs 2 --merging.min-count 30 "
        "--merging.ratio 2 --per-sense 4 --seeds 1 --static.corpus.min-count 2"
    ),
}


def test_the_pages_have_the_blocks_and_commands_that_are_tested():
    assert len(BLOCKS) == 3
    names = ["train-contextual", "embed", "compare-embedders", "compare-embedders"]
    assert [name for name, _ in TYPED] == names


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The page's files and a text of two topics, where the test is."""
    random = np.random.default_rng(0)
    words = [[a + b for b in "abcdefgh"] for a in "xy"]
    lines = [" ".join(random.choice(words[i % 2], 9)) for i in range(300)]
    (tmp_path / "my.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "bank.txt").write_text("\n".join(lines[:3]) + "\n")
    (tmp_path / "state_space.py").write_text(STATE_SPACE)
    (tmp_path / "beside.py").write_text(BLOCKS[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "state_space", raising=False)
    with jax.numpy_rank_promotion("allow"):  # as users have it
        yield tmp_path
    sys.modules.pop("state_space", None)


def _type(number, monkeypatch):
    name, arguments = TYPED[number]
    words = shlex.split(arguments.replace("\\\n", " "))
    run(SCRIPTS[name], *words, *SMALL.get(words[0], []), monkeypatch=monkeypatch)


def test_the_state_space_layer_is_trained_embeds_and_is_compared(place, monkeypatch):
    draw_nothing(monkeypatch)
    for number in range(3):
        _type(number, monkeypatch)
    assert load_file("vectors.safetensors")["0"].shape == (3, 9, 32)
    comparison = json.loads(
        (place / "runs/compare/state_space-state_space/comparison.json").read_text()
    )
    assert len(comparison["embedders"][0]["layers"]) == 3


def test_a_config_of_architectures_trains_each_for_its_seconds_and_draws_them(place, monkeypatch):
    _type(3, monkeypatch)
    folder = place / "runs/beside"
    assert (folder / "architectures.png").stat().st_size > 20_000
    values = json.loads((folder / "architectures.json").read_text())
    assert list(values["architectures"]) == ["lstm", "state space"]
    for name, own in values["architectures"].items():
        assert len(own["layers"]) == 3
        assert own["layers"][0]["sense"]["value"] == 0.5  # static vectors
        assert own["layers"][0]["context_share"]["value"] == pytest.approx(0, abs=1e-9)
        rows = [json.loads(line) for line in (folder / f"seed_0/{name}/metrics.jsonl").open()]
        spent = [row["seconds"] for row in rows if "seconds" in row]
        assert spent[-1] >= 0.5 > spent[0]
    text = (folder / "architectures.md").read_text()
    assert "| state space 2 |" in text


@pytest.mark.parametrize("number", [1, 2], ids=["Linen", "NNX"])
def test_a_block_of_the_page_prints_what_it_says(place, number, capsys):
    exec(compile(BLOCKS[number], "extending_context.md", "exec"), {"__name__": "__main__"})
    promised = re.findall(r"^print\(.*\)  # (.*)$", BLOCKS[number], re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised

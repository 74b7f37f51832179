"""The README's notebook in a real kernel: every line runs, shows itself, and a bar is drawn."""

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
LINES = ["the king and the queen of the land", "a man and a woman by the river of the king"] * 40


def _shown(cell) -> dict[str, str]:
    """What a cell displays, by the type of each form."""
    return {
        kind: text
        for output in cell.outputs
        for kind, text in output.get("data", {}).items()
        if output.output_type in ("execute_result", "display_data")
    }


@pytest.mark.thorough  # a kernel compiles everything anew
def test_the_readmes_notebook_runs_line_by_line_and_values_show_themselves(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "my.txt").write_text("\n".join(LINES) + "\n")
    block = re.search(r"## In a notebook\n\n```python\n(.*?)```", README, re.DOTALL)
    assert block is not None
    lines = [line for line in block[1].splitlines() if line]
    lines += ["model", "model.vocab", "model.tables", "model.rank()", "model.spectrum()"]
    lines += ["model.most_similar('king')", "jaxemb.linalg.dependence(model.vectors[:9])"]
    book = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, lines)))
    nbclient.NotebookClient(
        book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = {cell.source: _shown(cell) for cell in book.cells}
    assert "| king |" in shown["model.vocab"]["text/markdown"]
    for source in ("model", "model.rank()", "model.spectrum()", "model.most_similar('king')"):
        assert {"text/plain", "text/markdown"} <= set(shown[source]), source
        assert shown[source]["text/plain"].count("\n") < 5
    assert shown["model.tables"]["text/plain"].startswith("InOut(input=float32[")
    assert "rank" in shown["model.rank()"]["text/markdown"]
    stderr = "".join(
        output.text
        for cell in book.cells
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    )
    assert "ipywidgets" not in stderr
    assert "\x1b" not in stderr
    bars = [text for one in shown.values() for text in one.values() if "words/s" in text]
    assert len(bars) == 1
    assert bars[0].startswith("training")
    assert not [text for one in shown.values() for text in one.values() if "\x1b" in text]
    assert "9 rows" in shown[lines[-1]]["text/plain"]

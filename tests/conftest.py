"""Strict: shapes and types checked at every call, rank promotion refused, eight CPU devices."""

import gc
import hashlib
import os
import platform
import shutil
import tempfile
from collections import defaultdict
from importlib import metadata
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# small programs that run once: compiling is what takes time. JAX_DISABLE_MOST_OPTIMIZATIONS=0 holds
# every law to the programs that users get; what is marked `as_users_compile` always is
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# threads of XLA: of eight devices that wait for each other at several places some must go on,
# or after 40 s XLA ends the process
os.environ.setdefault("NPROC", "32")

import jax

jax.config.update("jax_num_cpu_devices", 8)
# one program after the other: of several in flight, devices that share few cores may each wait in
# another one for their peers; after 40 s XLA then ends the process
jax.config.update("jax_cpu_enable_async_dispatch", False)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)

from jaxtyping import install_import_hook

import tests.strict  # noqa: F401 (the hook finds it by its name)

install_import_hook("jaxemb", "tests.strict.check")

import numpy as np
import pytest

from jaxemb.structs import Vocab
from tests import covering, quickly

_FEW = jax.config.read(quickly.FEW)
quickly.install()
# how much is asked: by default, and of every law in its full form
AMOUNTS = {
    "mutants": (1000, 5000, "broken files to read"),
    "flips": (60, 300, "bits of a checkpoint to flip"),
    "kills": (4, 12, "times to kill a training, in all"),
    "moments": (1, 2, "times to lose one of two processes"),
    "whole": (100, 300, "tables of whole numbers to rank"),
}
ROOT = Path(__file__).parents[1]
KEPT = 1 << 29  # bytes of compiled programs, of all versions of the code; beyond it, none
MAPS = 20_000  # of the 65,530 that a process may have; every compiled program has some


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="every law in its full form")
    for name, (few, many, help) in AMOUNTS.items():
        told = f"{help}: {few}, or {many} if --thorough"
        parser.addoption(f"--{name}", type=int, default=None, help=told)
    parser.addoption("--gigabyte", action="store_true", help="a line of 1 GB, not of 48 MB")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Two folders or more are asked by several processes, where pytest-xdist is there."""
    options, asked = config.option, [Path(each.partition("::")[0]) for each in config.args]
    folders = {path if path.is_dir() else path.parent for path in asked}
    several = len(folders) > 1 or any(next(path.glob("*/test_*.py"), None) for path in asked)
    one = options.usepdb or options.collectonly or hasattr(config, "workerinput")
    cores = min(os.cpu_count() or 1, 8)
    if several and not one and cores > 1 and getattr(options, "numprocesses", 0) is None:
        options.numprocesses, options.dist = cores, "loadfile"


def pytest_configure(config):
    thorough = config.getoption("--thorough")
    for name, amounts in AMOUNTS.items():
        if config.getoption(f"--{name}") is None:
            setattr(config.option, name, amounts[thorough])
    jax.config.update("jax_compilation_cache_dir", str(_programs(config)))


def _programs(config) -> Path:
    """Where compiled programs are kept: those of this jaxlib, these options and this processor.

    The same programs are compiled again and again, by functions made anew in every test, in every
    process and in every run. Without pytest's own cache they are kept for this run alone.
    """
    if given := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return Path(given)
    if (cache := getattr(config, "cache", None)) is None:
        own = tempfile.TemporaryDirectory()
        config.add_cleanup(own.cleanup)
        return Path(own.name)
    place = cache.mkdir("programs")
    if not hasattr(config, "workerinput") and _size(place) > KEPT:
        shutil.rmtree(place)
    by = metadata.version("jaxlib"), os.environ.get("XLA_FLAGS"), platform.machine(), _processor()
    place = place / hashlib.sha256(repr(by).encode()).hexdigest()[:12]
    place.mkdir(parents=True, exist_ok=True)
    return place


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _processor() -> str:
    """What it can do, where the system says so."""
    try:
        told = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in told if line.startswith(("flags", "Features"))), "")


def pytest_collection_modifyitems(config, items):
    """Without --thorough: no full forms, and few of many combinations of parameters."""
    if config.getoption("--thorough"):
        return
    laws = defaultdict(list)
    for item in items:
        if not item.get_closest_marker("thorough"):
            laws[item.nodeid.partition("[")[0]].append(item)
    chosen = {id(item) for law in laws.values() for item in _few(law)}
    left = [item for item in items if id(item) not in chosen]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if id(item) in chosen]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    """What is compiled as users do comes last in its file: between the two all is compiled anew.

    Garbage is collected where a module ends and there is much: looking for it takes a second.
    """
    places = {path: i for i, path in enumerate(dict.fromkeys(i.path for i in session.items))}
    session.items.sort(key=lambda item: (places[item.path], _as_users(item)))
    gc.collect()
    gc.freeze()  # what is imported stays
    gc.disable()


def _few(law: list) -> list:
    """Of a law over several lists a covering set of members."""
    return [law[i] for i in covering.design(list(map(_row, law)))]


def _row(item) -> tuple:
    """Which value it takes of each list; names that share a list take one together."""
    given = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    row = []
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs["argnames"]
        names = names.split(",") if isinstance(names, str) else names
        row.append(tuple(id(given.pop(name.strip())) for name in names))
    return *row, *map(id, given.values())


@pytest.fixture(autouse=True, scope="module")
def programs_end_before_there_are_too_many():
    """Every compiled program maps memory, and a process may have 65,530 maps: then XLA crashes."""
    yield
    if _maps() > MAPS:
        jax.clear_caches()
        gc.collect()


def _maps() -> int:
    """What this process has mapped; where nobody says how much, too much."""
    try:
        return Path("/proc/self/maps").read_bytes().count(b"\n")
    except OSError:
        return MAPS + 1


def _as_users(item) -> bool:
    """Laws about memory and programs always are; those about bits in their full form."""
    marked = item.get_closest_marker("as_users_compile")
    always = bool(marked and marked.kwargs.get("always", True))
    return always or bool(marked and item.config.getoption("--thorough"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Compiled with few optimizations, but for what is marked; processes that a test starts, too.

    Before any fixture: those of a module may train.
    """
    few = _FEW and not _as_users(item)
    if few != jax.config.read(quickly.FEW):
        jax.clear_caches()  # programs are not told apart by how they were compiled
        jax.config.update(quickly.FEW, few)
        os.environ[quickly.FEW.upper()] = str(int(few))


@pytest.fixture
def vocab() -> Vocab:
    """Twelve words with falling counts."""
    counts = np.array([90, 60, 40, 30, 22, 17, 13, 10, 8, 7, 6, 5], np.int64)
    return Vocab(tuple("abcdefghijkl"), counts)

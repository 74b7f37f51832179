"""Strict settings: shapes and types checked at every call, no rank promotion, eight CPU devices."""

import gc
import hashlib
import os
import shutil
import tempfile
from collections import defaultdict
from importlib import metadata
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# tests run small programs once, so compiling takes most of the time. With
# JAX_DISABLE_MOST_OPTIMIZATIONS=0 every law runs on the fully optimised programs that users have;
# laws marked `as_users_compile` always do
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# threads of XLA: with too few, eight devices that wait for each other can block, and after 40 s XLA
# ends the process
os.environ.setdefault("NPROC", "32")

import jax

jax.config.update("jax_num_cpu_devices", 8)
# one program at a time: with several in flight, devices that share few cores may each wait for
# peers in another program; after 40 s XLA then ends the process
jax.config.update("jax_cpu_enable_async_dispatch", False)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)

from jaxtyping import install_import_hook

import tests.strict  # noqa: F401 (the hook finds it by its name)

install_import_hook("jaxemb", "tests.strict.check")

import numpy as np
import pytest

from jaxemb.lab import programs
from jaxemb.structs import Vocab
from tests import covering, quickly

_FEW = jax.config.read(quickly.FEW)
quickly.install()
# the sizes of laws: by default, with --thorough, and what they count
AMOUNTS = {
    "mutants": (1000, 5000, "broken files to read"),
    "flips": (60, 300, "bits of a checkpoint to flip"),
    "kills": (4, 12, "times to kill a training run, in all"),
    "moments": (1, 2, "times to lose one of two processes"),
    "whole": (100, 300, "tables of whole numbers to rank"),
}
ROOT = Path(__file__).parents[1]
KEPT = 1 << 29  # bytes of compiled programs to keep; when they are more, all are deleted
MAPS = 20_000  # memory maps; a process may have 65,530, and every compiled program has some


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="every law in its full form")
    for name, (few, many, purpose) in AMOUNTS.items():
        text = f"{purpose}: {few}, or {many} if --thorough"
        parser.addoption(f"--{name}", type=int, default=None, help=text)
    parser.addoption("--gigabyte", action="store_true", help="a line of 1 GB, not of 48 MB")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Run two folders or more in several processes, if pytest-xdist is installed."""
    options, paths = config.option, [Path(argument.partition("::")[0]) for argument in config.args]
    folders = {path if path.is_dir() else path.parent for path in paths}
    several = len(folders) > 1 or any(next(path.glob("*/test_*.py"), None) for path in paths)
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
    """Return the cache folder of compiled programs for this jaxlib, its options and this processor.

    Every test, process and run makes its functions anew and would compile the same programs again.
    Without pytest's own cache the programs are kept for this run alone.
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
    identity = (
        metadata.version("jaxlib"),
        os.environ.get("XLA_FLAGS"),
        programs.processor(),
    )
    place = place / hashlib.sha256(repr(identity).encode()).hexdigest()[:12]
    place.mkdir(parents=True, exist_ok=True)
    return place


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def pytest_collection_modifyitems(config, items):
    """Without --thorough, deselect full forms, and keep few of many combinations of parameters."""
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
    """Run laws marked `as_users_compile` last in their file: the switch clears compiled programs.

    Garbage is collected only at the end of a module, and if there is much: it takes a second.
    """
    places = {path: i for i, path in enumerate(dict.fromkeys(i.path for i in session.items))}
    session.items.sort(key=lambda item: (places[item.path], _as_users(item)))
    gc.collect()
    gc.freeze()  # imported objects stay
    gc.disable()


def _few(law: list) -> list:
    """Select a covering set from the items of a law over several lists of parameters."""
    return [law[i] for i in covering.design(list(map(_row, law)))]


def _row(item) -> tuple:
    """Return the item's value of each list of parameters; names of one list share a value."""
    values = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    row = []
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs["argnames"]
        names = names.split(",") if isinstance(names, str) else names
        row.append(tuple(id(values.pop(name.strip())) for name in names))
    return *row, *map(id, values.values())


@pytest.fixture(autouse=True, scope="module")
def programs_end_before_there_are_too_many():
    """Clear compiled programs in time: each maps memory, and XLA crashes beyond 65,530 maps."""
    yield
    if _maps() > MAPS:
        jax.clear_caches()
        gc.collect()


def _maps() -> int:
    """Count the memory maps of this process; return too many if the system does not list them."""
    try:
        return Path("/proc/self/maps").read_bytes().count(b"\n")
    except OSError:
        return MAPS + 1


def _as_users(item) -> bool:
    """Whether an item is compiled as users do: always, or (laws about bits) with --thorough."""
    marked = item.get_closest_marker("as_users_compile")
    always = bool(marked and marked.kwargs.get("always", True))
    return always or bool(marked and item.config.getoption("--thorough"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Compile with few optimizations, except marked laws; also in processes that a test starts.

    This runs before any fixture, because module fixtures may train.
    """
    few = _FEW and not _as_users(item)
    if few != jax.config.read(quickly.FEW):
        jax.clear_caches()  # the cache ignores how a program was compiled
        jax.config.update(quickly.FEW, few)
        os.environ[quickly.FEW.upper()] = str(int(few))


@pytest.fixture
def vocab() -> Vocab:
    """Twelve words with falling counts."""
    counts = np.array([90, 60, 40, 30, 22, 17, 13, 10, 8, 7, 6, 5], np.int64)
    return Vocab(tuple("abcdefghijkl"), counts)

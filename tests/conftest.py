"""Strict: shapes and types checked at every call, rank promotion refused, eight CPU devices."""

import gc
import os
import tempfile

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# small programs that run once: compiling is what takes time. JAX_DISABLE_MOST_OPTIMIZATIONS=0 holds
# every law to the programs that users get; what is marked `as_users_compile` always is
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import jax

jax.config.update("jax_num_cpu_devices", 8)
# one program after the other: of several in flight, devices that share few cores may each wait in
# another one for their peers; after 40 s XLA then ends the process
jax.config.update("jax_cpu_enable_async_dispatch", False)
jax.config.update("jax_numpy_rank_promotion", "raise")
# the same programs are compiled again and again, by functions made anew in every test
_CACHE = tempfile.TemporaryDirectory()
jax.config.update("jax_compilation_cache_dir", _CACHE.name)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)

from jaxtyping import install_import_hook

import tests.strict  # noqa: F401 (the hook finds it by its name)

install_import_hook("jaxemb", "tests.strict.check")

import numpy as np
import pytest

from jaxemb.structs import Vocab
from tests import quickly

_FEW = jax.config.read(quickly.FEW)
quickly.install()


@pytest.fixture(autouse=True, scope="module")
def programs_end_with_their_module():
    """Every compiled program maps memory, and a process may have 65,530 maps: then XLA crashes."""
    yield
    jax.clear_caches()
    gc.collect()


def pytest_collection_finish():
    """Garbage is collected where a module ends; looking for it took a twentieth of the time."""
    gc.collect()
    gc.freeze()  # what is imported stays
    gc.disable()


@pytest.fixture(autouse=True)
def compiled_as_asked(request):
    """With few optimizations, but for what is marked; processes that a test starts do the same."""
    few = _FEW and request.node.get_closest_marker("as_users_compile") is None
    if few != jax.config.read(quickly.FEW):
        jax.clear_caches()  # programs are not told apart by how they were compiled
        jax.config.update(quickly.FEW, few)
        os.environ[quickly.FEW.upper()] = str(int(few))


def pytest_addoption(parser):
    parser.addoption("--mutants", type=int, default=5000, help="broken files to read")
    parser.addoption("--flips", type=int, default=300, help="bits of a checkpoint to flip")
    parser.addoption("--kills", type=int, default=12, help="times to kill a training, in all")
    parser.addoption("--moments", type=int, default=2, help="times to lose one of two processes")
    parser.addoption("--whole", type=int, default=300, help="tables of whole numbers to rank")
    parser.addoption("--gigabyte", action="store_true", help="a line of 1 GB, not of 48 MB")


@pytest.fixture
def vocab() -> Vocab:
    """Twelve words with falling counts."""
    counts = np.array([90, 60, 40, 30, 22, 17, 13, 10, 8, 7, 6, 5], np.int64)
    return Vocab(tuple("abcdefghijkl"), counts)

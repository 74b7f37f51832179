"""Laws of how the suite compiles: only with options that this XLA and this JAX have."""

import sys
from types import SimpleNamespace

import pytest

from tests import quickly

UNKNOWN = "xla_no_option_of_any_version"


def _installed(monkeypatch) -> SimpleNamespace:
    """Install the options in a fake compiler in place of JAX's."""
    fake = SimpleNamespace(
        get_compile_options=lambda: SimpleNamespace(env_option_overrides=[("its", "own")])
    )
    monkeypatch.setitem(sys.modules, "jax._src", SimpleNamespace(compiler=fake))
    interpreters = SimpleNamespace(mlir=SimpleNamespace(make_ir_context=object))
    monkeypatch.setitem(sys.modules, "jax._src.interpreters", interpreters)
    assert quickly.install()
    return fake


def test_an_option_that_this_xla_does_not_have_is_set_nowhere(monkeypatch):
    known = quickly.options()
    monkeypatch.setattr(quickly, "OPTIONS", {**known, UNKNOWN: 1})
    assert quickly.options() == known
    assert UNKNOWN not in quickly.environment()["XLA_FLAGS"]
    compiler = _installed(monkeypatch)
    assert compiler.get_compile_options().env_option_overrides == [("its", "own"), *known.items()]
    context = sys.modules["jax._src.interpreters"].mlir.make_ir_context
    assert context() is context()


def test_flags_that_were_given_are_kept(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_one=1 --xla_two=2")
    flags = quickly.environment()["XLA_FLAGS"].split()
    assert flags[:2] == ["--xla_one=1", "--xla_two=2"]
    assert len(flags) == 2 + len(quickly.options())


@pytest.mark.as_users_compile
def test_laws_of_what_users_get_run_without_options(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_one=1")
    assert quickly.options() == {}
    assert quickly.environment()["XLA_FLAGS"] == "--xla_one=1"
    assert quickly.environment()[quickly.FEW.upper()] == "0"
    compiler = _installed(monkeypatch)
    assert compiler.get_compile_options().env_option_overrides == [("its", "own")]


@pytest.mark.parametrize(
    "internals", [None, SimpleNamespace(), SimpleNamespace(compiler=SimpleNamespace())]
)
def test_a_jax_without_this_place_is_used_as_it_is(monkeypatch, internals):
    monkeypatch.setitem(sys.modules, "jax._src", internals)
    assert not quickly.install()

"""Compiling programs that run once: few optimizations, and the simpler kind of loops.

Another XLA may not have these options, and another JAX may have no place to say them: then programs
are compiled without them, and the suite takes longer.
"""

import functools
import os
import subprocess
import sys
from typing import Any

import jax

FEW = "jax_disable_most_optimizations"
# of XLA: half the time, where nothing is asked of the program but its numbers
OPTIONS = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 2}
_ASK = "import jax; jax.jit(lambda x: x + 1).lower(1.0).compile(compiler_options={})"


def options() -> dict[str, Any]:
    """What this XLA accepts of `OPTIONS`; nothing where a law asks for what users get."""
    return _accepted(tuple(OPTIONS.items())) if jax.config.read(FEW) else {}


def environment() -> dict[str, str]:
    """Of processes that compile every program once for all of them, and for this one."""
    kept = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    return {
        **os.environ,
        "XLA_FLAGS": _flags(options()),
        "JAX_COMPILATION_CACHE_DIR": str(kept),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }


def install() -> bool:
    """Whether every program of this process will be compiled with `options`.

    Then they are lowered in one context, too: to make one takes as long as to fill it.
    """
    try:
        from jax._src import compiler  # has no public name for an option of every program
        from jax._src.interpreters import mlir

        made, context = compiler.get_compile_options, mlir.make_ir_context
    except (ImportError, AttributeError):
        return False

    @functools.wraps(made)
    def quickly(*arguments: Any, **settings: Any) -> Any:
        asked = made(*arguments, **settings)
        if more := options():
            asked.env_option_overrides = [*asked.env_option_overrides, *more.items()]
        return asked

    compiler.get_compile_options = quickly
    mlir.make_ir_context = functools.cache(context)
    return True


@functools.cache
def _accepted(wanted: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """Those that a process of its own survives: XLA aborts one that names an unknown flag."""
    if not wanted:
        return {}
    env = {**os.environ, "XLA_FLAGS": _flags(dict(wanted))}
    ask = [sys.executable, "-c", _ASK.format(dict(wanted))]
    if subprocess.run(ask, env=env, capture_output=True, check=False).returncode == 0:
        return dict(wanted)
    if len(wanted) == 1:
        return {}
    return {name: value for one in wanted for name, value in _accepted((one,)).items()}


def _flags(wanted: dict[str, Any]) -> str:
    given = os.environ.get("XLA_FLAGS", "").split()
    return " ".join([*given, *(f"--{name}={value}".lower() for name, value in wanted.items())])

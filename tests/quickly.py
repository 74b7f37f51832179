"""Fast compilation of programs that run once: few optimizations, and the simpler kind of loops.

Another XLA may lack these options, and another JAX the internal function that passes them: then
programs are compiled without them, and the suite takes longer.
"""

import functools
import os
import subprocess
import sys
from typing import Any

import jax

FEW = "jax_disable_most_optimizations"
# XLA options that halve the compile time, for programs whose speed does not matter
OPTIONS = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 2}
_ASK = "import jax; jax.jit(lambda x: x + 1).lower(1.0).compile(compiler_options={})"


def options() -> dict[str, Any]:
    """Return those of `OPTIONS` that this XLA accepts; none if programs are fully optimised."""
    return _accepted(tuple(OPTIONS.items())) if jax.config.read(FEW) else {}


def environment() -> dict[str, str]:
    """Return the environment of child processes, which share this process's cache of programs."""
    kept = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    return {
        **os.environ,
        "XLA_FLAGS": _flags(options()),
        "JAX_COMPILATION_CACHE_DIR": str(kept),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }


def install() -> bool:
    """Compile every program of this process with `options`; return whether this JAX allows it.

    If so, programs are also lowered in one MLIR context: making one takes as long as filling it.
    """
    try:
        from jax._src import compiler  # JAX has no public way to set options of every program
        from jax._src.interpreters import mlir

        original, context = compiler.get_compile_options, mlir.make_ir_context
    except (ImportError, AttributeError):
        return False

    @functools.wraps(original)
    def quickly(*arguments: Any, **settings: Any) -> Any:
        compile_options = original(*arguments, **settings)
        if more := options():
            compile_options.env_option_overrides = [
                *compile_options.env_option_overrides,
                *more.items(),
            ]
        return compile_options

    compiler.get_compile_options = quickly
    mlir.make_ir_context = functools.cache(context)
    return True


@functools.cache
def _accepted(wanted: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """Return the options that a child process survives: XLA aborts on an unknown flag."""
    if not wanted:
        return {}
    env = {**os.environ, "XLA_FLAGS": _flags(dict(wanted))}
    command = [sys.executable, "-c", _ASK.format(dict(wanted))]
    if subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0:
        return dict(wanted)
    if len(wanted) == 1:
        return {}
    return {name: value for one in wanted for name, value in _accepted((one,)).items()}


def _flags(wanted: dict[str, Any]) -> str:
    given = os.environ.get("XLA_FLAGS", "").split()
    return " ".join([*given, *(f"--{name}={value}".lower() for name, value in wanted.items())])

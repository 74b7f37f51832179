"""Compiling programs that run once: few optimizations, and the simpler kind of loops."""

import os
from typing import Any

# of XLA: half the time, where nothing is asked of the program but its numbers
OPTIONS = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 2}


def environment(cache: Any) -> dict[str, str]:
    """Of processes that compile every program once for all of them."""
    flags = [f"--{name}={value}".lower() for name, value in OPTIONS.items()]
    return {
        **os.environ,
        "XLA_FLAGS": " ".join([os.environ.get("XLA_FLAGS", ""), *flags]),
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }

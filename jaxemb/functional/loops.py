"""Loops whose number of turns the compiler knows."""

from collections.abc import Callable
from typing import Any

import jax


def turns(real: int, every: int) -> int | None:
    """The `count` of a chunk: None if it is whole, on an accelerator.

    Where XLA knows how often a loop turns, a GPU need not tell the host after every turn. It is
    another program than that of a part of a chunk, which a CPU need not compile.
    """
    return None if real == every and jax.default_backend() != "cpu" else real


def repeat(count: Any, every: int, step: Callable[[Any, Any], Any], carry: Any) -> Any:
    """`jax.lax.fori_loop` from 0 to `count`, or, where `turns` gave None, to `every`."""
    return jax.lax.fori_loop(0, every if count is None else count, step, carry)

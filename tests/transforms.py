"""Every law runs plain and under jit."""

import jax
import pytest

PLAIN_AND_JIT = pytest.mark.parametrize("transform", [lambda f: f, jax.jit], ids=["plain", "jit"])

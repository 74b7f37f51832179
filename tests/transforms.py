"""Parametrisation of laws that run plain and under jit."""

import jax
import pytest

PLAIN_AND_JIT = pytest.mark.parametrize("transform", [lambda f: f, jax.jit], ids=["plain", "jit"])

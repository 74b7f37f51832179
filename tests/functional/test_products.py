"""Products with derivatives of their own. Oracle: the plain product and JAX's derivatives of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.functional import products
from tests.transforms import PLAIN_AND_JIT

PAIRS = {
    "scores": (products.scores, lambda a, b: a @ b.T, (5, 3)),
    "sums": (products.sums, lambda a, b: a @ b, (4, 5)),
}


def _arguments(right):
    keys = jax.random.split(jax.random.key(0), 4)
    left = (2, right[1] if right == (5, 3) else right[0])
    return [jax.random.normal(k, shape) for k, shape in zip(keys, (left, right) * 2, strict=True)]


@PLAIN_AND_JIT
@pytest.mark.parametrize("name", PAIRS)
def test_value_and_derivatives_are_those_of_the_plain_product(name, transform):
    ours, plain, right = PAIRS[name]
    a, b, da, db = _arguments(right)

    def cost(product):
        return lambda a, b: jnp.sum(jnp.sin(product(a, b)))

    np.testing.assert_array_equal(transform(ours)(a, b), plain(a, b))
    for way in (
        lambda f: jax.grad(cost(f), (0, 1))(a, b),
        lambda f: jax.jvp(f, (a, b), (da, db)),
        lambda f: jax.hessian(cost(f), (0, 1))(a, b),
        lambda f: jax.vmap(f)(jnp.stack([a, da]), jnp.stack([b, db])),
    ):
        found, wanted = (
            jax.tree.leaves(transform(lambda f=f, way=way: way(f))()) for f in (ours, plain)
        )
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)  # float32, other order

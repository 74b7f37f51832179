"""Products with derivatives of their own. Oracle: the plain product and JAX's derivatives of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.functional import products

PAIRS = {
    "scores": (products.scores, lambda a, b: a @ b.T, (5, 3)),
    "sums": (products.sums, lambda a, b: a @ b, (4, 5)),
}


def _arguments(right):
    random = np.random.default_rng(0)
    left = (2, right[1] if right == (5, 3) else right[0])
    return [jnp.asarray(random.normal(size=shape), jnp.float32) for shape in (left, right) * 2]


@pytest.mark.parametrize("name", PAIRS)
def test_value_and_derivatives_are_those_of_the_plain_product(name):
    ours, plain, right = PAIRS[name]
    a, b, da, db = _arguments(right)

    def cost(product):
        return lambda a, b: jnp.sum(jnp.sin(product(a, b)))

    def every_way(f):
        return (
            jax.grad(cost(f), (0, 1))(a, b),
            jax.jvp(f, (a, b), (da, db)),
            jax.hessian(cost(f), (0, 1))(a, b),
            jax.vmap(f)(jnp.stack([a, da]), jnp.stack([b, db])),
        )

    for product in (ours, jax.jit(ours)):
        np.testing.assert_array_equal(product(a, b), plain(a, b))
    actual, wanted = (
        jax.tree.leaves(jax.jit(every_way, static_argnums=0)(f)) for f in (ours, plain)
    )
    for one, other in zip(actual, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)  # float32, other order

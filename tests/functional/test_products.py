"""Products with derivatives of their own. Oracle: the plain product and JAX's derivatives of it."""

import functools

import jax
import jax.numpy as jnp
import ml_dtypes
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


PRODUCTS = {
    "matmul": (products.matmul, lambda a, b: a @ b),
    "einsum": (
        functools.partial(products.einsum, "td,do->to"),
        lambda a, b: np.einsum("td,do->to", a, b),
    ),
    "dot_general": (
        lambda a, b, precision=None: products.dot_general(
            a, b, (((1,), (0,)), ((), ())), precision
        ),
        lambda a, b: a @ b,
    ),
}


@pytest.mark.parametrize("how", [lambda f: f, jax.jit], ids=["plain", "jit"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_factors_are_rounded_to_bfloat16_and_summed_in_float32_where_it_is_stated(name, how):
    ours, oracle = PRODUCTS[name]
    random = np.random.default_rng(0)
    a, b = (random.normal(size=shape).astype(np.float32) for shape in ((7, 300), (300, 5)))
    short = (x.astype(ml_dtypes.bfloat16).astype(np.float64) for x in (a, b))
    rounded, exact = oracle(*short), oracle(a.astype(np.float64), b.astype(np.float64))
    assert np.abs(rounded - exact).max() > 1e-3
    with jax.default_matmul_precision("bfloat16"):
        of_context = how(lambda a, b: ours(a, b))(a, b)
    argued = how(lambda a, b: ours(a, b, precision="bfloat16"))(a, b)
    for got, wanted in ((of_context, rounded), (argued, rounded), (how(ours)(a, b), exact)):
        assert got.dtype == jnp.float32
        # 300 sums of products of about 1: 300 half ulps of 2^-23 x 30 at most
        np.testing.assert_allclose(got, wanted, atol=1e-4)


@pytest.mark.parametrize("name", PRODUCTS)
def test_derivatives_of_bfloat16_products_are_bfloat16_products_summed_in_float32(name):
    ours = PRODUCTS[name][0]
    random = np.random.default_rng(1)
    a, b, c = (
        random.normal(size=shape).astype(np.float32) for shape in ((7, 300), (300, 5), (7, 5))
    )
    short = {x.shape: x.astype(ml_dtypes.bfloat16).astype(np.float64) for x in (a, b, c)}
    got = jax.jit(jax.grad(lambda a, b: jnp.sum(ours(a, b, precision="bfloat16") * c), (0, 1)))(
        a, b
    )
    for gradient, wanted in zip(
        got, (short[7, 5] @ short[300, 5].T, short[7, 300].T @ short[7, 5]), strict=True
    ):
        np.testing.assert_allclose(gradient, wanted, atol=1e-5)  # 7 products of about 3
        assert np.any(gradient != gradient.astype(ml_dtypes.bfloat16).astype(np.float32))

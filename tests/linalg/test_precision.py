"""Every product of linalg has full precision: read from the jaxpr, as a CPU has no other."""

import jax
import jax.numpy as jnp
import pytest
from jax.lax import Precision

from jaxemb import linalg
from jaxemb.linalg import operators

TABLE = jnp.ones((40, 4))
SQUARE = jnp.eye(4)
KEY = jax.random.key(0)
FUNCTIONS = {
    "spectrum by sketch": lambda t: linalg.spectrum(t, method=linalg.sketch).values,
    "spectrum by qr": lambda t: linalg.spectrum(t, center=True, method=linalg.qr).values,
    "certify": lambda t: linalg.certify(t).above,
    "orthogonality": lambda t: linalg.orthogonality(t).largest,
    "orthogonality of rows": lambda t: linalg.orthogonality(t, rows=True).largest,
    "coherence": lambda t: linalg.coherence(t).largest,
    "dependence": lambda t: linalg.dependence(t).residual,
    "gram": linalg.gram,
    "participation_ratio": linalg.participation_ratio,
    "isoscore": linalg.isoscore,
    "partition_isotropy": linalg.partition_isotropy,
    "all_but_the_top": lambda t: linalg.all_but_the_top(t, 1),
    "whiten": linalg.whiten,
    "procrustes": lambda t: linalg.procrustes(t, t).residual,
    "cka": lambda t: linalg.cka(t, t),
    "biased cka": lambda t: linalg.cka(t, t, unbiased=False),
    "pip_distance": lambda t: linalg.pip_distance(t, t),
    "reject": lambda t: linalg.reject(t, SQUARE),
    "project": lambda t: linalg.project(t, SQUARE),
    "membership": lambda t: linalg.membership(t[0], SQUARE).residual,
    "principal_angles": lambda t: linalg.principal_angles(t[:4], SQUARE),
    "truncated_svd": lambda t: linalg.truncated_svd(operators.dense(t), 2).s,
    "singular_bounds": lambda t: (
        linalg.singular_bounds(
            operators.dense(t), linalg.truncated_svd(operators.dense(t), 2)
        ).upper
    ),
    "axes": lambda t: linalg.axes(t, rotations=1).kurtosis,
}
# functions without a product, or without one of a table
WITHOUT = {
    "one_hot",
    "rank",
    "basis",
    "condition",
    "effective_rank",
    "stable_rank",
    "center",
    "mean_cosine",
}
WITHOUT |= {
    "explained_variance",
    "simplex",
    "tight_frame",
    "planted",
    "random_orthogonal",
    "unit_rows",
}
ON_THE_HOST = {"gram64", "summary"}


def _products(jaxpr):
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            yield equation
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns")
        ):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from _products(inner)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_product_has_full_precision(name):
    products = list(_products(jax.make_jaxpr(FUNCTIONS[name])(TABLE).jaxpr))
    assert products
    full = (Precision.HIGHEST, Precision.HIGHEST)
    assert all(equation.params["precision"] == full for equation in products)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_product_of_sizes_leaves_the_integers_of_a_device(name):
    """Of three million rows, the square of which is beyond int32; only traced, never run."""
    jax.eval_shape(FUNCTIONS[name], jax.ShapeDtypeStruct((3_000_000, 4), jnp.float32))


def test_every_public_function_is_on_a_list_above():
    listed = {name.split()[0] for name in FUNCTIONS} | WITHOUT | ON_THE_HOST
    listed |= {"spectrum", "cka", "qr", "sketch"}
    public = {name for name in linalg.__all__ if name[0].islower()}
    assert {name for name in public if not name.startswith("assert_")} == listed - {"biased"}

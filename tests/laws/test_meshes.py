"""Functions of a table on several devices give the numbers of one device, however it is sharded.

Both kinds of mesh axes: Explicit, which `jax.make_mesh` makes, and Auto. Oracle: the same function
of the same table on one device.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

from jaxemb import linalg, nearest, similarity
from jaxemb.evaluation import analogies, policies
from jaxemb.evaluation.datasets import Questions
from jaxemb.linalg import operators
from jaxemb.structs import Vocab
from tests import covering
from tests.linalg.tables import planted

ROWS, DIM = 24, 8
TABLE = planted(0, ROWS, np.geomspace(3, 0.5, DIM)).astype(np.float32)
OTHER = planted(1, ROWS, np.geomspace(3, 0.5, DIM)).astype(np.float32)
BASIS = np.linalg.qr(planted(2, DIM, [1.0, 1.0, 1.0]))[0].astype(np.float32)
NEAR, FAR = jnp.asarray(OTHER[:2]), jnp.asarray(OTHER[2:3])
VOCAB = Vocab(tuple(f"w{i}" for i in range(ROWS)), np.arange(ROWS, 0, -1))
QUESTIONS = Questions("test", (("w1", "w2", "w3", "w4"), ("w5", "w1", "w9", "w0")), ("a", "a"))

AT_ONCE = {
    name: getattr(linalg, name)
    for name in (
        *("rank", "certify", "condition", "stable_rank", "effective_rank", "explained_variance"),
        *("participation_ratio", "isoscore", "gram", "mean_cosine", "partition_isotropy"),
        *("center", "unit_rows", "whiten", "orthogonality", "coherence"),
    )
}
LINALG = AT_ONCE | {
    "spectrum": lambda t: _without_signs(linalg.spectrum(t)),
    "spectrum by qr": lambda t: _without_signs(linalg.spectrum(t, method=linalg.qr, center=True)),
    "basis": lambda t: _without_signs(linalg.basis(t, 2)),
    "dependence": lambda t: linalg.dependence(t)[1:],
    "orthogonality of rows": lambda t: linalg.orthogonality(t, rows=True),
    "all_but_the_top": lambda t: linalg.all_but_the_top(t, 2),
    "procrustes": lambda t: linalg.procrustes(t, OTHER),
    "procrustes of two": lambda t: linalg.procrustes(t, t * t),
    "cka": lambda t: linalg.cka(t, t * t),
    "cka biased": lambda t: linalg.cka(OTHER, t, unbiased=False),
    "pip_distance": lambda t: linalg.pip_distance(t, 2 * t),
    "axes": lambda t: linalg.axes(t, rotations=2),
    "reject": lambda t: linalg.reject(t, BASIS),
    "project": lambda t: linalg.project(t, BASIS),
    "membership": lambda t: linalg.membership(jax.jit(lambda t: jnp.sum(t, axis=0))(t), BASIS),
    "principal_angles": lambda t: linalg.principal_angles(linalg.unit_rows(t.T).T, OTHER),
    "one_hot": lambda t: linalg.one_hot(jnp.round(abs(jnp.sum(t, axis=1))).astype(int), DIM),
    "truncated_svd": lambda t: linalg.truncated_svd(operators.dense(t), 2).s,
    "singular_bounds": lambda t: (
        linalg.singular_bounds(
            operators.dense(t), linalg.truncated_svd(operators.dense(t), 2)
        ).lower
    ),
    "summary": lambda t: linalg.summary(t, rotations=1).rank,
}
SIMILARITY = {
    "normalize": similarity.normalize,
    "lengths": similarity.lengths,
    "cosine": lambda t: similarity.cosine(t, t),
    "cosine_to_rows": lambda t: similarity.cosine_to_rows(t, t),
    "euclidean": lambda t: similarity.euclidean(t, t),
    "cos_add": lambda t: similarity.cos_add(NEAR, FAR, t),
    "cos_mul": lambda t: similarity.cos_mul(NEAR, FAR, t),
    "closeness": lambda t: similarity.closeness(NEAR, FAR, t),
    "largest": lambda t: similarity.largest(t, 2),
    "nearest": lambda t: tuple(zip(*nearest(VOCAB, t, "w3"), strict=True)),
    "analogies": lambda t: analogies.answer_all(VOCAB, t, QUESTIONS, policies.GENSIM).right,
    "mean of unknown words": lambda t: policies.mean(["x", "y"], t),
}
EVERY = LINALG | SIMILARITY
SOME = ("rank", "whiten", "coherence", "cka", "all_but_the_top", "cosine", "nearest")
PLACES = {
    "rows": ((4,), P("d")),
    "columns": ((4,), P(None, "d")),
    "whole": ((4,), P()),
    "both": ((2, 4), P("d", "e")),
    "rows of two axes": ((2, 4), P(("d", "e"))),
}


def _without_signs(result):
    """A basis is determined up to the sign of each vector."""
    return jax.tree.map(abs, result)


def _placed(place: str, kind: AxisType):
    shape, spec = PLACES[place]
    mesh = jax.make_mesh(shape, ("d", "e")[: len(shape)], axis_types=(kind,) * len(shape))
    return jax.device_put(TABLE, NamedSharding(mesh, spec))


@functools.cache
def _on_one_device(name: str):
    numpys = name in ("summary", "nearest", "analogies", "mean of unknown words")
    return (lambda f: f if numpys else jax.jit(f))(EVERY[name])(jnp.asarray(TABLE))


def _same(actual, expected):
    """Numbers by 100 eps of the largest: sums of 24 in another order, and condition 6."""
    actual, expected = jax.tree.leaves(actual), jax.tree.leaves(expected)
    assert len(actual) == len(expected)
    for mine, theirs in zip(actual, expected, strict=True):
        if isinstance(theirs, str) or not np.issubdtype(np.asarray(theirs).dtype, np.floating):
            np.testing.assert_array_equal(mine, theirs)
            continue
        size = np.max(np.abs(theirs), initial=np.finfo(np.float32).tiny)
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=100 * 2**-23 * size)


@pytest.mark.parametrize("place", ["rows", "both"])
@pytest.mark.parametrize("name", covering.every(3, EVERY))
def test_on_explicit_axes_it_has_the_same_numbers(name, place):
    _same(EVERY[name](_placed(place, AxisType.Explicit)), _on_one_device(name))


@pytest.mark.parametrize("place", [place for place in PLACES if place not in ("rows", "both")])
@pytest.mark.parametrize("name", covering.first(4, SOME))
def test_however_explicit_axes_cut_a_table_it_has_the_same_numbers(name, place):
    _same(EVERY[name](_placed(place, AxisType.Explicit)), _on_one_device(name))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", covering.first(5, SOME))
def test_on_auto_axes_it_has_the_same_numbers(name, place):
    _same(EVERY[name](_placed(place, AxisType.Auto)), _on_one_device(name))


@pytest.mark.parametrize(
    "name", covering.first(2, ["rank", "cosine", "effective_rank", "cka", "all_but_the_top"])
)
def test_on_explicit_axes_it_has_them_under_jit_and_within_a_mesh_too(name):
    table = _placed("rows", AxisType.Explicit)
    _same(jax.jit(EVERY[name])(table), _on_one_device(name))
    with jax.set_mesh(table.sharding.mesh):
        _same(EVERY[name](table), _on_one_device(name))


def test_a_gradient_lies_where_its_table_does():
    table = _placed("rows", AxisType.Explicit)
    gradient = jax.jit(jax.grad(linalg.effective_rank))
    assert gradient(table).sharding.is_equivalent_to(table.sharding, 2)
    _same(gradient(table), gradient(jnp.asarray(TABLE)))


def test_what_has_a_row_for_each_row_stays_cut_and_no_other_result_does():
    table = _placed("rows", AxisType.Explicit)
    for rows in (linalg.center(table), linalg.center(table) - table, linalg.whiten(table)):
        assert rows.sharding.is_equivalent_to(table.sharding, 2)
    assert linalg.gram(table).sharding.is_fully_replicated


def test_every_public_function_of_tables_is_on_the_list():
    public = {name for name in linalg.__all__ if name.islower() and not name.startswith("assert_")}
    makers = {"planted", "random_orthogonal", "simplex", "tight_frame", "gram64", "qr", "sketch"}
    assert {name.split()[0] for name in LINALG} == public - makers

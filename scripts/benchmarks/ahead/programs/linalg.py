"""Programs of the linear algebra of a table, as users put them under `jax.jit`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import checkify

from benchmarks.ahead.programs.calls import KEY, Call, Place, Program, float32, int32, jitted
from jaxemb import linalg
from jaxemb.linalg import operators

ROWS, DIM = 100_000, 128


def _of(function: Callable, dim: int = DIM, rows: int = ROWS, tables: int = 1) -> Any:
    """A function of tables [rows, dim]."""

    def call(place: Place) -> Call:
        height = place.size(rows, min(rows, 300))
        table = float32(height, dim)
        return jitted(function, *[table] * tables, table=(height, dim))

    return call


def _with(function: Callable, *arguments: Any) -> Any:
    """A function of other arguments, whatever the size of tables."""
    return lambda place: jitted(function, *arguments)


def _normal(key: Any, rows: int) -> Any:
    return jax.random.normal(key, (rows, 32), jnp.float32)


def _cells(function: Callable, cells: int = 1_000_000, side: int = 50_000) -> Any:
    """A function of a sparse matrix [side, side], given as an operator, and of a key."""

    def call(place: Place) -> Call:
        count, size = place.size(cells, 1_000), place.size(side, 200)

        def run(rows, columns, values, key):
            return function(operators.sparse(rows, columns, values, (size, size)), key)

        return jitted(run, int32(count), int32(count), float32(count), KEY)

    return call


def _asserted(table):
    return checkify.checkify(linalg.assert_full_column_rank)(table)[0]


def _bounds(of, key):
    return linalg.singular_bounds(of, linalg.truncated_svd(of, 32, key=key))


ON_DEVICE, TRUNCATED = "linalg.spectra._on_device", "linalg.truncated._on_device"
PROGRAMS = {
    "spectrum 100": Program(_of(linalg.spectrum, 100), ON_DEVICE),
    "spectrum 128": Program(_of(linalg.spectrum), ON_DEVICE),
    "spectrum 300": Program(_of(linalg.spectrum, 300), ON_DEVICE),
    "spectrum by qr": Program(_of(lambda t: linalg.spectrum(t, method=linalg.qr)), ON_DEVICE),
    "spectra of 4 tables": Program(
        lambda place: jitted(jax.vmap(linalg.spectrum), float32(4, place.size(10_000, 300), 100)),
        ON_DEVICE,
    ),
    "rank": Program(_of(linalg.rank), ON_DEVICE),
    "certify": Program(_of(linalg.certify, 64, 20_000), ON_DEVICE),
    "basis of 10": Program(_of(lambda t: linalg.basis(t, 10)), ON_DEVICE),
    "condition, stable, effective rank, IsoScore": Program(
        _of(
            lambda t: (
                linalg.condition(t),
                linalg.stable_rank(t),
                linalg.effective_rank(t),
                linalg.isoscore(t),
                linalg.explained_variance(t),
            )
        ),
        ON_DEVICE,
    ),
    "gram, mean cosine, unit rows": Program(
        _of(lambda t: (linalg.gram(t), linalg.mean_cosine(t), linalg.unit_rows(t))), ""
    ),
    "participation ratio": Program(_of(linalg.participation_ratio), ""),
    "its gradient": Program(_of(jax.grad(linalg.participation_ratio)), ""),
    "partition isotropy": Program(_of(linalg.partition_isotropy), ON_DEVICE),
    "orthogonality": Program(_of(linalg.orthogonality, rows=4_096), ""),
    "coherence": Program(_of(linalg.coherence, rows=4_096), "linalg.angles._coherence"),
    "axes": Program(_of(lambda t: linalg.axes(t, rotations=8)), "linalg.directions._measured"),
    "Procrustes": Program(_of(linalg.procrustes, tables=2), ""),
    "CKA": Program(_of(linalg.cka, tables=2), ""),
    "PIP": Program(_of(linalg.pip_distance, tables=2), ""),
    "whiten": Program(_of(linalg.whiten), ON_DEVICE),
    "all but the top": Program(_of(lambda t: linalg.all_but_the_top(t, 3)), ON_DEVICE),
    "random orthogonal": Program(_with(lambda k: linalg.random_orthogonal(k, DIM), KEY), ""),
    "dependence of 129 rows": Program(_of(linalg.dependence, rows=129), ON_DEVICE),
    "membership": Program(_with(linalg.membership, float32(DIM), float32(DIM, 10)), ""),
    "principal angles": Program(
        _with(linalg.principal_angles, float32(DIM, 10), float32(DIM, 8)), ""
    ),
    "project and reject": Program(
        _with(
            lambda v, b: (linalg.project(v, b), linalg.reject(v, b)),
            float32(1_000, DIM),
            float32(DIM, 10),
        ),
        "",
    ),
    "truncated SVD of cells": Program(
        _cells(lambda of, key: linalg.truncated_svd(of, 32, key=key)), TRUNCATED
    ),
    "product with cells": Program(
        _cells(
            lambda of, key: of.times(
                of.matrix, jax.random.normal(key, (of.shape[1], 32), jnp.float32)
            )
        ),
        "linalg.operators._by_segments",
    ),
    "bounds of singular values": Program(_cells(_bounds, 100_000), "linalg.bounds._on_device"),
    "assertions": Program(_of(_asserted, 32, 4_096), ON_DEVICE),
}
PROGRAMS = {f"linalg/{name}": program for name, program in PROGRAMS.items()}

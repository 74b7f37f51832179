"""Programs over four devices: training with divided batches and tables, spectra, measures."""

import functools
from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec as P

from benchmarks.ahead.programs import static
from benchmarks.ahead.programs.calls import KEY, Call, Place, Program, at, float32, int32, lies
from jaxemb.linalg import reductions, spectra
from jaxemb.static import hierarchical, objectives, subwords
from jaxemb.structs import InOut
from jaxemb.training import learners, loop, mesh as sharding, sharded

STEP = "training.sharded.steps"


def trained(
    build: Callable[..., Any],
    data: int,
    model: int,
    *,
    dim: int = 128,
    tokens: int = 512,
    words: int = static.ROWS,
    settings: dict[str, Any] | None = None,
    by_dim: bool = False,
    exact: bool = False,
    **how: Any,
) -> Callable[[Place], Call]:
    """A chunk of training steps over a mesh."""

    def call(place: Place) -> Call:
        objective = build(**settings or {})
        on = sharded.Sharded(place.mesh(data, model), by_dim, exact)
        sizes = {"dim": dim, "tokens": tokens, "words": words, "learner": learners.row_sparse}
        plan, resources, rows, texts = static.planned(place, objective, **sizes, how=how)
        where = sharded.placement(on)
        padded = functools.partial(sharding._padded, where.multiple)
        state = jax.eval_shape(lambda: jax.tree.map(padded, loop.start(plan, rows)))
        cut = NamedSharding(on.mesh, P(None, on.of_batch))
        everywhere = NamedSharding(on.mesh, P())
        rest = (int32(), float32(texts.shape[0]), resources)
        first, rates, resources = at(rest, everywhere)
        state = jax.tree.map(lies, state, sharding.lies(where, state))
        rows_here = state.tables.input.shape[0] // (1 if by_dim else model)
        return Call(
            sharded.steps(on, plan),
            (state, first, None, lies(texts, cut), rates, resources, None),
            table=(rows_here, dim // (model if by_dim else 1)),
            tokens=plan.batch * objective.reads.block_length,
        )

    return call


_FLOAT32 = float32().dtype
_SKETCH = (
    reductions.sketch.device,
    spectra.rounded(_FLOAT32, None, _FLOAT32, reductions.sketch.unit),
    False,
)


def spectrum(place: Place) -> Call:
    """A table cut by rows, of which each device reduces its own."""
    mesh = place.mesh(4, 1)
    run = spectra.over_mesh(mesh, ("data",), _SKETCH)
    table = float32(place.size(static.ROWS, 512), 128)
    arguments = (
        lies(table, NamedSharding(mesh, P("data"))),
        lies(KEY, NamedSharding(mesh, P())),
    )
    return Call(run, arguments)


def measures(place: Place) -> Call:
    """What is measured of tables cut by rows, given the input table's spectrum."""
    mesh = place.mesh(2, 2)
    table = float32(place.size(static.ROWS, 512) // 64 * 64, 100)
    of = jax.eval_shape(lambda t, key: spectra._on_device(t, key, _SKETCH), table, KEY)
    whole = at(InOut(table, table), NamedSharding(mesh, P("model")))
    arguments = (at(of, NamedSharding(mesh, P())), whole, table.shape[0])
    return Call(sharded._of_spectrum, arguments)


TRAINED = {
    "skip-gram, data=4": trained(static.SKIPGRAM, 4, 1),
    "skip-gram, data=2,model=2 by rows": trained(static.SKIPGRAM, 2, 2),
    "skip-gram, data=2,model=2 by dim": trained(static.SKIPGRAM, 2, 2, dim=256, by_dim=True),
    "skip-gram, model=4 by dim": trained(static.SKIPGRAM, 1, 4, dim=512, by_dim=True),
    "skip-gram, model=4 by rows": trained(static.SKIPGRAM, 1, 4),
    "skip-gram, data=4, exact": trained(static.SKIPGRAM, 4, 1, exact=True),
    "skip-gram, data=2,model=2, advised": trained(static.SKIPGRAM, 2, 2, **static.ADVISED),
    "skip-gram 100, data=2,model=2 by rows": trained(static.SKIPGRAM, 2, 2, dim=100),
    "CBOW, data=2,model=2 by rows": trained(objectives.cbow, 2, 2),
    "skip-gram, hierarchical softmax, data=4": trained(
        hierarchical.skipgram_hs, 4, 1, words=20_000, cap=0.25
    ),
    "skip-gram, subwords, data=4": trained(subwords.subword_skipgram, 4, 1, **static.NGRAMS),
}
PROGRAMS = {f"mesh/{name}": Program(build, STEP) for name, build in TRAINED.items()}
PROGRAMS |= {
    "mesh/spectrum, data=4": Program(spectrum, "linalg.spectra.over_mesh"),
    "mesh/measures, data=2,model=2": Program(measures, "training.sharded._of_spectrum"),
}

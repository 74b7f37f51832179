"""Training on several devices. Oracles: one device; arithmetic for traffic; equal bits."""

import functools
import types
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import train
from jax.sharding import PartitionSpec as P
from safetensors.numpy import load_file

from jaxemb import linalg
from jaxemb.contextual import training as contextual_training
from jaxemb.errors import InputError
from jaxemb.evaluation import search
from jaxemb.functional import similarity
from jaxemb.lab import progress
from jaxemb.lab.durable import layouts
from jaxemb.lab.studies.planning import collectives
from jaxemb.static import hierarchical, objectives, softmaxes, subwords
from jaxemb.structs import InOut, Vocab
from jaxemb.training import learners, loop, mesh as sharding, mesh_sizes, monitor, sharded
from jaxemb.training.sharded import Sharded
from tests import covering
from tests.scripts.test_train import _interrupt_after, no_pictures, place, run  # noqa: F401 (fixtures)
from tests.scripts.test_train_contextual import _plan as _language_model, _text as _streams

WORDS, DIM, BATCH, STEPS = 1003, 16, 8, 100
SMALL = {"window": 2, "negatives": 2, "block_length": 4, "shared_negatives": 4}
HS = {"window": 2, "block_length": 4}
OBJECTIVES = {
    "skipgram": objectives.skipgram(**SMALL),
    "cbow": objectives.cbow(**SMALL),
    "nce": softmaxes.skipgram_nce(**SMALL),
    "hs": hierarchical.skipgram_hs(**HS, budget=24),
    "subwords": subwords.subword_skipgram(**SMALL, buckets=300),
}
LEARNERS = {
    "sgd": functools.partial(learners.row_sparse),
    "adagrad": functools.partial(learners.row_sparse, optimizer=learners.adagrad, cap=0.5),
    "bfloat16": functools.partial(learners.row_sparse, table_dtype="bfloat16"),
}
CASES = [
    ("skipgram", "sgd", "model=4", "rows"),
    ("skipgram", "sgd", "data=2,model=2", "dim"),
    ("subwords", "adagrad", "model=2", "rows"),
    ("cbow", "adagrad", "data=4", "rows"),
    ("hs", "adagrad", "data=2,model=2", "rows"),
]
BY_BATCH = CASES[3]
EVERY = pytest.mark.parametrize("case", covering.first(3, CASES), ids=map(" ".join, CASES))


@functools.cache
def _text():
    counts = np.maximum(1e4 / np.arange(1, WORDS + 1), 5).astype(np.int64)
    ids = np.random.default_rng(0).choice(WORDS, 12_000, p=counts / counts.sum())
    ids[::17] = -1
    return Vocab(tuple(f"w{i:04d}" for i in range(WORDS)), counts), ids.astype(np.int32)


@functools.cache
def _prepared(objective: str):
    return OBJECTIVES[objective].prepare(_text()[0])


def _plan(objective: str, learner: str) -> loop.Plan:
    built = OBJECTIVES[objective]
    rule = LEARNERS[learner](built)
    return loop.Plan(jax.random.key(0), built, rule, DIM, 1, 0.1, BATCH, 25)


def _run(plan, program, state, objective: str, cursor=loop.Cursor(), stop=STEPS):  # noqa: B008
    resources, _ = _prepared(objective)
    cost = plan.objective.cost(resources)
    split = loop.split_of(plan.key, _text()[1], np.ones(WORDS), cost=cost)
    quiet = program._replace(first_loss=lambda *_: jnp.float32(0))  # one program less to compile
    for event in loop.events(plan, state, resources, split, cursor, quiet):
        state, cursor = event.state, event.cursor
        if cursor.step == stop:
            return state, cursor
    raise AssertionError("the text is too short")


@functools.cache
def _on_one(objective: str, learner: str):
    plan = _plan(objective, learner)
    state = loop.start(plan, _prepared(objective)[1])
    return jax.device_get(_run(plan, loop.one(plan), state, objective)[0])


class Many(NamedTuple):
    """A training run over a mesh, and the collectives of its compiled step."""

    started: Any
    state: Any  # after all steps; still on the mesh, and padded
    moved: list[collectives.Collective]  # of a step
    again: Any  # (state) -> state: one more step


@functools.cache
def _on_many(objective: str, learner: str, mesh: str, cut: str) -> Many:
    plan, on = _plan(objective, learner), Sharded(sharding.parse(mesh), cut == "dim")
    resources, rows = _prepared(objective)
    begin = functools.partial(sharding.begin, sharded.placement(on))
    state = begin(lambda: loop.start(plan, rows))
    started, reads = jax.device_get(state), plan.objective.reads
    texts = np.full((plan.chunk, BATCH, reads.block_length + 2 * reads.halo), -1, np.int32)

    def put(texts):
        return sharding.divided(on.mesh, texts, None, on.of_batch)

    rates, run = np.zeros(plan.chunk, np.float32), sharded.steps(on, plan)
    compiled = run.lower(state, 0, 1, put(texts), rates, resources, None).compile()

    def chunk(state, step, count, texts, rates, resources):
        return compiled(state, step, count, put(texts), rates, resources, None)

    def again(state):
        words = np.full_like(texts, 2)
        words[:, 0] = 1  # a block of the first device
        return chunk(state, 0, 1, words, rates + np.float32(0.1), resources)

    program = loop.one(plan)._replace(chunk=chunk)
    state = _run(plan, program, state, objective)[0]
    return Many(started, state, collectives.of(compiled), again)


@EVERY
def test_a_mesh_changes_a_table_by_rounding_alone(case):
    one, many = _on_one(*case[:2]), _on_many(*case)
    largest = max(np.linalg.norm(table, axis=1).max() for table in one.tables)
    for ours, theirs, start in zip(many.state.tables, one.tables, many.started.tables, strict=True):
        ours = np.asarray(ours)
        np.testing.assert_allclose(ours[: len(theirs)], theirs, rtol=0, atol=1e-5 * largest)
        assert np.abs(ours - start).max() > 1e-3 * largest  # or nothing was learned


@EVERY
def test_tables_are_padded_with_zeros_to_a_multiple_that_no_mesh_decides(case):
    many = _on_many(*case)
    random = loop.start(_plan(*case[:2]), _prepared(case[0])[1]).tables
    for i, rows in enumerate(_prepared(case[0])[1]):
        for state in (many.started, many.state):
            assert len(state.tables[i]) == -(-rows // 64) * 64
            np.testing.assert_array_equal(state.tables[i][rows:], 0.0)
        np.testing.assert_allclose(many.started.tables[i][:rows], random[i], rtol=1e-6)


@EVERY
def test_no_table_travels(case):
    (rows, _), moved = _prepared(case[0])[1], _on_many(*case).moved
    part = rows * DIM * 4 // sharding.parse(case[2]).shape["model"]
    assert 0 < max(op.bytes for op in moved) < part / 2


def test_what_travels_is_row_gradients_rows_and_scores_and_nothing_else():
    rows, scores = 4 + (4 + 2 * 2 + 4), 4 * (4 + 2 * 2 + 4)  # of a block: centers, text and noise
    ids, vectors = BATCH * rows * 4, BATCH * rows * DIM * 4  # bytes of the whole batch
    expected = {
        CASES[0]: ids + vectors + vectors,  # of all blocks: gradients, and rows
        CASES[1]: (ids + vectors / 2) + BATCH / 2 * scores * 4,  # half of each vector
    }
    for case, wanted in expected.items():
        moved = sum(op.bytes for op in _on_many(*case).moved)
        assert wanted <= moved < wanted + 64  # and whether all numbers are finite
    assert sum(op.bytes for op in _on_many(*BY_BATCH).moved) < ids + vectors + 64


@EVERY
def test_a_number_that_is_not_finite_on_one_device_is_refused_by_all(case):
    many = _on_many(*case)
    broken = jax.tree.map(lambda leaf: leaf.copy(), many.state)
    bad = broken.tables.input.at[1, 3].set(jnp.nan)
    broken = broken._replace(tables=broken.tables._replace(input=bad))
    before = jax.device_get(broken)
    after = many.again(broken)
    refused = [int(shard.data) for shard in after.refused.in_a_row.addressable_shards]
    assert refused == [1] * sharding.parse(case[2]).size
    jax.tree.map(np.testing.assert_array_equal, before.tables, jax.device_get(after.tables))


@functools.cache
def _exactly(objective: str, mesh: str):
    plan, on = _plan(objective, "sgd"), Sharded(sharding.parse(mesh), exact=True)
    return sharded.placement(on), plan, sharded.program(on, plan)


def _elastic(objective: str, meshes):
    """Train 25 steps on each mesh in turn; the state moves from mesh to mesh through the host."""
    rows, cursor = _prepared(objective)[1], loop.Cursor()
    start = functools.partial(loop.start, _plan(objective, "sgd"), rows)
    like, kept = jax.eval_shape(start), None
    for mesh in meshes:
        where, plan, program = _exactly(objective, mesh)
        state = sharding.begin(where, start) if kept is None else sharding.place(where, kept)
        state, cursor = _run(plan, program, state, objective, cursor, cursor.step + 25)
        kept = sharding.whole(state, like)
    return kept


@pytest.mark.as_users_compile(always=False)
@pytest.mark.parametrize(
    ("objective", "meshes"),
    [
        ("skipgram", ["data=2,model=2", "data=1"]),
        pytest.param(
            "skipgram", ["data=1", "data=2", "data=8", "data=1"], marks=pytest.mark.thorough
        ),
        pytest.param("cbow", ["data=2", "data=4", "data=1"], marks=pytest.mark.thorough),
    ],
)
def test_exact_elastic_training_has_the_same_bits_whatever_devices_come_and_go(objective, meshes):
    changed, one = _elastic(objective, meshes), _elastic(objective, ["data=1"] * len(meshes))
    jax.tree.map(np.testing.assert_array_equal, changed, one)


def test_a_state_is_cut_by_rows_over_all_devices_in_their_order():
    """So that each process can save whole parts of a checkpoint."""
    many = _on_many(*CASES[1])
    table = many.state.tables.input
    where = sharding.Placement(table.sharding.mesh, lambda state: None, sharding.PADDED)
    cut = sharding.by_rows(where, many.state)
    places = {shard.device.id: shard.index[0] for shard in cut.tables.input.addressable_shards}
    assert [places[i].start for i in range(4)] == [0, 256, 512, 768]
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(cut), jax.device_get(many.state))


@pytest.mark.parametrize(
    ("hlo", "devices"),
    [
        ("replica_groups={{0},{1},{2},{3}}, dimensions={0}", 1),
        ("replica_groups={{0,2},{1,3}}, dimensions={0}", 2),
        ("replica_groups=[4,1]<=[4], dimensions={0}", 1),
        ("replica_groups=[2,4]<=[4,2]T(1,0), dimensions={0}", 4),
        ("replica_groups=mesh['data'=1,'model'=4] {'data'}, dimensions={0}", 1),
        ("replica_groups=mesh['data'=3,'model'=4] {'data','model'}, dimensions={0}", 12),
        ("replica_groups=mesh['data'=2,'model'=8], device_ids=([2,8]T(1,0)) {'model':(2)4}", 4),
        ("channel_id=1, replica_groups={}, dimensions={0}", None),
    ],
)
def test_who_sends_to_whom_is_read_in_each_of_xlas_notations(hlo, devices):
    assert collectives.together(hlo) == devices
    line = (
        f"  %a = f32[8]{{0}} parameter(0)\n  %b = f32[8]{{0}} all-gather(%a), channel_id=1, {hlo}"
    )
    assert len(collectives.of(line)) == (devices != 1)


def test_a_collective_that_goes_on_beside_others_moves_what_it_moves():
    """A GPU's `-start` gives its operands back beside the results."""
    line = (
        "  %a = f32[8]{0} parameter(0)\n"
        "  %b = s32[2]{0} parameter(1)\n"
        "  %c = ((f32[8]{0}, s32[2]{0}), (f32[32]{0}, s32[8]{0})) all-gather-start(%a, %b), "
        "channel_id=1, replica_groups={{0,1,2,3}}\n"
        "  %d = f32[32]{0} all-reduce-start(%e), channel_id=2, replica_groups={{0,1,2,3}}\n"
        "  %e = f32[32]{0} parameter(2)\n"
    )
    gathered, summed = collectives.of(line)
    assert gathered == ("all-gather", ("f32[32]", "s32[8]"), 4 * 32 + 4 * 8)
    assert summed == ("all-reduce", ("f32[32]",), 4 * 32)


@pytest.mark.parametrize("axes", ["data", "model", ("data", "model")])
def test_as_many_devices_send_to_one_another_as_the_axes_have(axes):
    on = sharding.parse("data=2,model=4")
    into = jax.NamedSharding(on, P(("data", "model")))
    shape = jax.ShapeDtypeStruct((80,), jnp.float32, sharding=into)
    apart = jax.shard_map(
        lambda x: jax.lax.all_gather(x, axes, tiled=True),
        mesh=on,
        in_specs=P(("data", "model")),
        out_specs=P(("data", "model")),
    )
    (moved,) = collectives.of(jax.jit(apart).lower(shape).compile())
    assert moved.bytes == 4 * 10 * sharding.size(on, (axes,) if isinstance(axes, str) else axes)


SETTINGS = {"dim": 12, "batch": 24, "cut": "rows", "mesh": None, "exact_elastic": False}
BAD = {
    "mesh is 'data:2'": {"mesh": "data:2"},
    "in which 'rows=2' is no axis": {"mesh": "data=2,rows=2"},
    "'data=3' is no axis": {"mesh": "data=2,data=3"},
    "'model=0' is no axis": {"mesh": "model=0"},
    "exact_elastic wants cut='rows'": {"mesh": "model=2", "cut": "dim", "exact_elastic": True},
    "exact_elastic wants 1, 2, 4 or 8": {"mesh": "data=3", "exact_elastic": True},
    "for one model": {"mesh": "data=2", "members": (1,)},
    "dim is 12; cut='dim' wants a multiple": {"mesh": "model=8", "cut": "dim"},
    "a model that divides 64": {"mesh": "model=3"},
    "batch is 24 blocks, to be divided by 32": {"mesh": "data=16,model=2"},
    "batch is 12 blocks, to be divided by 8": {"exact_elastic": True, "batch": 12},
}


@pytest.mark.parametrize("message", BAD)
def test_what_cannot_be_divided_is_refused_with_what_was_wanted(message):
    config = types.SimpleNamespace(**{**SETTINGS, "members": (), **BAD[message]})
    with pytest.raises(InputError, match=message):
        mesh_sizes.check(config)


def test_more_devices_than_there_are_are_refused_with_how_to_get_virtual_ones():
    with pytest.raises(InputError, match=r"but there are 8 \(cpu\); XLA_FLAGS=--xla_force_host"):
        sharding.parse("data=16")


def test_a_learner_of_whole_tables_is_refused():
    plan = _plan("skipgram", "sgd")._replace(learner=learners.dense(OBJECTIVES["skipgram"]))
    with pytest.raises(InputError, match=r"a mesh wants learners.row_sparse"):
        sharded.program(Sharded(sharding.parse("data=2")), plan)


@pytest.mark.usefixtures("no_pictures")
def test_a_run_goes_on_with_other_devices_to_the_same_bits(place, monkeypatch):  # noqa: F811
    options = ("config.py", "--batch", "8", "--exact-elastic")
    run(train, *options, "--workdir", "whole", monkeypatch=monkeypatch)
    with monkeypatch.context() as patch:
        _interrupt_after(2, patch)
        run(train, *options, "--mesh", "data=2,model=2", monkeypatch=patch, code=130)
    run(train, *options, "--mesh", "data=4", monkeypatch=monkeypatch)
    whole, resumed = (load_file(place / f / "tables.safetensors") for f in ("whole", "run"))
    for name in whole:
        assert whole[name].shape == (24, 8)  # without padding
        np.testing.assert_array_equal(whole[name], resumed[name])
    for name in ("held_out", "singular_values", "norms"):
        seen = [
            [row[name] for row in progress.logged(place / f / progress.METRICS) if name in row]
            for f in ("whole", "run")
        ]
        np.testing.assert_allclose(seen[0][-1], seen[1][-1], rtol=1e-4)


def test_a_language_model_on_several_devices_is_that_of_one_up_to_rounding():
    text, plan = _streams(0), _language_model(epochs=1, samples=8, layers=1)
    start = functools.partial(contextual_training.start, plan, 4, contextual_training.Resources())
    states = []
    for mesh in (None, "data=4"):
        layout, put = layouts.streams(mesh)
        state = layout.begin(start)
        resources = contextual_training.Resources()
        for event in contextual_training.events(plan, state, text, resources, put=put):
            state = event.state
        states.append(jax.device_get(state))
        if mesh:
            assert {len(leaf.devices()) for leaf in jax.tree.leaves(state)} == {4}
            assert not any(leaf.is_fully_replicated for leaf in jax.tree.leaves(state.carry))
            kept = layout.place(states[1])
            jax.tree.map(np.testing.assert_array_equal, jax.device_get(kept), states[1])
    for one, many in zip(*map(jax.tree.leaves, states), strict=True):
        np.testing.assert_allclose(many, one, rtol=0, atol=2e-5 * max(np.abs(one).max(), 1e-3))


@pytest.mark.parametrize("mesh", ["model=2", "data=3"])
def test_a_language_model_is_not_cut_nor_its_streams_divided_unevenly(mesh):
    with pytest.raises(InputError, match="wanted"):
        mesh_sizes.check_data(mesh, 4)


@pytest.mark.parametrize(("mesh", "cut"), [("data=2", "rows"), ("data=2,model=2", "dim")])
def test_tables_in_bfloat16_on_a_mesh_are_those_of_one_device(mesh, cut):
    """Both round the same sums by the same bits: but for sums that differ in their last one."""
    one, many = _on_one("skipgram", "bfloat16"), _on_many("skipgram", "bfloat16", mesh, cut).state
    whole = sharding.whole(many, one)
    for wanted, got in zip(one.tables, whole.tables, strict=True):
        assert wanted.dtype == got.dtype == jnp.bfloat16
        differ = np.asarray(wanted, np.float32) != np.asarray(got, np.float32)
        assert differ.mean() < 0.01
    np.testing.assert_array_equal(one.optimizer.input.turn, whole.optimizer.input.turn)


@pytest.mark.parametrize("cut", ["rows", "dim"])
def test_tables_are_measured_where_they_lie(cut):
    rows, dim = 150_000, 16  # two blocks on each device: a loop, which the partitioner would gather
    random = np.random.default_rng(0)
    tables = InOut(*(random.normal(size=(rows, dim)).astype(np.float32) for _ in range(2)))
    on = Sharded(sharding.parse("data=2,model=2"), cut == "dim")
    placed = sharding.place(sharded.placement(on), tables)
    assert len(placed.input) == 150_016
    measured = sharded.measure(on, InOut(rows, rows), placed)
    for name, wanted in monitor.measure(InOut(*map(jnp.asarray, tables))).items():
        np.testing.assert_allclose(measured[name], wanted, rtol=2e-5)
    cut_by_rows = placed if cut == "rows" else sharding.by_rows(sharded.placement(on), placed)
    spectrum = jax.tree.map(np.asarray, linalg.spectrum(placed.input))
    axes = cut_by_rows.output.sharding.spec[0]
    program = sharded._of_spectrum.lower(on.mesh, axes, rows, spectrum, cut_by_rows).compile()
    norms = 4 * rows  # one number a row, for their quantiles
    assert max(op.bytes for op in collectives.of(program)) <= norms


@pytest.mark.parametrize("spec", [P("model"), P(None, "model")], ids=str)
def test_neighbours_are_found_where_the_table_lies(spec, monkeypatch):
    table = np.random.default_rng(0).normal(size=(4096, 16)).astype(np.float32)
    query = (table[[5, 9]][:, None], np.zeros((2, 0, 16), np.float32), np.array([[5], [9]]), 5)
    wanted = search.best(table, *query)
    mesh = sharding.parse("data=2,model=2")
    placed = jax.device_put(table, jax.NamedSharding(mesh, spec))
    best = search.best(placed, *query)
    np.testing.assert_array_equal(best.ids, wanted.ids)
    np.testing.assert_allclose(best.values, wanted.values, rtol=1e-6)
    nothing = search.Best(jnp.full((2, 5), -jnp.inf), jnp.zeros((2, 5), jnp.int32))
    near, far, excluded, k = query
    step = search._step.lower(nothing, placed, 0, 4096, near, far, excluded, similarity.cos_add, k)
    moved = collectives.of(step.compile())
    assert 0 < max(op.bytes for op in moved) <= 3 * 4 * 4096 < table.nbytes / 4  # scores
    monkeypatch.setattr(search, "ENTRIES", 1 << 14)  # in several blocks
    np.testing.assert_array_equal(search.best(placed, *query).ids, wanted.ids)

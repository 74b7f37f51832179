"""Laws of the plan. Oracles: the compiled step's collectives and costs; arithmetic by hand."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import plan as script
import pytest
from jax.sharding import PartitionSpec as P

from jaxemb.errors import InputError
from jaxemb.lab.studies.planning import collectives, job as planning, machines, report
from jaxemb.lab.studies.planning.job import Cut, Job, Mesh
from jaxemb.lab.studies.planning.report import SMALL, SMALL_MESHES
from jaxemb.static import objectives
from jaxemb.structs import Vocab
from jaxemb.training import learners, loop, mesh as sharding, sharded
from tests import covering
from tests.scripts.test_train import run

pytestmark = pytest.mark.as_users_compile  # what programs do is read from them
INTERNET = Job(10**7, 512, 10**12, 5, 16, 24, 4096)
PLAIN = SMALL._replace(bounded=False)
ADAGRAD = SMALL._replace(slots=1)
LEARNERS = {
    PLAIN: learners.row_sparse,
    SMALL: functools.partial(learners.row_sparse, cap=0.5),
    ADAGRAD: functools.partial(learners.row_sparse, cap=0.5, optimizer=learners.adagrad),
}
CASES = [(PLAIN, Mesh(1)), (ADAGRAD, Mesh(1)), *((SMALL, mesh) for mesh in SMALL_MESHES)]
EVERY = pytest.mark.parametrize(
    ("job", "mesh"),
    covering.every(2, [pytest.param(*case) for case in CASES]),
    ids=["plain", "AdaGrad", *map(report.label, SMALL_MESHES)],
)


def _objective():
    return objectives.skipgram(
        window=SMALL.window,
        block_length=SMALL.block_length,
        shared_negatives=SMALL.shared_negatives,
    )


@functools.cache
def _prepared():
    words = tuple(f"w{i}" for i in range(SMALL.vocabulary))
    return _objective().prepare(Vocab(words, np.full(SMALL.vocabulary, 5)))


@functools.cache
def _compiled(job: Job, mesh: Mesh):
    objective, (resources, rows) = _objective(), _prepared()
    learner = LEARNERS[job](objective)
    plan = loop.Plan(jax.random.key(0), objective, learner, SMALL.dim, 1, 0.1, SMALL.batch, 1)
    devices = sharding.parse(f"data={mesh.data},model={mesh.model}")
    on = sharded.Sharded(devices, mesh.cut is Cut.DIM)
    shapes = jax.eval_shape(lambda: loop.start(plan, rows))
    lies = sharding.lies(sharded.placement(on), shapes)
    state = jax.tree.map(
        lambda leaf, into: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=into), shapes, lies
    )
    shape = (1, SMALL.batch, SMALL.block_length + 2 * SMALL.window)
    into = jax.NamedSharding(devices, P(None, on.of_batch))
    texts = jax.ShapeDtypeStruct(shape, jnp.int32, sharding=into)
    step = sharded.steps(on, plan)
    return step.lower(state, 0, 1, texts, np.zeros(1, np.float32), resources, None).compile()


@pytest.mark.parametrize("mesh", covering.every(2, SMALL_MESHES), ids=report.label)
def test_what_is_planned_to_travel_is_what_the_compiled_step_sends(mesh):
    ours, theirs = {}, {}
    for sent in planning.sent(SMALL, mesh):
        ours[sent.kind] = ours.get(sent.kind, 0) + sent.bytes
    for sent in collectives.of(_compiled(SMALL, mesh)):
        if sent.bytes > 16:  # whether gradients are finite: one byte of each device
            theirs[sent.kind] = theirs.get(sent.kind, 0) + sent.bytes
    assert ours == theirs


def test_no_more_travels_than_row_gradients_over_data_and_scores_over_model():
    rows = SMALL.batch * (2 * 32 + 2 * 2 + 32)  # centers; centers, words around them, and noise
    gradients = 4 * rows * SMALL.dim
    scores = 4 * SMALL.batch * 32 * (32 + 2 * 2 + 32)
    norms = 4 * rows  # what a cap compares
    for mesh, expected in ((Mesh(4), gradients), (Mesh(1, 4, Cut.DIM), scores + norms)):
        moved = collectives.of(_compiled(SMALL, mesh))
        assert sum(sent.bytes for sent in moved if sent.shapes[0].startswith("f32")) == expected
    # there is no gather from a single device either, which other readers might count
    assert "all-gather" not in _compiled(SMALL, Mesh(1, 4, Cut.DIM)).as_text()


@EVERY
def test_products_are_most_of_the_operations_that_xla_counts(job, mesh):
    counted = _compiled(job, mesh).cost_analysis()["flops"]
    assert 1.0 < counted / planning.flops(job, mesh) < 1.5


@EVERY
def test_a_device_reads_and_writes_the_bytes_that_xla_counts(job, mesh):
    """XLA counts whole tables where rows of them change; here they are small beside the batch."""
    counted = _compiled(job, mesh).cost_analysis()["bytes accessed"]
    assert 0.8 < counted / planning.traffic(job, mesh) < 1.25


@EVERY
def test_a_step_needs_the_memory_that_xla_sets_aside(job, mesh):
    taken = _compiled(job, mesh).memory_analysis().temp_size_in_bytes
    assert 0.8 < taken / planning.memory(job, mesh).step < 1.25


def test_ten_million_words_of_512_numbers_are_41_gigabytes_and_a_cut_divides_them():
    assert planning.memory(INTERNET, Mesh(8)).tables == 2 * 10**7 * 512 * 4
    for mesh in (Mesh(1, 8), Mesh(1, 8, Cut.DIM)):
        assert planning.memory(INTERNET, mesh).tables == 2 * 10**7 * 512 * 4 // 8
    adagrad = planning.memory(INTERNET._replace(slots=1), Mesh(8))
    assert adagrad.optimizer == adagrad.tables + 2 * 4 * 10**7


def test_over_data_a_token_is_received_by_every_device_however_many_there_are():
    token = (16 + 16 + 10 + 24) / 16 * (512 + 1) * 4  # bytes: rows and their ids
    for devices in (2, 8, 64):
        received = planning.received(INTERNET, Mesh(devices)) / (4096 * 16)
        assert received == pytest.approx(token * (devices - 1) / devices)


def test_cut_by_dim_a_token_sends_its_scores_however_long_vectors_are():
    for dim in (512, 4096):
        job = INTERNET._replace(dim=dim, bounded=False)
        received = planning.received(job, Mesh(1, 8, Cut.DIM)) / (4096 * 16)
        assert received == pytest.approx(2 * 7 / 8 * 50 * 4)


def test_owners_receive_their_own_rows_alone_twice():
    job = INTERNET
    rows = 4096 * 66 // 8
    expected = 7 / 8 * rows * (4 + 2 * 512 * 4)
    assert planning.received(job, Mesh(1, 8, Cut.OWNERS)) == pytest.approx(expected)


def test_bytes_go_over_the_link_within_a_host_and_over_the_network_between_hosts():
    flat = machines.GPU_NODE._replace(devices=8, latency=0.0)
    job, mesh = INTERNET, Mesh(8)
    whole = 4096 * 66 * (512 + 1) * 4
    near = planning.seconds(job, mesh, flat._replace(per_host=8)).wire
    far = planning.seconds(job, mesh, flat._replace(per_host=1)).wire
    both = planning.seconds(job, mesh, flat._replace(per_host=4)).wire
    assert near == pytest.approx(whole * 7 / 8 / 450e9)
    assert far == pytest.approx(whole * 7 / 8 / 50e9)
    # a host receives the other half once, over four networks, and passes it on to its devices
    assert both == pytest.approx(whole * 3 / 4 / 450e9 + whole / 2 / 4 / 50e9)


def test_an_epoch_is_its_steps_one_after_the_other():
    step = planning.seconds(INTERNET, Mesh(8), machines.GPU_NODE)
    assert step.largest < step.total == pytest.approx(sum(step))
    steps = 10**12 / (4096 * 16)
    assert planning.epoch(INTERNET, step.total) == pytest.approx(steps * step.total)


def test_what_was_measured_is_within_a_third_of_what_is_planned():
    for bounded, timed in report.TIMED.items():
        job = report.BIG_STEP._replace(bounded=bounded)
        planned = planning.seconds(job, Mesh(1), machines.MEASURED).total / (4096 * 16)
        assert 3 / 4 < timed / planned < 4 / 3


def test_what_the_page_says_in_words_is_what_its_tables_say():
    def took(mesh, machine):
        return planning.seconds(INTERNET, mesh, machine)

    for machine in machines.ALL:
        for mesh in report.meshes(INTERNET, machine):
            step = took(mesh, machine)
            assert step.memory + step.wire > 40 * step.products
    hosts, tokens = took(Mesh(64), machines.CPU_HOSTS), 4096 * 16
    assert hosts.largest == hosts.wire
    assert tokens / hosts.total == pytest.approx(1e6, rel=0.1)
    for one, many in ((Mesh(8), Mesh(128)), (Mesh(1, 8, Cut.DIM), Mesh(8, 16, Cut.DIM))):
        assert took(one, machines.GPU_NODE).total < took(many, machines.GPU_NODES).total
    for rows, data in ((Mesh(1, 8), Mesh(8)), (Mesh(1, 64), Mesh(64))):
        twice = planning.received(INTERNET, rows) / planning.received(INTERNET, data)
        assert twice == pytest.approx(2, rel=0.01)


def test_what_cannot_be_planned_is_refused():
    with pytest.raises(InputError, match="batch is 4096 blocks; wanted a multiple of 3"):
        planning.sent(INTERNET, Mesh(3))
    with pytest.raises(InputError, match="dim is 512; cut by dim wants a multiple of model, 3"):
        planning.memory(INTERNET, Mesh(1, 3, Cut.DIM))
    with pytest.raises(InputError, match="window is 0"):
        planning.flops(INTERNET._replace(window=0), Mesh(1))
    with pytest.raises(InputError, match="link is 0"):
        planning.seconds(INTERNET, Mesh(8), machines.GPU_NODE._replace(link=0.0))
    with pytest.raises(InputError, match="no place for 'memory'"):
        report.fill("a page", {"memory": "a table"})


def test_the_pages_tables_are_those_of_the_script(tmp_path, monkeypatch, capsys):
    page = Path(__file__).parents[3] / "docs/scale.md"
    copy = tmp_path / "scale.md"
    copy.write_text(page.read_text("utf-8"), "utf-8")
    run(script, "--page", str(copy), monkeypatch=monkeypatch)
    assert copy.read_text("utf-8") == page.read_text("utf-8")
    run(script, "--vocabulary", "1000", "--dim", "30", monkeypatch=monkeypatch)
    printed = capsys.readouterr().out
    assert all(machine.name in printed for machine in machines.ALL)
    run(script, "--batch", "7", monkeypatch=monkeypatch, code=2)
    assert "batch is 7 blocks; wanted a multiple of 8" in capsys.readouterr().err

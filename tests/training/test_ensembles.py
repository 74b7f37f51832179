"""Models trained together. Oracle: each of them trained alone on the same text."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.evaluation import bundled
from jaxemb.lab import workdir
from jaxemb.lab.runs.static import members as ensembles, report, run as runs
from jaxemb.lab.runs.static.config import Member
from jaxemb.static import objectives, tables
from jaxemb.structs import InOut, Vocab
from jaxemb.training import ensembles as training_ensembles, learners, loop
from tests.training.test_training import SMALL, _plan_and_text, text  # noqa: F401 (a fixture)

MEMBERS = training_ensembles.Members(
    seeds=(0, 7, 7), learning_rates=(0.025, 0.025, 0.1), dims=(8, 8, 5)
)


def _last(events):
    for event in events:
        state = event.state
    return jax.device_get(state.tables), np.asarray(event.loss)


@pytest.mark.parametrize(
    ("objective", "optimizer"),
    [(objectives.skipgram, learners.adagrad), (objectives.cbow, learners.sgd)],
)
def test_a_member_is_the_model_trained_alone(text, objective, optimizer):  # noqa: F811
    plan, (resources, rows), split = _plan_and_text(text)
    built = objective(**SMALL)
    plan = plan._replace(
        objective=built, learner=learners.row_sparse(built, optimizer=optimizer), epochs=1
    )
    program = training_ensembles.program(MEMBERS, plan)
    whole, losses = _last(loop.events(plan, program.start(rows), resources, split, program=program))
    for i, tables_of_member in enumerate(training_ensembles.split(MEMBERS, whole)):
        alone = plan._replace(
            key=jax.random.key(MEMBERS.seeds[i]),
            learning_rate=MEMBERS.learning_rates[i],
            dim=MEMBERS.dims[i],
        )
        own, loss = _last(loop.events(alone, loop.start(alone, rows), resources, split))
        for ours, theirs in zip(tables_of_member, own, strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)  # sums in another order
        np.testing.assert_allclose(losses[i], loss, rtol=1e-5)


def test_columns_that_a_member_does_not_have_stay_zero(text):  # noqa: F811
    plan, (resources, rows), split = _plan_and_text(text, epochs=1)
    program = training_ensembles.program(MEMBERS, plan)
    whole, _ = _last(loop.events(plan, program.start(rows), resources, split, program=program))
    for table in whole:
        np.testing.assert_array_equal(table[2, :, 5:], 0.0)
        assert np.abs(table[2, :, :5]).max() > 0


def test_members_start_apart(text):  # noqa: F811
    plan, (_, rows), _ = _plan_and_text(text)
    start = training_ensembles.program(MEMBERS, plan).start(rows).tables
    alone = tables.init(jax.random.fold_in(jax.random.key(7), loop.Stream.TABLES), rows, 8)
    np.testing.assert_array_equal(start.input[1], alone.input)
    assert not np.array_equal(start.input[0], start.input[1])


def test_the_report_holds_mean_and_deviation_of_every_score(tmp_path, monkeypatch):
    from tests.scripts.test_train import CONFIG

    source = CONFIG.split('"""')[2]
    module: dict = {}
    exec(source, module)
    config = dataclasses.replace(
        module["config"], members=(Member(), Member(seed=3)), workdir=str(tmp_path)
    )
    members = ensembles.members_of(config)
    assert members == training_ensembles.Members((0, 3), (0.025, 0.025), (8, 8))
    random = np.random.default_rng(0)
    whole = InOut(*(random.normal(size=(2, 30, 8)).astype(np.float32) for _ in range(2)))
    scores = iter([0.25, 0.5])
    monkeypatch.setattr(
        bundled, "similarities", lambda *_: {"WordSim-353": bundled.Score(next(scores), 9, 9)}
    )
    monkeypatch.setattr(bundled, "analogies", lambda *_: None)
    vocab = Vocab(tuple(map(str, range(30))), np.arange(30)[::-1] + 1)
    tokens = {"trained": 5, "subsampled": 1}
    row = {"words": 1, "held_out": [2.0, 4.0], "effective_rank": [3.0, 4.0]}
    metrics = [{**row, "singular_values": np.ones((2, 8)).tolist()}]
    markdown = report.write_members(config, runs.Result(whole, vocab, tokens, metrics, None))
    written = __import__("json").loads((tmp_path / "report.json").read_text())
    assert written["mean"]["WordSim-353"] == 0.375
    np.testing.assert_allclose(written["standard_deviation"]["held-out loss"], np.sqrt(2))
    assert "same subsampled text" in markdown
    assert (tmp_path / "members.png").exists()


@pytest.mark.parametrize("member", [Member(dim=9), Member(dim=0), Member(learning_rate=-1.0)])
def test_a_member_out_of_range_is_refused(member):
    from tests.scripts.test_train import CONFIG

    module: dict = {}
    exec(CONFIG.split('"""')[2], module)
    with pytest.raises(InputError):
        dataclasses.replace(module["config"], members=(member,)).check()


def test_a_script_trains_members_each_into_a_run_of_its_own(tmp_path, monkeypatch):
    import train

    from tests.scripts.test_train import CONFIG, run

    random = np.random.default_rng(0)
    lines = (
        " ".join("abcdefghijklmnopqrst"[j] for j in random.integers(0, 20, 20)) for _ in range(200)
    )
    (tmp_path / "text.txt").write_text("\n".join(lines))
    config = CONFIG.replace("import Corpus", "import Corpus, Member").replace(
        "dim=8,", "dim=8, members=(Member(), Member(seed=5), Member(dim=3)),"
    )
    (tmp_path / "config.py").write_text(config)
    monkeypatch.chdir(tmp_path)
    run(train, "config.py", monkeypatch=monkeypatch)
    tables_of = [workdir.load(f"run/member_{i}")[1].input for i in range(3)]
    assert [table.shape[1] for table in tables_of] == [8, 8, 3]
    assert not np.array_equal(tables_of[0], tables_of[1])
    assert "standard deviation" in (tmp_path / "run/report.md").read_text()
    with pytest.raises(InputError, match="member_0"):
        workdir.load("run")

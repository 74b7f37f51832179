"""Laws of compiled programs, for chips that are not here: what XLA made of them, counted.

They need XLA's compilers for TPUs and NVIDIA GPUs, and skip without them:
`python scripts/benchmark.py compiled --install`. By default skip-gram, CBOW and the learners.
"""

import concurrent.futures
import re
from typing import Any

import pytest
from benchmarks.ahead import chip as chips, compilers, programs, running
from benchmarks.ahead.facts import PRODUCTS

from jaxemb.lab.studies.planning import job as planning
from jaxemb.lab.studies.planning.job import Cut, Job, Mesh

TARGETS = ("v5e", "h200")
PLATFORMS = {target: chips.read(target).platform for target in TARGETS}
# what depends on data or reads whole tables by its nature
WHOLE = {
    "static/skip-gram 128, dense": "the gradient of a dense learner is a whole table",
    "static/skip-gram 128, dense Adam": "the gradient of a dense learner is a whole table",
    "static/skip-gram, softmax 128": "every block reads every row",
    "static/CBOW, softmax 128": "every block reads every row",
}
TRAINED = [
    name
    for name, program in programs.ALL.items()
    if program.covers in ("training.loop._train_chunk", "counts.glove._train")
]
ROWS = [name for name in TRAINED if name not in WHOLE]
ADVISED = [name for name in ROWS if "advised" in name]

LANES = "JAX lays a table whose dim is no multiple of 128 out by columns: each chunk turns it"
ON_CHIP = "XLA moves a table that fits on the chip there and back in every step"
GATHERED = "linalg.gram reads a table in blocks: the partitioner gathers the table in every turn"
SORTS = "XLA sorts the ids of each scatter: tables.sum_repeats, then tables.scatter_add"
# laws that do not hold yet: (law, target, a pattern of programs) -> why
NOT_YET = {
    (
        "in place",
        "v5e",
        r"static/(skip-gram|CBOW) 128, (advised|65,536 tokens)(, AdaGrad)?",
    ): ON_CHIP,
    ("in place", "v5e", r"static/.*hierarchical softmax 128"): ON_CHIP,
    ("as it lies", "v5e", r"(static/(skip-gram|CBOW) (100|300)|counts/GloVe 100).*"): LANES,
    ("measures", "v5e", r"mesh/measures.*"): GATHERED,
    ("measures", "h200", r"mesh/measures.*"): GATHERED,
    ("one sort", "v5e", r"static/(CBOW 128|skip-gram 300), advised"): SORTS,
    ("one sort", "v5e", r"static/skip-gram.* 128, advised, AdaGrad"): SORTS,
    ("one sort", "v5e", r"static/skip-gram, subwords 128, advised"): SORTS,
}


def _cases(law: str, names: list[str], targets: tuple[str, ...] = TARGETS) -> Any:
    """Every program for every target; those of NOT_YET fail, and say so when they do not."""
    cases = []
    for target in targets:
        for name in names:
            marks = [] if programs.ALL[name].quick else [pytest.mark.thorough]
            for (of, where, pattern), reason in NOT_YET.items():
                if (of, where) == (law, target) and re.fullmatch(pattern, name):
                    marks.append(pytest.mark.xfail(strict=True, reason=reason))
            cases.append(pytest.param(target, name, marks=marks, id=f"{target}, {name}"))
    return pytest.mark.parametrize(("target", "name"), cases)


@pytest.fixture(scope="module")
def rows(request, tmp_path_factory) -> dict[tuple[str, str], dict[str, Any]]:
    """The facts of every program that the laws ask for, compiled once; both targets at a time."""
    thorough = request.config.getoption("--thorough")
    names = [n for n, program in programs.ALL.items() if thorough or program.quick]
    here = [target for target in TARGETS if compilers.present(PLATFORMS[target])]

    def compiled(target: str) -> list[dict[str, Any]]:
        return list(running.rows(target, names, tmp_path_factory.mktemp(target)))

    with concurrent.futures.ThreadPoolExecutor() as pool:
        every = [row for rows in pool.map(compiled, here) for row in rows]
    return {(row["target"], row["program"]): row for row in every}


@pytest.fixture
def row(rows, target, name) -> dict[str, Any]:
    if not compilers.present(PLATFORMS[target]):
        pytest.skip(
            f"no compiler for {PLATFORMS[target]} in {compilers.folder()}: "
            "python scripts/benchmark.py compiled --install"
        )
    return rows[target, name]


@_cases("compiles", list(programs.ALL))
def test_every_program_compiles_without_float64(row, target, name):
    assert row.get("error") is None
    assert row["float64"] == 0


@_cases("in place", ROWS)
def test_no_step_copies_a_table(row, target, name):
    assert row["copies inside"] == 0


@_cases("as it lies", ROWS)
def test_no_chunk_copies_a_table(row, target, name):
    assert row["copies outside"] == 0


@_cases("given away", TRAINED)
def test_a_chunk_gives_its_tables_away(row, target, name):
    """Most of its arguments: the others are its text, the noise table and what it reads."""
    assert row["aliased bytes"] > row["argument bytes"] / 2


@_cases("no compare-and-swap", ADVISED, ("h200",))
def test_rows_are_added_without_compare_and_swap_at_the_advised_step(row, target, name):
    assert "compare-and-swap" not in row["atomics"]


@_cases(
    "turns", [*TRAINED, *(n for n in programs.ALL if "recurrence" in n or "lstm" in n)], ("h200",)
)
def test_the_number_of_turns_is_known(row, target, name):
    """Not of `linalg.spectrum`, which turns until its triangle is well conditioned."""
    assert row["loops"]
    assert all(loop["trips"] for loop in row["loops"])


@_cases("products", [n for n in programs.ALL if n.startswith("linalg/")])
def test_products_of_linear_algebra_are_float32(row, target, name):
    assert set(row["products"]) <= {"float32"}


@_cases("stated", TRAINED)
def test_products_of_training_have_the_type_that_is_stated(row, target, name):
    """No config states one: JAX's default."""
    assert set(row["products"]) <= {PRODUCTS[PLATFORMS[target]]["default"]}


@_cases("one sort", ADVISED)
def test_a_step_sorts_ids_at_most_once(row, target, name):
    assert row["sorts"] <= 1


@_cases("no inner loops", [n for n in ROWS if "subwords" in n])
def test_no_step_loops_over_subwords(row, target, name):
    assert row["inner loops"] == 0


@pytest.mark.thorough
@_cases("exchanged", [n for n in programs.ALL if n.startswith("mesh/skip-gram, data=2,model=2")])
def test_devices_exchange_what_the_docs_say(row, target, name):
    dim, batch = (256, 32) if "by dim" in name else (128, 32)
    capped = "advised" in name
    job = Job(100_000, dim, 1, 5, 16, 22, 512 if capped else batch, bounded=capped)
    mesh = Mesh(2, 2, Cut.DIM if "by dim" in name else Cut.ROWS)
    planned = sum(sent.bytes for sent in planning.sent(job, mesh))
    sent = sum(size for _, size in row["collectives"])
    table = 4 * job.vocabulary * dim // mesh.model
    assert planned <= sent <= planned + 1024  # and whether gradients are finite
    assert max(size for _, size in row["collectives"]) < table


@_cases("measures", [n for n in programs.ALL if n.startswith(("mesh/measures", "mesh/spectrum"))])
def test_measuring_sends_matrices_and_one_number_a_row(row, target, name):
    assert max(size for _, size in row["collectives"]) <= 4 * 100_000

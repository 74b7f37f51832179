"""JAX's default width changes no result. Oracles: another process, types, arithmetic."""

import ast
import functools
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import linalg, objectives
from jaxemb.contextual import members, models
from jaxemb.counts import factorizations
from jaxemb.errors import InputError
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.runs.counts.config import CountConfig
from jaxemb.lab.runs.static.config import Corpus, Member, StaticConfig
from jaxemb.linalg import operators
from jaxemb.structs import InOut
from jaxemb.training import learners
from tests import covering, quickly, trained
from tests.laws.members import CONTEXTUAL, OBJECTIVES, STATIC
from tests.laws.test_objectives import TEXTS

ROOT = Path(__file__).parents[1]
FILES = sorted(path for room in ("jaxemb", "scripts") for path in (ROOT / room).rglob("*.py"))
KEYS = {"key", "split", "fold_in", "key_data", "wrap_key_data", "clone"}  # these draw nothing
MADE = ("arange", "zeros", "ones", "full", "eye", "linspace", "empty", "identity")


def test_every_training_leaves_the_same_bits(pytestconfig):
    """The same program in one process with and one without JAX_ENABLE_X64."""
    few = [] if pytestconfig.getoption("thorough") else trained.FEW
    command = [sys.executable, "-m", "tests.trained", *few]
    environment = {**quickly.environment(), "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment, "JAX_ENABLE_X64": width},
            stdout=subprocess.PIPE,
            text=True,
        )
        for width in "01"
    ]
    narrow, wide = (json.loads(process.communicate()[0]) for process in both)
    assert wide == narrow
    assert not few or list(wide) == few
    assert not any("64" in digest.rsplit(" ", 1)[0] for digest in wide.values())


@pytest.mark.parametrize("name", OBJECTIVES)
def test_no_real_number_of_a_step_is_wider_than_the_tables(name, vocab):
    """Weakly typed constants are exempt: they take the type of the array they meet."""
    objective = OBJECTIVES[name]
    learner = learners.row_sparse(objective, optimizer=learners.adagrad, cap=0.1)
    with jax.enable_x64(True):
        resources, rows = objective.prepare(vocab)
        state = learner.init(InOut(*(jnp.zeros((n, 3), jnp.float32) for n in rows)))
        bits = np.zeros((2, objective.reads.bits), np.uint32)
        mask = InOut(*(np.ones(n, np.float32) for n in rows))

        def step(state, bits, resources, mask):
            draw = jax.vmap(objective.draw, in_axes=(0, 0, None))
            return learner.step(state, draw(bits, TEXTS, resources), 0.1, mask)

        traced = jax.make_jaxpr(step)(state, bits, resources, mask)
    wide_types = {str(variable.aval) for variable in _made(traced.jaxpr) if _wide(variable.aval)}
    assert not wide_types


def _made(jaxpr) -> list[Any]:
    """Return the variables of a jaxpr, with those of inner jaxprs."""
    variables = [*jaxpr.invars, *jaxpr.constvars]
    for equation in jaxpr.eqns:
        variables += equation.outvars
        inner = jax.tree.leaves(list(equation.params.values()), is_leaf=_is_program)
        for program in filter(_is_program, inner):
            variables += _made(getattr(program, "jaxpr", program))
    return variables


def _is_program(value: Any) -> bool:
    return hasattr(value, "eqns") or hasattr(value, "jaxpr")


def _wide(aval: Any) -> bool:
    kind = getattr(aval, "dtype", None)
    return kind == np.float64 and not aval.weak_type


@pytest.mark.parametrize("name", [*STATIC, *CONTEXTUAL])
def test_embedders_start_and_answer_in_float32(name):
    embedder, _ = {**STATIC, **CONTEXTUAL}[name]
    with jax.enable_x64(True):
        params = jax.eval_shape(embedder.init, jax.random.key(0))
        tokens, mask = (jax.ShapeDtypeStruct((5,), kind) for kind in (jnp.int32, jnp.float32))
        results = params, jax.eval_shape(embedder.apply, params, tokens, mask)
    assert {leaf.dtype for leaf in jax.tree.leaves(results)} <= {np.dtype(np.float32)}


def test_no_draw_leaves_its_type_to_a_flag():
    untyped = []
    for path in FILES:
        tree = ast.parse(path.read_text("utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if not ast.unparse(call.func).startswith("jax.random."):
                continue
            name = ast.unparse(call.func).rpartition(".")[2]
            if name not in KEYS and not _typed_draw(name, call, tree):
                untyped.append(f"{path.name}:{call.lineno}: {ast.unparse(call)}")
    assert not untyped


def _typed_draw(name: str, call: ast.Call, tree: ast.AST) -> bool:
    taken = list(inspect.signature(getattr(jax.random, name)).parameters)
    if "dtype" in taken:
        return _given("dtype", taken, call)
    return _of_type(call.args[1], tree)  # the draw has the type of this argument


def _given(name: str, taken: list[str], call: ast.Call) -> bool:
    by_name = any(keyword.arg in (name, None) for keyword in call.keywords)
    return by_name or len(call.args) > taken.index(name)


def _of_type(value: ast.expr, tree: ast.AST) -> bool:
    """Whether the source states the type of this value, here or where its name is assigned."""
    expressions = [value]
    if isinstance(value, ast.Name):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and value.id in ast.unparse(node.targets[0]):
                expressions.append(node.value)
    return any(
        kind in ast.unparse(node) for node in expressions for kind in ("jnp.float32", "jnp.int32")
    )


def test_jax_random_is_used_under_its_full_name():
    """Otherwise the test above would miss some draws."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jax"):
                assert node.module != "jax.random", path
                assert "random" not in {alias.name for alias in node.names} or (
                    node.module != "jax"
                ), path
            if isinstance(node, ast.Import):
                assert "jax.random" not in {alias.name for alias in node.names}, path


def test_arrays_that_are_made_from_nothing_say_their_type():
    untyped = []
    for path in FILES:
        if path.is_relative_to(ROOT / "scripts"):
            continue
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            room, _, name = ast.unparse(call.func).rpartition(".")
            if room == "jnp" and name in MADE:
                taken = list(inspect.signature(getattr(jnp, name)).parameters)
                # arange(1, 3) has its second argument where a type could stand
                if not _given("dtype", taken, call) and not _of_bool(call):
                    untyped.append(f"{path.name}:{call.lineno}: {ast.unparse(call)}")
    assert not untyped


def _of_bool(call: ast.Call) -> bool:
    return any(ast.unparse(argument) == "bool" for argument in call.args)


# --- linear algebra ---


def _tables() -> dict[str, Any]:
    random = np.random.default_rng(0)
    table = random.normal(size=(60, 5))
    table[:, 4] = table[:, 0] - table[:, 1]
    return {"deficient": np.float32(table), "full": np.float32(random.normal(size=(60, 5)))}


MEASURES = {
    "rank": linalg.rank,
    "rank by qr": lambda table: linalg.rank(linalg.spectrum(table, method=linalg.qr)),
    "rank by sketch": lambda table: linalg.rank(linalg.spectrum(table, method=linalg.sketch)),
    "rank under jit": jax.jit(lambda table: linalg.rank(table)),
    "certify": linalg.certify,
    "certify under jit": jax.jit(lambda table: linalg.certify(table)),
    "whiten": linalg.whiten,
    "partition isotropy": linalg.partition_isotropy,
    "dependence": lambda table: linalg.dependence(table[:6]),
    "mean cosine": linalg.mean_cosine,
    "isoscore": linalg.isoscore,
}


@pytest.mark.parametrize("name", covering.every(3, MEASURES))
def test_a_float32_table_is_judged_alike(name):
    for table in _tables().values():
        results = []
        for wide in (False, True):
            with jax.enable_x64(wide):
                result = MEASURES[name](jnp.asarray(table))
                results.append([np.asarray(leaf) for leaf in jax.tree.leaves(result)])
        for narrow, wide in zip(*results, strict=True):
            np.testing.assert_array_equal(narrow, wide)
            assert (narrow.dtype == wide.dtype) or narrow.dtype.kind == "i"


@pytest.mark.parametrize("transform", [lambda f: f, jax.jit], ids=["plain", "jit"])
def test_a_float64_table_on_a_device_is_judged_in_float64_and_says_so(transform):
    """A singular value of 1e-10 times the largest, which float32 cannot resolve."""
    with jax.enable_x64(True):
        random = np.random.default_rng(0)
        left, right = (np.linalg.qr(random.normal(size=(n, 3)))[0] for n in (8, 3))
        table = (left * [1.0, 0.5, 1e-10]) @ right.T
        result = transform(lambda values: linalg.rank(values))(jnp.asarray(table))
        assert int(result.rank) == np.linalg.matrix_rank(table) == 3
        assert result.tolerance.dtype == np.float64
        assert (
            int(transform(lambda values: linalg.rank(values))(jnp.asarray(table, jnp.float32)).rank)
            == 2
        )


@pytest.mark.parametrize("seed", [1 << 32, -1, (1 << 40) + 3])
def test_a_seed_beyond_32_bits_is_refused(seed):
    """Without x64 JAX drops the upper half of a seed: two seeds would give the same draws."""
    text = Corpus(("x",), held_out=0.1)
    static = functools.partial(StaticConfig, text, "run", objectives.skipgram, learners.row_sparse)
    lm = functools.partial(ContextualConfig, text, "run", members.gru, models.adam)
    counted = functools.partial(CountConfig, text, "run", factorizations.ppmi_svd)
    several = (Member(seed=seed),)
    for config in (static(seed=seed), static(members=several), lm(seed=seed), counted(seed=seed)):
        with pytest.raises(InputError, match=r"seed is "):
            config.check()
    table = operators.dense(jnp.ones((4, 3), jnp.float32))
    with pytest.raises(InputError, match=r"key is "):
        linalg.truncated_svd(table, 1, key=seed)

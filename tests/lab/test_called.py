"""Functions of a config are called as its docstrings say. Oracles: signatures; Adam's formula."""

import ast
import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxemb.contextual import members, models, training
from jaxemb.errors import InputError, called_with
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.runs.counts.config import CountConfig, GloveConfig
from jaxemb.lab.runs.static.config import Corpus, StaticConfig
from jaxemb.training import learners, optimizers
from tests.scripts.test_train_contextual import _plan, _text, _trained

ROOT = Path(__file__).parents[2]
LAB = ROOT / "jaxemb/lab"
CONFIGS = [LAB / "settings.py", *sorted(LAB.rglob("config.py"))]
ROOMS = ("static", "training", "contextual", "counts", "functional", "text")
# how each function of a config is called; those that an objective is built with, by their name
CALLS = {
    "objective": None,
    "learner": ("objective",),
    "initialize": ("key", "rows", "dim"),
    "subsample_rule": ("counts", "subsample"),
    "schedule": ("learning_rate", "done"),
    "collision": ("observed", "outputs", "noise", "probability"),
    "direction": ("near", "words", "centers"),
    "mean": ("rows", "mask"),
    "tree": ("counts",),
    "method": ("cells", "vocab"),
    "weight": ("distances", "window"),
    "optimizer": ("learning_rate",),
    "model": ("dim",),
    "tokenizer": ("line",),
    "phrase_score": ("count_a", "count_b", "count_ab", "discount"),
    "log_prob": ("config", "vocab"),
    "corrected": ("config", "vocab"),
}


def _fields():
    """Yield (setting, its docstring, the source of its default) for every function of a config."""
    for path in CONFIGS:
        for body in (c.body for c in ast.parse(path.read_text("utf-8")).body if _is_class(c)):
            for index, statement in enumerate(body):
                if not isinstance(statement, ast.AnnAssign):
                    continue
                if ast.unparse(statement.annotation) not in (
                    "Function",
                    "Chosen",
                    "Score",
                    "Learning",
                    "Tokenizer",
                ):
                    continue
                after = body[index + 1] if index + 1 < len(body) else None
                text_node = after.value if isinstance(after, ast.Expr) else None
                text = str(text_node.value) if isinstance(text_node, ast.Constant) else ""
                value = statement.value
                value = value.args[0] if isinstance(value, ast.Call) else value
                default = ast.unparse(value) if value else "None"
                yield f"{path.parent.stem}.{ast.unparse(statement.target)}", text, default


def _is_class(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef)


def _resolved(name: str):
    module, function = name.split(".")
    if module in ("optax", "str"):
        return getattr({"optax": optax, "str": str}[module], function)
    for room in ROOMS:
        try:
            return getattr(importlib.import_module(f"jaxemb.{room}.{module}"), function)
        except (ModuleNotFoundError, AttributeError):
            continue
    raise AssertionError(f"a docstring names {name}, which does not exist")


FIELDS = {name: (text, default) for name, text, default in _fields()}


def test_every_kind_of_function_is_named_by_some_config():
    assert {field.split(".")[1] for field in FIELDS} == set(CALLS)


@pytest.mark.parametrize("field", FIELDS)
def test_every_function_that_a_setting_names_takes_the_documented_call(field):
    text, default = FIELDS[field]
    call = CALLS[field.split(".")[1]]
    named = set(re.findall(r"\b[a-z_]+\.[a-z_]\w*\b", text))
    if default != "None":
        named.add(default.replace("phrases_lib", "phrases").replace("corpus_lib", "corpus"))
    for name in named:
        function = _resolved(name)
        if call:
            inspect.signature(function).bind(*call)


def two_arguments(learning_rate, clip):
    """An optimizer with the clip as its second argument."""
    return optax.adam(learning_rate, clip)


TEXT = Corpus(("x",), held_out=0.1)
LM = ContextualConfig(TEXT, "run", members.gru, models.adagrad)
STATIC = StaticConfig(TEXT, "run", dict, learners.row_sparse)
COUNTS = CountConfig(TEXT, "run", lambda cells, vocab: None)
GLOVE = GloveConfig(TEXT, "run", lambda cells, vocab: None)


@pytest.mark.parametrize(
    ("config", "setting"),
    [
        (LM, "optimizer"),
        (LM, "model"),
        (GLOVE, "optimizer"),
        (STATIC, "initialize"),
        (STATIC, "schedule"),
        (STATIC, "subsample_rule"),
        (COUNTS, "subsample_rule"),
        (COUNTS, "weight"),
        (COUNTS, "method"),
    ],
)
def test_a_function_of_other_arguments_is_refused_in_one_line(config, setting):
    for wrong in (lambda a, b, c, d: None, lambda: None):
        with pytest.raises(InputError, match=rf"^{setting} is .* called {setting}\(") as raised:
            dataclasses.replace(config, **{setting: wrong}).check()
        assert "\n" not in str(raised.value)


def test_an_optimizer_of_a_rate_and_a_clip_is_refused():
    message = r"is two_arguments, which takes \(learning_rate, clip\); wanted .*\(learning_rate\)"
    with pytest.raises(InputError, match=message):
        dataclasses.replace(LM, optimizer=two_arguments).check()
    for good in (models.adagrad, models.adam, optax.adam, optax.sgd, optax.adamw):
        dataclasses.replace(LM, optimizer=good).check()


@pytest.mark.parametrize("adam", [models.adam, optax.adam])
def test_the_clip_is_no_constant_of_the_optimizer(adam):
    """Three steps of Adam with gradients clipped to norm 10, by the paper's formula in float64."""
    gradient, rate, clip = np.array([30.0, -40.0, 0.0]), 0.02, 10.0
    made = optimizers.clipped(adam, rate, clip)
    state = made.init(jnp.zeros(3, jnp.float32))
    first, second = np.zeros(3), np.zeros(3)
    for step in range(1, 4):
        change, state = made.update(jnp.asarray(gradient * step, jnp.float32), state)
        g = gradient * step * min(1.0, clip / np.linalg.norm(gradient * step))
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        mean, size = first / (1 - 0.9**step), np.sqrt(second / (1 - 0.999**step))
        # 1 - 0.999^t keeps 14 bits of float32
        np.testing.assert_allclose(change, -rate * mean / (size + 1e-8), rtol=1e-4)


def test_elmos_adagrad_starts_at_1_and_divides_by_the_root_of_the_sum():
    gradient = np.array([3.0, -4.0])  # of norm 5, which a clip of 10 leaves alone
    made = optimizers.clipped(models.adagrad, 0.2, 10.0)
    state, total = made.init(jnp.zeros(2, jnp.float32)), np.ones(2)
    for _ in range(3):
        change, state = made.update(jnp.asarray(gradient, jnp.float32), state)
        total += gradient**2
        np.testing.assert_allclose(change, -0.2 * gradient / np.sqrt(total + 1e-7), rtol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda rate: optax.chain(learners.adagrad, optax.scale(rate)),
        lambda rate: optax.scale(rate),
        lambda rate: 0.5 * rate,
    ],
)
def test_what_would_climb_or_is_no_optimizer_is_refused(wrong):
    with pytest.raises(InputError, match=r"optimizer\(0\.2\).* wanted an optax transformation"):
        optimizers.clipped(wrong, 0.2, 10.0)


def test_an_optimizer_of_certain_parameters_is_not_tried_on_others():
    parts = {"a": optax.sgd(0.1), "b": optax.adam(0.1)}
    made = optimizers.clipped(lambda rate: optax.multi_transform(parts, {"x": "a", "y": "b"}), 1, 1)
    assert made.init({"x": jnp.zeros(2), "y": jnp.zeros(2)})


def test_a_language_models_state_can_be_given_away_whatever_it_shares():
    """Two slots share one array, a third is the parameters; the caller's table is not donated."""

    def init(params):
        zeros = jax.tree.map(jnp.zeros_like, params)
        return zeros, zeros, params

    shared = optax.GradientTransformation(init, lambda g, state, params=None: (g, state))
    table = jnp.ones((15, 6), jnp.float32)
    plan, text = _plan(2, 1, optimizer=optax.chain(shared, optax.sgd(0.1))), _text(0, sentences=12)
    resources = training.Resources()
    state, _ = _trained(plan, text, resources, table)
    alone = plan._replace(rule=plan.rule._replace(optimizer=optax.sgd(0.1)))
    plain, _ = _trained(alone, text, resources, table)
    jax.tree.map(np.testing.assert_array_equal, state.params, plain.params)
    assert not table.is_deleted()


def test_called_with_asks_nothing_of_none_and_of_what_does_not_say():
    called_with("a", f=None)
    called_with("a", f=min)
    with pytest.raises(InputError, match=r"f is 3; wanted a function that is called f\(a\)"):
        called_with("a", f=3)

"""Laws of the profiles of accelerators, and of `--profile`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.functional import loops
from jaxemb.lab import command_line
from jaxemb.lab.runs.static import chips
from jaxemb.lab.runs.static.config import StaticConfig

QUICKSTART = "quickstart"


@pytest.fixture(autouse=True)
def _flags(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=")


def _typed(*options: str) -> StaticConfig:
    return command_line.from_command_line(StaticConfig, [QUICKSTART, *options])


@pytest.mark.parametrize("name", ["h200", "tpu"])
def test_a_chip_takes_large_steps_with_a_cap_and_options_come_after_its_profile(name):
    config, plain = _typed("--profile", name), _typed()
    assert config.batch * config.block_length == chips.TOKENS
    assert config.cap is not None
    # steps of whole chunks are what a compiler knows: a segment has several
    assert 2 * config.chunk * chips.TOKENS <= 1 << 18
    assert config.learning_rate == pytest.approx(plain.learning_rate * 4 / 3, rel=1e-4)
    changed = {"batch", "cap", "chunk", "lanes", "learning_rate", "precision"}
    for field in set(vars(plain)) - changed:
        assert getattr(config, field) == getattr(plain, field)
    assert _typed(f"--profile={name}", "--batch", "7").batch == 7


def test_a_gpu_adds_rows_by_one_instruction_and_flags_of_the_user_stay():
    import os

    _typed("--profile", "h200")
    _typed("--profile", "h200")
    assert os.environ["XLA_FLAGS"] == f"--xla_dump_to= {chips.FLAGS}"


def test_another_program_is_a_profile_too_and_a_name_that_is_none_is_refused():
    assert _typed("--profile", "gensim").initialize.__name__ == "init_wide"
    with pytest.raises(InputError, match=r"--profile h300: no such profile: wanted h200, tpu, wo"):
        _typed("--profile", "h300")


def test_a_whole_chunk_has_a_known_number_of_turns_on_an_accelerator_alone(monkeypatch):
    assert loops.turns(8, 8) == 8
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert loops.turns(8, 8) is None
    assert loops.turns(7, 8) == 7


def test_a_stated_precision_reaches_products_of_language_models_and_not_linear_algebra():
    from jaxemb.functional import products
    from jaxemb.linalg.arrays import matmul

    def both(x):
        return jnp.matmul(x, x, precision=products.stated()), matmul(x, x)

    def precisions() -> list[str]:
        jaxpr = jax.make_jaxpr(both)(jnp.ones((2, 2)))
        return [str(e.params["precision"]) for e in jaxpr.eqns if "precision" in e.params]

    assert all("HIGHEST" in each for each in precisions())
    for name in ("default", "high", "highest"):
        with jax.default_matmul_precision(name):
            stated, linear = precisions()
        assert name.upper() in stated
        assert "HIGHEST" in linear


def test_reported_losses_have_float32_whatever_is_stated():
    from jaxemb import objectives
    from jaxemb.static import tables
    from jaxemb.structs import InOut, Vocab
    from jaxemb.training import loop, monitor

    objective = objectives.skipgram()
    resources, _ = objective.prepare(Vocab(("a", "b", "c"), np.array([3, 2, 1])))
    whole = tables.init(jax.random.key(0), InOut(3, 3), 4)
    texts = jnp.zeros((1, 2, 26), jnp.int32)
    key, turn = jax.random.key(1), jnp.eye(4)

    def products_of(function, *arguments) -> list[str]:
        lowered = jax.jit(function, static_argnames="objective").lower(
            *arguments, objective=objective
        )
        return [line for line in lowered.as_text().splitlines() if "dot_general" in line]

    with jax.default_matmul_precision("default"):
        every = [
            *products_of(loop.first_loss, whole, key, 0, texts[0], resources),
            *products_of(monitor._held_out, whole, key, 0, texts, resources, turn),
        ]
    assert len(every) > 3
    scores = [
        line for line in every if "x4xf32" in line
    ]  # products of vectors; others are of masks
    assert scores
    assert all("HIGHEST" in line for line in scores)

"""Laws of a model of a user's own: who trained it uses it; nobody else's code is called."""

import json

import compare_embedders
import embed
import evaluate
import ladder
import numpy as np
import pytest
import train_contextual
from safetensors.numpy import load_file

from jaxemb.errors import InputError
from jaxemb.lab.runs.contextual import embed as embedding, run as runs
from tests.scripts.test_train import draw_nothing, run

CONFIG = """
import dataclasses

import jax
import jax.numpy as jnp

from jaxemb.contextual import models
from jaxemb.lab import ContextualConfig, Corpus
from jaxemb.structs import Contextualizer


def decayed(dim, layers=1, decay=0.5):
    \"\"\"The decaying sum of what a direction read before, through matrices.\"\"\"

    def init(key):
        keys = jax.random.split(key, layers)
        return [jax.random.normal(own, (dim, dim)) / dim**0.5 for own in keys]

    def start(batch):
        return (jnp.zeros((*batch, dim)), jnp.zeros((*batch, dim)))

    def run(params, texts, carry, key=None):
        outputs, carries = [], []
        for text, first, back in zip(texts, carry, (False, True), strict=True):

            def step(state, inputs, first=first):
                x, mask, reset = inputs[0], inputs[1][..., None], inputs[2][..., None]
                new = jnp.where(mask > 0, decay * state * (1 - reset) + x, state)
                return new, new * mask

            last, x = jax.lax.scan(step, first, tuple(text), reverse=back)
            layered = []
            for weights in params:
                x = jnp.tanh(x @ weights) * text.mask[..., None]
                layered.append(x)
            outputs.append(layered)
            carries.append(last)
        return tuple(outputs), tuple(carries)

    return Contextualizer(init, start, run, dim, layers)


@dataclasses.dataclass(frozen=True)
class Config(ContextualConfig):
    decay: float = 0.25


config = Config(
    corpus=Corpus(path=("text.txt",), min_count=2, mark_unknown=True, held_out=0.2),
    model=decayed, optimizer=models.adam, dim=8, layers=2, learning_rate=0.01,
    epochs=1, batch=4, samples=None, dev=0.05, workdir="lm",
)
"""
WORDS = [a + b for a in "xy" for b in "abcdef"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of a user's own model, trained with a number of the command line."""
    folder, random = tmp_path_factory.mktemp("made"), np.random.default_rng(0)
    lines = [
        " ".join("w" if k % 3 == 0 else WORDS[6 * (i % 2) + j] for k, j in enumerate(draw))
        for i, draw in enumerate(random.integers(0, 6, (120, 7)))
    ]
    (folder / "text.txt").write_text("\n".join([*lines, "once"]))
    (folder / "mine.py").write_text(CONFIG)
    (folder / "changed.py").write_text(CONFIG + "\n# changed\n")
    rows = [" ".join([word, *map(str, random.normal(size=5))]) for word in ("w", *WORDS)]
    (folder / "static.txt").write_text("\n".join(rows) + "\n")
    (folder / "in.txt").write_text("w xa w\nxb ya\n")
    (folder / "dev.data.txt").write_text("w\tN\t1-0\txa w xb\tw xc\nw\tN\t1-0\txa w\tw yc\n" * 8)
    (folder / "dev.gold.txt").write_text("T\nF\n" * 8)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        draw_nothing(patch)
        run(train_contextual, "mine.py", "--decay", "0.75", monkeypatch=patch)
    return folder


@pytest.fixture
def place(made, monkeypatch):
    monkeypatch.chdir(made)
    return made


USES = {
    "embed": (embed, "in.txt", "out.safetensors", "--run", "lm"),
    "compare": (compare_embedders, "lm", "static.txt"),
    "ladder": (ladder, "w", "--vectors", "static.txt", "--contextual", "lm", "--picture", "l.png"),
    "words in context": (evaluate, "--wic", "dev.data.txt", "--run", "lm"),
}


@pytest.mark.parametrize("use", USES)
def test_every_command_uses_the_model_with_its_config_and_with_no_other(
    use, place, monkeypatch, capsys
):
    script, *arguments = USES[use]
    run(script, *arguments, "--config", "mine.py", monkeypatch=monkeypatch)
    capsys.readouterr()
    for options, message in (
        ((), "its model is config_mine:decayed sha256:"),
        (("--config", "changed.py"), "was trained with the model config_mine:decayed sha256:"),
        (("--config", "none.py"), "none.py: no such config"),
    ):
        run(script, *arguments, *options, monkeypatch=monkeypatch, code=2)
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


def test_the_numbers_are_those_of_the_run_and_not_of_the_file(place):
    """Layer 1 of the text's first word is its vector times the weights; of the second, decayed."""
    loaded = runs.load("lm", embedding.config_of("mine.py"))
    [(_, layers)] = _vectors(place, ["xa", "w"])
    weights = np.asarray(loaded.params["params"]["bilm"][0])
    numbers = {word: i + 3 for i, word in enumerate(loaded.vocab.words)}
    table = np.asarray(loaded.params["params"]["embed"]["table"])
    start, first, second = (table[number] for number in (0, numbers["xa"], numbers["w"]))
    expected = np.tanh((0.75 * (0.75 * start + first) + second) @ weights)
    np.testing.assert_allclose(layers[1][1, :8], expected, rtol=1e-4, atol=1e-6)


def _vectors(place, tokens):
    from jaxemb.contextual import reader

    model = embedding.of_run("lm", embedding.config_of(str(place / "mine.py")))
    return list(reader.vectors(model, [tokens]))


def test_the_next_command_names_the_config(place, monkeypatch, capsys):
    run(train_contextual, "mine.py", "--decay", "0.75", monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    assert "--config mine.py" in out
    run(
        embed,
        "text.txt",
        "o.safetensors",
        "--run",
        "lm",
        "--config",
        "mine.py",
        monkeypatch=monkeypatch,
    )
    assert "--config mine.py" in capsys.readouterr().out
    assert load_file("o.safetensors")["0"].shape == (3, 7, 16)


def test_a_config_of_another_kind_is_refused(place):
    (place / "static.py").write_text("config = 3\n")
    with pytest.raises(InputError, match=r"wanted config = ContextualConfig\(\.\.\.\)"):
        embedding.config_of("static.py")
    assert embedding.config_of(None) is None


def test_of_a_run_of_this_package_only_the_functions_of_a_config_are_compared(place):
    settings = json.loads((place / "lm/config.json").read_text())["config"]
    assert settings["model"].startswith("config_mine:decayed sha256:")
    assert settings["decay"] == 0.75

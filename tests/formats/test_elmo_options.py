"""options.json: valid options of ELMo are read, all others are refused with their key."""

import json
import warnings

import pytest

from jaxemb.errors import FormatError, FormatWarning
from jaxemb.formats import elmo
from tests.formats import elmo_models as models
from tests.formats.elmo_models import CHAR, SMALL, TOKENS


def _key(name: str, *values) -> dict:
    key = name.replace("__", ".")
    return {
        (name, f"{value!r:.40}"): (json.dumps(models.options_json(**{name: value})), key)
        for value in values
    }


NO_SIZE = ("3", 3.0, True, None, float("nan"), [3], {}, 0, -1, 1 << 30, 10**30, -(10**5000))
OPTIONS = {
    **_key("lstm__projection_dim", *NO_SIZE[:-1]),
    **_key("lstm__dim", *NO_SIZE[:-1], 2),
    **_key("lstm__n_layers", *NO_SIZE[:-1], 65),
    **_key("char_cnn__max_characters_per_token", *NO_SIZE[:-1], 1, 2, 1025, 1 << 20),
    **_key("char_cnn__embedding__dim", *NO_SIZE[:-1]),
    **_key("char_cnn__n_highway", "1", 1.0, True, None, -1, 65),
    **_key("char_cnn__n_characters", 260, 263, 262.0, "262", None, True),
    **_key("char_cnn__activation", "gelu", "ReLU", "", None, 1, ["relu"]),
    **_key("lstm__use_skip_connections", 1, 0, "true", None, []),
    **_key("lstm__cell_clip", 0, -3, "3", True, [], float("nan"), float("inf"), 10**400),
    **_key("lstm__proj_clip", 0, -3, "3", False, {}, float("nan")),
    **_key("char_cnn__filters", [], None, 7, "[[1, 2]]", [[]], [[1]], [[1, 2, 3]], [1, 2]),
    **_key("char_cnn__filters", [[0, 2]], [[1, 0]], [[-1, 2]], [[11, 2]], [[1, 1 << 30]]),
    **_key("char_cnn__filters", [[1, 2.0]], [["1", 2]], [[True, 2]], [[1, None]], {"1": 2}),
    **_key("char_cnn__filters", [[1, 1 << 20], [2, 1 << 20]], [[float("nan"), 2]]),
    **_key("lstm", None, [], "lstm", 3, {}),
    **_key("char_cnn", None, [], "cnn", {}),
    **_key("char_cnn__embedding", None, 2, [], {}),
    **{
        (name, "missing"): (json.dumps(models.options_json(**{name: ...})), name.replace("__", "."))
        for name in (
            *("lstm", "lstm__projection_dim", "lstm__dim", "lstm__n_layers"),
            *("lstm__use_skip_connections", "char_cnn__embedding", "char_cnn__embedding__dim"),
            *("char_cnn__filters", "char_cnn__n_characters", "char_cnn__activation"),
            "char_cnn__max_characters_per_token",
        )
    },
    "a key twice": ('{"lstm": {"n_layers": 1, "n_layers": 2}}', "n_layers: the key twice"),
    "a section twice": ('{"lstm": {}, "lstm": {}}', "lstm: the key twice"),
    **_key("bidirectional", False, 0, 1, "true", None, []),
    "NaN under an ignored key": (
        json.dumps(models.options_json(dropout=float("nan"))),
        "dropout: nan",
    ),
    "a list": ("[1]", "JSON: "),
    "a number": ("3", "JSON: "),
    "null": ("null", "JSON: "),
    "nothing": ("", "JSON: "),
    "half": (json.dumps(models.options_json())[:-5], "JSON: "),
    "more": (json.dumps(models.options_json()) + "{}", "JSON: "),
    "a deep nest": ('{"a":' * 100_000, "JSON: "),
    "deep lists": ("[" * 100_000, "JSON: "),
    "a mark before it": ("\ufeff" + json.dumps(models.options_json()), "JSON: "),
    "no UTF-8": (b'{"lstm": "\xff"}', "JSON: "),
    "UTF-16": (json.dumps(models.options_json()).encode("utf-16"), "JSON: "),
    "a comment": ("// ELMo\n" + json.dumps(models.options_json()), "JSON: "),
    "the other file": (b"\x89HDF\r\n\x1a\n", "JSON: .*swapped"),
    "a megabyte": (json.dumps(models.options_json()) + " " * (1 << 20), "byte 0: "),
}


@pytest.mark.parametrize("case", OPTIONS, ids=str)
def test_options_that_are_not_elmos_are_refused_with_their_key(case, tmp_path):
    content, message = OPTIONS[case]
    path = tmp_path / "options.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FormatError, match=f"options.json: {message}") as error:
        elmo.read_options(path)
    assert len(str(error.value)) < 500 + len(str(path))


def test_options_of_training_and_of_use_are_read(tmp_path):
    path = tmp_path / "options.json"
    path.write_text(json.dumps(models.options_json()))
    assert elmo.read_options(path) == SMALL
    more = {"dropout": 0.1, "all_clip_norm_val": 10.0, "bidirectional": True, "n_epochs": 10}
    options = models.options_json(
        lstm__cell_clip=..., lstm__proj_clip=None, char_cnn__n_characters=261, **more
    )
    path.write_text(json.dumps(options))
    expected = SMALL._replace(cell_clip=None, proj_clip=None)
    assert elmo.read_options(path) == expected._replace(char_cnn=CHAR._replace(n_characters=261))
    path.write_text(json.dumps(models.options_json(char_cnn=..., n_tokens_vocab=7)))
    assert elmo.read_options(path) == TOKENS


@pytest.mark.parametrize("n_highway", [0, ...], ids=["zero", "left out"])
def test_a_model_may_have_no_highways(n_highway, tmp_path):
    path = tmp_path / "options.json"
    path.write_text(json.dumps(models.options_json(char_cnn__n_highway=n_highway)))
    assert elmo.read_options(path).char_cnn.n_highway == 0


@pytest.mark.parametrize("section", ["", "lstm__", "char_cnn__", "char_cnn__embedding__"])
def test_every_key_is_looked_at_or_is_named(section, tmp_path):
    """Keys of training cause no warning: bilm-tf writes them, and no weight depends on them."""
    path = tmp_path / "options.json"
    training = ("dropout", "unroll_steps", "sample_softmax", "n_negative_samples_batch")
    path.write_text(
        json.dumps(models.options_json(**dict.fromkeys(training, 1), bidirectional=True))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert elmo.read_options(path) == SMALL
    path.write_text(json.dumps(models.options_json(**{f"{section}layer_norm": True})))
    named = f"{section}layer_norm".replace("__", ".")
    with pytest.warns(FormatWarning, match=f"options.json: {named}: a key that ELMo's") as caught:
        assert elmo.read_options(path) == SMALL
    assert len(caught) == 1

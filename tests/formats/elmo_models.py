"""Small ELMo models, their files, and a check that reading them fails with a message."""

from pathlib import Path

import numpy as np
import pytest

from jaxemb.errors import FormatError
from jaxemb.formats import elmo
from jaxemb.formats.elmo import layout
from tests import patience

CHAR = elmo.CharOptions(2, ((1, 2), (3, 4)), 1, 262, 10, "relu")
SMALL = elmo.Options(3, 5, 2, 3.0, 3.0, True, CHAR)
TOKENS = SMALL._replace(char_cnn=None)
CELL = "RNN_0/RNN/MultiRNNCell/Cell1/LSTMCell"


def weights(options: elmo.Options, words: int | None = 7) -> elmo.Weights:
    draw = np.random.default_rng(0)

    def array(name, shape):
        return draw.normal(size=layout.in_memory(shape)).astype("f4")

    return layout.build(options, words, array)


def flat(options, weights) -> dict[str, np.ndarray]:
    return layout.flat(options, weights)


def written(tmp_path, options: elmo.Options = SMALL) -> tuple[Path, Path]:
    paths = tmp_path / "options.json", tmp_path / "weights.hdf5"
    elmo.write(*paths, options, weights(options))
    return paths


def refused(paths, message: str, error=FormatError) -> FormatError:
    """The error that reading a model raises, which must match the message."""
    with patience.at_most(15), pytest.raises(error, match=message) as caught:
        elmo.read(*paths)
    return caught.value


def options_json(**changed) -> dict:
    """The content of options.json for SMALL, with changed keys; `...` removes a key."""
    lstm = {"projection_dim": 3, "dim": 5, "n_layers": 2, "cell_clip": 3, "proj_clip": 3}
    char = {"embedding": {"dim": 2}, "filters": [[1, 2], [3, 4]], "n_highway": 1}
    char |= {"n_characters": 262, "max_characters_per_token": 10, "activation": "relu"}
    options = {"lstm": {**lstm, "use_skip_connections": True}, "char_cnn": char}
    for name, value in changed.items():
        inner = options
        *groups, last = name.split("__")
        for group in groups:
            inner = inner[group]
        inner[last] = value
        if value is ...:
            del inner[last]
    return options

"""The pictures of a run: a PNG file if something was measured, and no file if nothing was."""

import numpy as np
import pytest

pictures = pytest.importorskip("jaxemb.lab.runs.contextual.pictures")

METRICS = [
    {
        "words": 1_000 * i,
        "loss": [6.0 - 0.1 * i, 6.5 - 0.1 * i],
        "dev": [400.0, 410.0] if i % 5 == 0 else None,
    }
    for i in range(1, 20)
]


NAMES = ("forward", "backward")


def test_the_training_of_a_language_model_is_drawn_with_its_measured_perplexities(tmp_path):
    assert pictures.draw(tmp_path, METRICS, NAMES) == ["training.png"]
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")
    axes = pictures.perplexities(METRICS, METRICS, NAMES).axes[0]
    forward = next(line for line in axes.lines if line.get_label() == "forward")
    expected = np.exp([row["loss"][0] for row in METRICS])
    np.testing.assert_allclose(forward.get_ydata(), expected, rtol=1e-9)
    dev = next(line for line in axes.lines if line.get_label() == "forward, dev")
    np.testing.assert_array_equal(dev.get_ydata(), [400.0] * 3)


def test_a_training_that_was_not_measured_has_no_picture(tmp_path):
    assert pictures.draw(tmp_path, [{"words": 5}], NAMES) == []
    assert list(tmp_path.iterdir()) == []

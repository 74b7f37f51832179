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


def test_a_sampled_loss_is_not_drawn_as_a_perplexity(tmp_path):
    assert pictures.draw(tmp_path, METRICS, NAMES, 64) == ["training.png"]
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")
    training, dev = pictures.progress(METRICS, NAMES, 64).axes
    forward = next(line for line in training.lines if line.get_label() == "forward")
    np.testing.assert_allclose(forward.get_ydata(), [row["loss"][0] for row in METRICS], rtol=1e-9)
    assert "sampled softmax of 64 words" in training.get_title()
    measured = next(line for line in dev.lines if line.get_label() == "forward")
    np.testing.assert_array_equal(measured.get_ydata(), [400.0] * 3)


def test_a_training_that_was_not_measured_has_no_picture(tmp_path):
    assert pictures.draw(tmp_path, [{"words": 5}], NAMES, None) == []
    assert list(tmp_path.iterdir()) == []

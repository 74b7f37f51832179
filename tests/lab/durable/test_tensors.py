"""Saved arrays: what is read is what was written, or an error says what is wrong."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.errors import InputError, NumericalError
from jaxemb.lab.durable import tensors
from jaxemb.structs import InOut, LearnerState, Refused

STATE = LearnerState(
    InOut(jnp.arange(6.0).reshape(2, 3), jnp.ones((2, 3))),
    InOut((jnp.arange(3),), jnp.zeros(1)),
    Refused(),
)


def test_what_is_restored_is_what_was_saved(tmp_path):
    path = tmp_path / "state.safetensors"
    tensors.save(path, STATE, {"step": 7})
    again = tensors.restore(path, STATE)
    assert tensors.cursor(path) == {"step": 7}
    assert type(again) is LearnerState
    np.testing.assert_array_equal(again.tables.input, STATE.tables.input)
    np.testing.assert_array_equal(again.optimizer.input[0], STATE.optimizer.input[0])


def test_an_array_in_fortran_order_is_saved_as_it_reads(tmp_path):
    path, table = tmp_path / "t.safetensors", np.asfortranarray(np.arange(6.0).reshape(2, 3))
    tensors.save(path, {"t": table}, {})
    np.testing.assert_array_equal(tensors.arrays(path)["t"], table)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_never_written(tmp_path, bad):
    path = tmp_path / "state.safetensors"
    tensors.save(path, STATE, {})
    before = path.read_bytes()
    broken = STATE._replace(tables=InOut(jnp.full((2, 3), bad), jnp.ones((2, 3))))
    with pytest.raises(NumericalError, match=r"tables\.input holds NaN or infinity"):
        tensors.save(path, broken, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_does_not_fit_is_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    tensors.save(path, {"a": np.ones(3)}, {})
    with pytest.raises(InputError, match=r"a: got float64 \(3,\), wanted float64 \(4,\)"):
        tensors.restore(path, {"a": np.ones(4)})
    with pytest.raises(InputError, match="b: got nothing"):
        tensors.restore(path, {"b": np.ones(3)})


@pytest.mark.parametrize("data", [b"", b"not a checkpoint at all"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, data):
    path = tmp_path / "state.safetensors"
    path.write_bytes(data)
    with pytest.raises(InputError, match="not a checkpoint"):
        tensors.cursor(path)

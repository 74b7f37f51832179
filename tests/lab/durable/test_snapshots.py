"""Laws of snapshots. Oracle: NumPy's slices of the array that was saved."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.errors import InputError, NumericalError
from jaxemb.lab.durable import snapshots
from jaxemb.lab.durable.snapshots import PARTS

TREE = {
    "table": jnp.arange(3.0 * 200).reshape(200, 3),
    "short": jnp.arange(5, dtype=jnp.int32),
    "number": jnp.float32(7.5),
    "empty": jnp.zeros((0, 4)),
    "flags": jnp.arange(130) % 3 == 0,
}


def _restored(taken: snapshots.Snapshot, like=TREE):
    return snapshots.restored(taken.arrays, taken.parts.__getitem__, like)


def test_what_is_put_together_is_what_was_taken():
    taken = snapshots.take(TREE, {"step": 1})
    assert sorted(taken.parts) == list(range(PARTS))
    whole = snapshots.whole(_restored(taken))
    for name, leaf in TREE.items():
        np.testing.assert_array_equal(whole[name], leaf)
        assert whole[name].dtype == leaf.dtype


@pytest.mark.parametrize(("start", "stop"), [(0, 200), (3, 5), (7, 99), (199, 200), (50, 50)])
def test_any_rows_are_read_from_the_parts_that_have_them(start, stop):
    taken, read = snapshots.take(TREE, {"step": 1}), []

    def part(number):
        read.append(number)
        return taken.parts[number]

    rows = snapshots.restored(taken.arrays, part, TREE)["table"]
    np.testing.assert_array_equal(rows.read(start, stop), TREE["table"][start:stop])
    assert len(read) <= (stop - start) // 4 + 2  # parts of four rows, and no others


def test_every_row_is_in_one_part_whatever_the_number_of_processes():
    whole = snapshots.take(TREE, {"step": 1})
    for processes in (2, 3, 64):
        parts: dict = {}
        for index in range(processes):
            own = snapshots.take(TREE, {"step": 1}, None, index, processes)
            assert not parts.keys() & own.parts.keys()
            parts |= own.parts
        assert parts.keys() == whole.parts.keys()
        for number, arrays in whole.parts.items():
            assert parts[number].keys() == arrays.keys()
            for name, values in arrays.items():
                np.testing.assert_array_equal(parts[number][name], values)


def test_padding_is_not_kept():
    padded = {"table": jnp.ones((256, 3)).at[200:].set(9.0)}
    taken = snapshots.take(padded, {"step": 1}, {"table": TREE["table"]})
    whole = snapshots.whole(_restored(taken, {"table": TREE["table"]}))
    np.testing.assert_array_equal(whole["table"], np.ones((200, 3)))


def test_a_snapshot_is_a_copy():
    table = np.ones((4, 2), np.float32)
    taken = snapshots.take({"t": table}, {"step": 1})
    table[:] = 5
    assert all((values["t"] == 1).all() for values in taken.parts.values() if values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 63, 199])
def test_a_number_that_is_not_finite_is_never_taken(bad, row):
    broken = {**TREE, "table": TREE["table"].at[row, 2].set(bad)}
    with pytest.raises(NumericalError, match="table holds NaN or infinity: it is not saved"):
        snapshots.take(broken, {"step": 1})


def test_an_array_of_another_shape_type_or_name_is_refused():
    taken = snapshots.take({"t": np.ones((3, 2), np.float32)}, {"step": 1})
    with pytest.raises(InputError, match=r"t: got float32 \[3, 2\], wanted float32 \[4, 2\]"):
        _restored(taken, {"t": np.ones((4, 2), np.float32)})
    with pytest.raises(InputError, match="wanted float64"):
        _restored(taken, {"t": np.ones((3, 2))})
    with pytest.raises(InputError, match="u: got nothing"):
        _restored(taken, {"u": np.ones((3, 2), np.float32)})

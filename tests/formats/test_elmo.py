"""ELMo: the fixture as h5py reads it; round trips; failures of the process that reads HDF5."""

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from jaxemb.errors import FormatError, InputError
from jaxemb.formats import elmo
from jaxemb.formats.elmo import layout
from tests import patience
from tests.formats import elmo_models as models, fuzz
from tests.formats.elmo_models import CHAR, SMALL, TOKENS

FIXTURE = Path(__file__).parents[3] / "shared/data/elmo_fixture_bilm_tf"
MODELS = {
    "characters": SMALL,
    "without a projection": SMALL._replace(projection_dim=6, dim=8),
    "one layer": SMALL._replace(n_layers=1),
    "a cell that is not projected": SMALL._replace(dim=3),
    "neither projection": SMALL._replace(projection_dim=6, dim=6),
    "no highway, tanh, 261": SMALL._replace(
        char_cnn=CHAR._replace(n_highway=0, activation="tanh", n_characters=261)
    ),
    "no clips, no skips": SMALL._replace(
        cell_clip=None, proj_clip=None, use_skip_connections=False
    ),
    "token input": TOKENS,
}


@pytest.mark.parametrize("model", MODELS)
def test_what_is_written_is_read_bit_for_bit(model, tmp_path):
    options, weights = MODELS[model], models.weights(MODELS[model])
    paths = tmp_path / "o", tmp_path / "w"
    elmo.write(*paths, options, weights)
    options_read, weights_read = elmo.read(*paths)
    assert options_read == options == elmo.read_options(paths[0])
    expected, arrays = models.flat(options, weights), models.flat(options, weights_read)
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        assert array.dtype == np.float32
        assert array.tobytes() == expected[name].tobytes(), name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o", "w"]


def test_the_layout_is_that_of_the_paper_model(tmp_path):
    """The shapes and the count of the released model: 93,600,848 numbers."""
    filters = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))
    char = elmo.CharOptions(16, filters, 2, 262, 50, "relu")
    shapes = layout.shapes(elmo.Options(512, 4096, 2, 3.0, 3.0, True, char), None)
    assert shapes["CNN/W_cnn_6"] == (1, 7, 16, 1024)
    assert shapes["CNN_high_1/W_carry"] == (2048, 2048)
    assert shapes["RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/W_0"] == (1024, 16384)
    assert sum(np.prod(shape) for shape in shapes.values()) == 93_600_848


@pytest.mark.skipif(not FIXTURE.is_dir(), reason=f"bilm-tf's fixture is not at {FIXTURE}")
def test_the_fixture_is_read_as_h5py_reads_it():
    options, weights = elmo.read(FIXTURE / "options.json", FIXTURE / "lm_weights.hdf5")
    filters = ((1, 4), (2, 8), (3, 16), (4, 32), (5, 64))
    char = elmo.CharOptions(4, filters, 2, 262, 50, "relu")
    assert options == elmo.Options(16, 64, 2, 3.0, 3.0, False, char)
    assert weights.char_embed.shape == (261, 4)
    assert [kernel.shape for kernel, _ in weights.convolutions] == [(w, 4, n) for w, n in filters]
    assert [tuple(a.shape for a in layer) for layer in weights.highways] == 2 * [
        ((124, 124), (124,), (124, 124), (124,))
    ]
    assert weights.projection[0].shape == (124, 16)
    assert [[a.shape for a in layer] for direction in weights.lstms for layer in direction] == 4 * [
        [(32, 256), (256,), (64, 16)]
    ]
    assert weights.embedding is None
    arrays = models.flat(options, weights)
    with h5py.File(FIXTURE / "lm_weights.hdf5") as file:
        names: list[str] = []
        file.visititems(lambda name, at: names.append(name) if hasattr(at, "shape") else None)
        assert sorted(names) == sorted(arrays)
        for name in names:
            np.testing.assert_array_equal(arrays[name], file[name][()])


@pytest.mark.parametrize("n_layers", [1, 3])
def test_layers_are_neither_dropped_nor_made_up(n_layers, tmp_path):
    options, weights = models.written(tmp_path)
    options.write_text(json.dumps(models.options_json(lstm__n_layers=n_layers)))
    models.refused((options, weights), f"RNN_0/RNN/MultiRNNCell/Cell{min(n_layers, 2)}: ")


def test_options_of_any_size_cost_nothing(tmp_path):
    options, weights = models.written(tmp_path)
    large = {"lstm__dim": 1 << 20, "lstm__projection_dim": 1 << 20, "lstm__n_layers": 64}
    options.write_text(json.dumps(models.options_json(**large, char_cnn__filters=[[1, 1]] * 1000)))
    models.refused((options, weights), "RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_0: shape")


def test_the_other_process_imports_neither_jax_nor_this_package(tmp_path, monkeypatch):
    paths = models.written(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("jax", "jaxlib", "flax", "jaxemb"):
        (tmp_path / f"{name}.py").write_text("import os; os._exit(3)")
    assert elmo.read(*paths)[0] == SMALL
    (tmp_path / "h5py.py").write_text("import os; os._exit(3)")  # a process that imports it fails
    models.refused(paths, "the file: the process that reads HDF5 ended with 3")


DEATHS = {
    "a crash": ("os.kill(os.getpid(), signal.SIGSEGV)", r"crashed \(signal 11\)"),
    "a hang": ("time.sleep(60)", "reading took more than 1 s"),
    "an end": ("sys.exit(4)", "ended with 4"),
    "noise": ("os.write(1, b'\\xff\\n')", "sent b'.xff.n'"),
    "a list": ("os.write(1, b'[]\\n')", "sent b'\\[\\]"),
    "a flood": ("os.write(1, b'x' * 99999)", "ended with 0"),
    "another shape": ("""os.write(1, b'{"shape": [9, 9]}\\n')""", r"sent shape \[9, 9\]"),
    "a shape too large": ("""os.write(1, b'{"shape": [1e30]}\\n')""", "sent"),
    "half of the numbers": ("""os.write(1, b'{"shape": [6, 20]}\\nxxxx')""", "ended with 0"),
    "a long error": ("""os.write(1, b'{"actual": "' + b'x' * 60000 + b'"}\\n')""", "xxx"),
}


@pytest.mark.parametrize("death", DEATHS)
def test_whatever_the_other_process_does_is_an_error_with_its_place(death, tmp_path, monkeypatch):
    paths = models.written(tmp_path)
    program, message = DEATHS[death]
    first = "RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_0"
    start = f'import json, os, signal, sys, time\nos.write(1, b\'{{"at": "{first}"}}\\n\')\n'
    (tmp_path / "program.py").write_text(start + program)
    monkeypatch.setattr(elmo, "_PROGRAM", tmp_path / "program.py")
    monkeypatch.setattr(elmo, "_SECONDS", 1 if death == "a hang" else 60)
    error = models.refused(paths, message)
    assert error.where == first
    assert len(str(error)) < 2000


def test_the_other_process_keeps_within_its_memory_and_can_open_no_file(tmp_path, monkeypatch):
    paths = models.written(tmp_path)
    program = elmo._PROGRAM.read_text()
    for line, message in (
        ("np.ones(1 << 28)", "more memory than its size explains; expected at most 51. MB"),
        ("open('/etc/hostname')", "damaged .*Too many open files"),
    ):
        changed = program.replace(
            "        no_more_files()\n", f"        no_more_files()\n        {line}\n"
        )
        (tmp_path / "program.py").write_text(changed)
        monkeypatch.setattr(elmo, "_PROGRAM", tmp_path / "program.py")
        models.refused(paths, f"the file: {message}")


def test_a_missing_file_or_library_is_named(tmp_path, monkeypatch):
    options, weights = models.written(tmp_path)
    models.refused(
        (options, tmp_path / "none"), "none: no such file: wanted ELMo's weights", InputError
    )
    models.refused(
        (tmp_path / "none", weights), "none: no such file: wanted ELMo's opt", InputError
    )
    models.refused((options, tmp_path), "no such file", InputError)
    monkeypatch.setitem(sys.modules, "h5py", None)
    models.refused((options, weights), "wants h5py: pip install 'jaxemb.elmo.'", InputError)
    with pytest.raises(InputError, match="wants h5py"):
        elmo.write(options, weights, SMALL, models.weights(SMALL))


def test_what_could_not_be_read_back_is_not_written(tmp_path):
    paths, good = (tmp_path / "o", tmp_path / "w"), models.weights(SMALL)
    bad = {
        "char_embed: holds float64": good._replace(char_embed=np.ones((261, 2))),
        r"char_embed: holds float32 \[2\]": good._replace(char_embed=np.ones(2, "f4")),
        "char_embed: .*not finite": good._replace(char_embed=np.full((261, 2), np.nan, "f4")),
        "char_embed: holds object": good._replace(char_embed=None),
        "weights.highways holds 0": good._replace(highways=()),
        "weights.projection holds NoneType": good._replace(projection=None),
        r"weights.lstms.0 holds 1; wanted a tuple of 2": good._replace(
            lstms=(good.lstms[0][:1], good.lstms[1])
        ),
        "weights.embedding holds an array": good._replace(embedding=np.ones((2, 3), "f4")),
    }
    for message, weights in bad.items():
        with pytest.raises(InputError, match=message):
            elmo.write(*paths, SMALL, weights)
    with pytest.raises(FormatError, match=r"lstm\.cell_clip: "):
        elmo.write(*paths, SMALL._replace(cell_clip=-1.0), good)
    assert list(tmp_path.iterdir()) == []


def test_mutated_files_are_refused_with_their_place_or_read_whole(tmp_path, pytestconfig):
    options, weights = models.written(tmp_path)
    data, draw = weights.read_bytes(), np.random.default_rng(0)
    for _ in range(max(pytestconfig.getoption("mutants") // 250, 1)):
        weights.write_bytes(fuzz.mutate(data, draw))
        try:
            with patience.at_most(15):
                arrays = models.flat(*elmo.read(options, weights))  # checks shapes, too
        except FormatError as error:
            if not error.where or not str(error).startswith(f"{weights}: "):
                raise
        else:
            assert all(np.isfinite(array).all() for array in arrays.values())

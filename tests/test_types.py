"""Laws of the types that a user's checker sees: pyright, from the environment of the tests."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PROGRAM = """
from typing import assert_type

import jax
import jax.numpy as jnp
import numpy as np

import jaxemb
from jaxemb import embedders, evaluation, formats, linalg

vocab, ids = jaxemb.text.encode(["a b a b"], min_count=1)
key = jax.random.key(0)

# what is right
tables = jaxemb.training.fit(key, ids, vocab, jaxemb.skipgram(window=2), dim=3, epochs=1)
assert_type(tables.input, jax.Array)
tables.input.at[0].set(0.0)
assert_type([table for table in tables], list[jax.Array])
assert_type(tables._replace(input=jnp.zeros((2, 3))), jaxemb.InOut[jax.Array])
jaxemb.training.fit(key, [0, 1, -1], vocab, jaxemb.cbow_hs(), initial=tables)
masks = jaxemb.InOut(np.ones(2), np.zeros(2))
jaxemb.training.fit(key, ids, vocab, jaxemb.subword_cbow(minn=2), trainable=masks)
report = linalg.rank(tables.input, tolerance=1e-3)
assert_type(report, linalg.RankReport)
assert_type(report.rank, jax.Array | np.ndarray)
assert_type(bool(report.certified), bool)
of = linalg.spectrum(np.eye(3))
assert_type(linalg.effective_rank(of), jax.Array | np.ndarray)
print(float(linalg.stable_rank(tables.output)) + linalg.center([[1.0, 2.0], [3.0, 4.0]]).max())
assert_type(linalg.dependence(np.eye(3)).residual, jax.Array | np.ndarray)
assert_type(jaxemb.losses.skipgram(jnp.ones(3), jnp.ones(3), jnp.ones((5, 3))), jax.Array)
assert_type(embedders.lookup(2, 3).apply(tables.input, jnp.arange(2), jnp.ones(2)), jax.Array)
assert_type(vocab.words, tuple[str, ...])
assert_type(vocab.counts, np.ndarray)
assert_type(evaluation.nearest(vocab, tables.input, "a").words, tuple[str, ...])
print(formats.read("vectors.vec").vectors.shape)

# what is wrong
linalg.rank("hello")  # wrong
linalg.rank([1.0, 2.0])  # wrong
linalg.rank(np.eye(3), tolerance="small")  # wrong
linalg.effective_rank(None)  # wrong
linalg.spectrum(np.eye(3), method="qr")  # wrong
jaxemb.training.fit(key, ids, vocab, "skipgram")  # wrong
jaxemb.training.fit(key, ids, vocab, jaxemb.skipgram)  # wrong
jaxemb.training.fit(key, "my.txt", vocab, jaxemb.skipgram())  # wrong
jaxemb.training.fit(key, ids, vocab, jaxemb.skipgram(), initial=(1, 2))  # wrong
jaxemb.skipgram(windows=3)  # wrong
jaxemb.skipgram_nce(negatives="5")  # wrong
jaxemb.cbow(loss=1)  # wrong
tables.inputs  # wrong
tables.input.upper()  # wrong
report.ranks  # wrong
report.rank.upper()  # wrong
vocab.counts.at  # wrong
jaxemb.losses.skipgram("a", "b", "c")  # wrong
jaxemb.nothing  # wrong
"""


def _pyright(folder: Path, *arguments: str) -> dict:
    """Run pyright in a folder, on this Python and this checkout; skip where it does not run."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        # --verifytypes looks for packages beside the first python on the path
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    command = [sys.executable, "-m", "pyright"]
    run = {"cwd": folder, "env": environment, "capture_output": True, "text": True}
    version = subprocess.run([*command, "--version"], **run)
    if version.returncode:
        pytest.skip(f"pyright does not run here: {version.stderr.strip()[-200:]}")
    return json.loads(subprocess.run([*command, "--outputjson", *arguments], **run).stdout)


def test_a_users_program_is_right_or_wrong_line_by_line(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    answer = _pyright(tmp_path, "--pythonpath", sys.executable, "program.py")
    errors = {
        entry["range"]["start"]["line"]: entry["message"]
        for entry in answer["generalDiagnostics"]
        if entry["severity"] == "error"
    }
    lines = PROGRAM.splitlines()
    wrong = {number for number, line in enumerate(lines) if line.endswith("# wrong")}
    assert {lines[number]: errors[number] for number in errors.keys() - wrong} == {}
    assert [lines[number] for number in sorted(wrong - errors.keys())] == []


def test_every_public_name_has_a_known_type(tmp_path):
    answer = _pyright(tmp_path, "--verifytypes", "jaxemb", "--ignoreexternal")["typeCompleteness"]
    assert answer["packageRootDirectory"] == str(ROOT / "jaxemb")
    unknown = [
        (symbol["name"], [entry["message"] for entry in symbol["diagnostics"]])
        for symbol in answer["symbols"]
        if symbol["isExported"] and (not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"])
    ]
    assert unknown == []
    assert answer["exportedSymbolCounts"]["withKnownType"] > 3000

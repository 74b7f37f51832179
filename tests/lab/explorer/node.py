"""The page's own programs in Node.js, and made tables for them."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from jaxemb.lab.explorer import page, quantised

NODE = shutil.which("node")
IN_NODE = pytest.mark.skipif(NODE is None, reason="the page's programs run in Node.js: not here")
ROWS, DIM, NEAR = 100, 12, 8


def made(rows=ROWS, dim=DIM, seed=0):
    rng = np.random.default_rng(seed)
    spread = np.geomspace(3.0, 0.2, dim)
    return (rng.normal(size=(rows, dim)) * spread + rng.normal(size=dim)).astype(np.float32)


def in_node(**question):
    folder = Path(__file__).parent
    asked = {"web": str(page.WEB), "vendor": str(page.VENDOR / "vendor.min.js"), **question}
    command = [NODE, str(folder / "in_node.mjs")]
    done = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def answers(table, changes, words):
    """What the page computes of a `content.Table`, for every change, about some rows."""
    codes = base64.b64encode(quantised.pack(table.codes.codes).tobytes()).decode()
    ask = [{"settings": change, "words": words, "near": NEAR} for change in changes]
    return in_node(values=json.loads(page.as_json(table.values)), codes=codes, ask=ask)

"""What the laws of the page in a browser share: made pages, and what a tab shows."""

import numpy as np

from jaxemb.lab.explorer import page

ROWS, DIM = 300, 12
WORDS = [a + b + c for a in "klmnprst" for b in "aeiou" for c in "dgmnrstx"][:ROWS]


def clouds():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(20, 2)).round(4)
    layers = [
        {"points": (size * points).tolist(), "explained": 0.5, "alike": 1 - size / 3}
        for size in (0, 1, 2)
    ]
    contexts = [[f"left {i}", f"right {i}"] for i in range(20)]
    group = [i % 2 for i in range(20)]
    names = ["one", "two"]
    word = {
        "word": WORDS[7],
        "sentences": 40,
        "group": group,
        "names": names,
        "contexts": contexts,
        "layers": layers,
    }
    return {"name": "lm", "words": [word], "training": None}


def training():
    loss = {"name": "loss", "x": [1e6, 2e6, 3e6], "y": [3.0, 2.5, 2.2], "averaged": False}
    spectra = [{"words": 1e6 * i, "values": [3.0 + i, 2.0, 1.0]} for i in range(3)]
    return {"curves": [loss], "unit": "words read", "epochs": [2_000_000], "spectra": spectra}


def written(path, table, **more):
    """Write a page; returns its address."""
    values = {**table.values, "name": "made.txt", "limited": False, **more}
    path.write_text(page.html("made: explorer", values, table.codes.codes), "utf-8")
    return path.as_uri()


def listed(tab, name):
    rows = tab.locator(f"ol[aria-label='{name}'] button").all()
    return [tuple(row.locator("span").all_inner_texts()) for row in rows]


def frames(tab):
    """Wait until what was asked for is drawn."""
    tab.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )

"""Every picture that the project draws, by its function, from made values of the usual size."""

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from jaxemb import linalg
from jaxemb.evaluation import contextuality
from jaxemb.lab.studies.architectures import report as architectures_report
from jaxemb.lab.studies.polysemy import report as polysemy_report
from jaxemb.lab.tables import inspection

WORDS = tuple(f"word{i}" if i % 3 else f"internationalisation{i}" for i in range(1500))


def _table(rows: int = 1500, dim: int = 20) -> np.ndarray:
    random = np.random.default_rng(0)
    centers = random.normal(size=(6, dim))
    return (centers[random.integers(0, 6, rows)] + random.normal(size=(rows, dim))).astype("f4")


def _estimate(value: float = 0.4) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


def metrics(epochs: int = 30, members: int = 0) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl: ten a epoch, and one at its end."""
    rows: list[dict[str, Any]] = []
    for i in range(10 * epochs + 1):
        row: dict[str, Any] = {"epoch": i // 10, "words": 97_000 * i, "loss": 4 - i / 200}
        values = np.linspace(2, 1, 20) * (1 + i)
        spectra = [(values + k).tolist() for k in range(members)] or values.tolist()
        if i % 10 == 0:
            row |= {"held_out": 4.1 - i / 200, "singular_values": spectra}
            row |= {"effective_rank": 12.0, "imbalance": 3e4 + i}
        rows.append(row)
    return rows


def language_model() -> list[dict[str, Any]]:
    rows = [{**row, "loss": [row["loss"], row["loss"] + 0.1]} for row in metrics(3)]
    for row in rows[10::10]:
        row["dev"] = [200.0, 210.0]
    return rows


@functools.cache
def description(rank: int = 20) -> dict[str, Any]:
    left, right = np.linalg.qr(_table())[0][:, :rank], _table(rank)
    table = _table() if rank == 20 else (left @ right).astype("f4")
    return inspection.describe(table, WORDS)


def scored() -> dict[str, Any]:
    kinds = ("capital-common-countries", "gram6-nationality-adjective", "currency")
    row = {**_estimate(), "asked": 353}
    sections = {kind: {**_estimate(), "asked": 1_332} for kind in kinds}
    test = {**row, "asked": 19_544, "sections": sections}
    return {"similarity": {"WordSim-353": row}, "analogies": {"questions-words": test}}


def factorization() -> dict[str, Any]:
    values = np.linspace(40, 3, 50)
    bounds = {"lower": values - 0.1, "upper": values + 0.1, "residuals": values * 1e-6}
    return {"singular_values": values, "frobenius": 200.0, **bounds}


def rungs(words: tuple[str, ...] = WORDS[:11]) -> list[Any]:
    from jaxemb.lab.studies.ladder.rungs import Rung

    table = _table(len(words))
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    cosines = unit @ unit.T
    hot = Rung("one-hot", 11_718, 11_718, 11_718, "", "", words, np.eye(len(words)))
    return [hot, Rung("static", 11_718, 100, 100, "", "", words, cosines)]


def seen(word: str = "plant") -> Any:
    from jaxemb.lab.studies.ladder.cloud import Cloud, Seen
    from jaxemb.lab.studies.ladder.rungs import Rung

    points = np.random.default_rng(1).normal(size=(60, 2))
    group = (points[:, 0] > 0).astype(int)
    names = ("beside to, and, between", "beside have, not, a")
    contexts = (("miles of the internationalised", "virtually incorporated into"),) * 60
    cloud = Cloud(word, 2, points, group, names, False, contexts, 0.22)
    return Seen(Rung("contextual", 14_116, 200, 200, "", "", (), np.eye(1)), cloud)


def _layer(layer: int) -> contextuality.Contextuality:
    measures = dict.fromkeys(contextuality.Contextuality._fields, 0.5)
    counts = {"layer": layer, "occurrences": 9_000, "types": 90, "min_occurrences": 50}
    shape = {"rank": linalg.rank(np.eye(3)), "spectrum": np.ones(200), "effective_rank": 112.0}
    return contextuality.Contextuality(**{**measures, **counts, **shape})


def _architectures() -> dict[str, Any]:
    names = (
        "LSTM",
        "GRU",
        "minGRU",
        "causal Transformers",
        "masked Transformer",
        "my_own",
        "yours",
    )
    layer = {name: _estimate() for name in architectures_report.MEASURES}
    return {n: {"to_baseline": _estimate(0.8), "layers": [layer, layer, layer]} for n in names}


def _likelihoods() -> list[Any]:
    from jaxemb.lab.studies.likelihood.run import Likelihood

    names = ("unigrams", "negative sampling", "NCE", "hierarchical softmax", "full softmax")
    corrected = (None, -6.6, None, None, None)
    rows = zip(names, corrected, (-6.9, -7.9, -6.4, -6.5, -6.3), strict=True)
    return [Likelihood(name, value, other, None, 1.0) for name, other, value in rows]


def _theorem() -> tuple[dict[str, Any], dict[str, Any]]:
    from jaxemb.lab.studies.theorem.measures import SKIPGRAM, SVD

    random = np.random.default_rng(2)
    x, both = random.normal(size=2000), (SKIPGRAM, SVD)
    spectrum = {"singular_values": np.linspace(9, 1, 50).tolist(), "effective_rank": 40.0}
    tests = {"WordSim-353": _estimate(), "SimLex-999": _estimate(0.2)}
    counts = (1, 2, 5, 10, 20, 50, 100, 200)
    agreement = [{"least": n, "r": dict.fromkeys(both, 0.5 + n / 500)} for n in counts]
    kinds = ("positive PMI", "counts")
    values = {
        "often": {"least": 50, "r": dict.fromkeys(both, 0.7)},
        "agreement": agreement,
        "tables": {name: {**spectrum, "similarity": tests} for name in both},
        "angles": dict.fromkeys(("input", "output", "random"), np.linspace(10, 89, 50).tolist()),
        "harris": {kind: {name: _estimate() for name in both} for kind in kinds},
    }
    cells = SimpleNamespace(values=np.full(2000, 60.0))
    matrix = SimpleNamespace(counts=cells, optimum=SimpleNamespace(values=x))
    products = dict.fromkeys(both, x + random.normal(size=2000))
    vectors = dict.fromkeys(both, x / 2)
    harris = SimpleNamespace(contexts=dict.fromkeys(kinds, x), vectors=vectors)
    return values, {"matrix": matrix, "products": products, "harris": harris}


def every(words: tuple[str, ...] = WORDS) -> dict[str, Callable[[], Any]]:
    """Draw each picture of the project, by the name of its function; some from several values."""
    from jaxemb.lab.runs.contextual import pictures as contextual
    from jaxemb.lab.runs.counts import pictures as counts
    from jaxemb.lab.runs.static import pictures as static
    from jaxemb.lab.studies.architectures import pictures as architectures
    from jaxemb.lab.studies.context import pictures as context
    from jaxemb.lab.studies.ladder import pictures as ladder
    from jaxemb.lab.studies.likelihood import pictures as likelihood
    from jaxemb.lab.studies.polysemy import pictures as polysemy
    from jaxemb.lab.studies.theorem import pictures as theorem
    from jaxemb.lab.tables import pictures as tables

    both, measures = ("forward", "backward"), polysemy_report.MEASURES
    layers = {f"layer {i}": {name: _estimate() for name in measures} for i in range(3)}
    own, labels = _architectures(), architectures_report.MEASURES
    two = {"runs/quickstart": scored(), "runs/architectures/seed_0/static": scored()}
    return {
        "static.losses": lambda: static.losses(metrics()),
        "static.losses of one epoch": lambda: static.losses(metrics(1)),
        "static.over_time": lambda: static.over_time(metrics()),
        "static.members_over_time": lambda: static.members_over_time(metrics(3, members=4)),
        "static.word_map": lambda: static.word_map(words, _table(len(words))),
        "static.word_map of few": lambda: static.word_map(words[:9], _table(9, 1)),
        "contextual.progress": lambda: contextual.progress(language_model(), both, 1024),
        "contextual.progress, full": lambda: contextual.progress(
            [row for row in language_model() if "dev" not in row], both, None
        ),
        "counts.factorization": lambda: counts.factorization(factorization()),
        "tables.spectrum": lambda: tables.spectrum(description()),
        "tables.spectrum, deficient": lambda: tables.spectrum(description(12)),
        "tables.rows": lambda: tables.rows(description()),
        "tables.axes": lambda: tables.axes(description()),
        "tables.scores": lambda: tables.scores({"runs/quickstart": scored()}),
        "tables.scores of two": lambda: tables.scores(two),
        "architectures.panels": lambda: architectures.panels(own, labels),
        "context.bars": lambda: context.bars([_layer(i) for i in range(3)]),
        "context.bars of one": lambda: context.bars([_layer(0)]),
        "ladder.two": lambda: ladder.two(rungs(words[:11])),
        "ladder.three": lambda: ladder.three(rungs(words[:11]), seen(words[0])),
        "likelihood.points": lambda: likelihood.points(_likelihoods()),
        "polysemy.bars": lambda: polysemy.bars(layers, measures),
        "theorem.panels": lambda: theorem.panels(*_theorem()),
    }

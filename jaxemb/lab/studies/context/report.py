"""Report what context changes between two embedders, measured on the same tokens."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxemb import linalg
from jaxemb.contextual.language_model import CONTEXT
from jaxemb.errors import InputError, at_least
from jaxemb.evaluation import contextuality
from jaxemb.evaluation.contextuality import Contextuality
from jaxemb.evaluation.jacobians import jacobian_share
from jaxemb.functional.reading import in_context
from jaxemb.lab import outcome, report, workdir
from jaxemb.lab.runs.contextual import embed
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.studies.context import tokens
from jaxemb.lab.studies.context.tokens import Source, Texts
from jaxemb.text import characters

SHORT, SENTENCES = 12, 4  # tokens of a sentence, and sentences, that the Jacobian share is of
PROBES = 16  # random probes of the Jacobian
MEASURES = (
    "layer",
    "context share",
    "corrected",
    "self-similarity - anisotropy",
    "anisotropy",
    "intra-sentence",
    "MEV - baseline",
    "CKA",
    "effective rank",
)


class Compared(NamedTuple):
    """The measures of one of the two embedders."""

    source: Source
    layers: list[Contextuality]
    jacobian: Float[np.ndarray, " layers"]  # the share of context in the Jacobian of an output


class Comparison(NamedTuple):
    """The measures of two embedders on the same tokens."""

    sides: tuple[Compared, Compared]
    sentences: int
    tokens: int
    cka: Float[np.ndarray, "left right"]  # of each pair of layers


def compare(
    left: str,
    right: str,
    text: str | None,
    sentences: int,
    config: ContextualConfig | None = None,
) -> Comparison:
    """Measure two embedders, at least one of them contextual, on the tokens that both know.

    Args:
        left, right: finished runs, or files of static vectors.
        text: a file with one sentence per line; by default the held-out text of the contextual run.
        sentences: the largest number of sentences to read, spread over the whole text.
        config: as in `run.load`, for the runs whose functions are not from this package.

    Raises:
        InputError: no such run, file or vectors; both embedders are static; too little text.
    """
    at_least(1, sentences=sentences)
    paths = (left, right)
    known = {path: tokens.contextual(path, config) for path in paths if _model(path)}
    if not known:
        raise InputError(
            f"neither {left} nor {right} is a finished language model: static vectors are compared "
            f"by {outcome.typed('evaluate', left, right)}"
        )
    read = embed.sentences(Path(text)) if text else tokens.held_out(next(iter(known)))
    texts = tokens.some(read, sentences)
    sources = [known.get(path) or tokens.static(path, texts) for path in paths]
    gathered = tokens.gather(sources, texts)
    compared = []
    for i, source in enumerate(sources):
        other = gathered.layers[1 - i][0]
        layers = contextuality.describe(
            jax.random.key(0), gathered.layers[i], other, gathered.types, gathered.sentences
        )
        compared.append(Compared(source, layers, jacobian_shares(source, texts)))
    cka = [[float(linalg.cka(a, b)) for b in gathered.layers[1]] for a in gathered.layers[0]]
    return Comparison((compared[0], compared[1]), len(texts), sum(map(len, texts)), np.array(cka))


def _model(path: str) -> bool:
    return tokens.is_contextual(path)


def jacobian_shares(source: Source, texts: Texts) -> Float[np.ndarray, " layers"]:
    """The mean Jacobian share of every layer over some tokens, by random probes.

    The Jacobian is that of a layer with respect to the vectors that the model reads, including
    those of the sentence marks. A static source has share 0; without a sentence of two tokens, NaN.
    """
    if source.model is None:
        return np.zeros(source.layers)
    model, shares = source.model, []
    for i, sentence in enumerate([text[:SHORT] for text in texts if len(text) > 1][:SENTENCES]):
        ids = np.asarray(model.ids([characters.START, *sentence, characters.END]))
        missing = SHORT + 2 - len(ids)
        mask = np.pad(np.ones(len(ids), np.float32), (0, missing))
        ids = np.pad(ids, ((0, missing), *((0, 0),) * (ids.ndim - 1)))
        key = jax.random.fold_in(jax.random.key(0), i)
        padded = _shares(model.model.embed, model.model.context, model.model.params, ids, mask, key)
        shares.append(np.asarray(padded)[:, 1 : len(sentence) + 1])
    if not shares:
        return np.full(source.layers, np.nan)
    return np.concatenate(shares, axis=1).mean(axis=1)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _shares(embed, context, params, ids, mask, key):
    read = embed.apply({"params": params["embed"]}, ids)

    def share(layer: int):
        def outputs(vectors):
            return in_context(context, params[CONTEXT], vectors, mask)[0][layer]

        return jacobian_share(outputs, read, key=key, probes=PROBES)

    return jnp.stack([share(layer) for layer in range(context.depth + 1)])


def write(folder: Path, comparison: Comparison) -> str:
    """Write comparison.json, comparison.md and pictures; return the Markdown."""

    def draw() -> list[str]:
        from jaxemb.lab.studies.context import pictures

        return [
            pictures.draw(folder / f"contextuality_{letter}.png", side.layers)
            for letter, side in zip("ab", comparison.sides, strict=True)
            if side.source.model is not None
        ]

    values = {**build(comparison), **workdir.environment()}
    return report.write(
        folder, "comparison", values, lambda shown: markdown(comparison, shown), draw
    )


def build(comparison: Comparison) -> dict[str, Any]:
    """The measures as plain JSON values."""
    embedders = [
        {
            "path": side.source.path,
            "contextual": side.source.model is not None,
            "dim": side.source.dim,
            "jacobian_share": side.jacobian.tolist(),
            "layers": [_plain(layer) for layer in side.layers],
        }
        for side in comparison.sides
    ]
    text = {"sentences": comparison.sentences, "tokens": comparison.tokens}
    return {"text": text, "embedders": embedders, "cka": comparison.cka.tolist()}


def _plain(layer: Contextuality) -> dict[str, Any]:
    rank = {"rank": int(layer.rank.rank), "verdict": str(layer.rank)}
    plain = {**layer._asdict(), "rank": rank, "spectrum": np.asarray(layer.spectrum).tolist()}
    beyond = (layer.self_similarity_beyond, layer.explainable_variance_beyond)
    names = ("self_similarity_beyond", "explainable_variance_beyond")
    return {**plain, **dict(zip(names, beyond, strict=True))}


def markdown(comparison: Comparison, pictures: str) -> str:
    """The report as Markdown; `pictures` is the Markdown that shows the pictures."""
    left, right = comparison.sides
    first = left.layers[0]
    both = left.source.model is not None and right.source.model is not None
    return f"""# {left.source.name} and {right.source.name}: what context changed

- {comparison.tokens:,} tokens of {comparison.sentences:,} sentences; {first.occurrences:,} tokens
  are words that both embedders know; {first.types:,} words occur {first.min_occurrences} times or
  more
- context share: tr Sigma_W / tr Sigma_T of those words; corrected, static vectors have 0, noise 1
- CKA (unbiased) and Procrustes: similarity to layer 0 of the other embedder; "shuffled" is the
  Procrustes similarity to shuffled rows
- Jacobian share: the share of an output's Jacobian norms that belongs to other words of the
  sentence; {PROBES} random probes, first {SHORT} tokens of {min(SENTENCES, comparison.sentences)}
  sentences

{_side(left)}
{_side(right)}
{_between(comparison) if both else ""}{pictures}"""


def _side(side: Compared) -> str:
    head = ("layer", "Procrustes", "shuffled", "Jacobian share", "rank of the centred occurrences")
    rows = [
        (
            layer.layer,
            *(f"{x:.3f}" for x in (layer.procrustes, layer.procrustes_baseline, share)),
            layer.rank,
        )
        for layer, share in zip(side.layers, side.jacobian, strict=True)
    ]
    kind = "static" if side.source.model is None else f"{side.source.layers} layers"
    table = report.table(head, rows, numbers=True)
    summaries = "\n".join(f"- {layer}" for layer in side.layers)
    measures = by_layer(side.layers)
    return f"## {side.source.path}: {kind}\n\n{summaries}\n\n{measures}\n\n{table}\n"


def by_layer(layers: Sequence[Contextuality]) -> str:
    """The measures of each layer as a Markdown table; biased measures less their baselines."""
    rows = []
    for layer in layers:
        numbers = (
            *(layer.context_share, layer.context_share_corrected, layer.self_similarity_beyond),
            *(layer.anisotropy, layer.intra_sentence, layer.explainable_variance_beyond),
        )
        cka = "" if layer.cka is None else f"{layer.cka:.3f}"
        rows.append(
            (layer.layer, *(f"{x:.3f}" for x in numbers), cka, f"{layer.effective_rank:.1f}")
        )
    return report.table(MEASURES, rows, numbers=True)


def _between(comparison: Comparison) -> str:
    """CKA of each layer of the left embedder with each layer of the right."""
    left, right = (side.source for side in comparison.sides)
    head = (f"{left.name} \\ {right.name}", *(f"layer {i}" for i in range(right.layers)))
    rows = [(f"layer {i}", *(f"{x:.3f}" for x in row)) for i, row in enumerate(comparison.cka)]
    return f"## CKA of each pair of layers\n\n{report.table(head, rows, numbers=True)}\n\n"

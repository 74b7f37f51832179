"""What context changed between two embedders: the same running words, measured and written down."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxemb import linalg
from jaxemb.errors import InputError, at_least
from jaxemb.evaluation import contextuality
from jaxemb.evaluation.contextuality import Contextuality
from jaxemb.evaluation.jacobians import jacobian_share
from jaxemb.lab import report, workdir
from jaxemb.lab.runs.contextual import embed
from jaxemb.lab.studies.context import tokens as running_words
from jaxemb.lab.studies.context.tokens import Source, Texts
from jaxemb.text import characters

SHORT, SENTENCES = 12, 4  # of the Jacobian share: first tokens of a sentence, and sentences
PROBES = 16
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
    """One embedder beside the other."""

    source: Source
    layers: list[Contextuality]
    jacobian: Float[Any, " layers"]  # the share of context in what an output depends on


class Comparison(NamedTuple):
    """Two embedders on the same running words."""

    sides: tuple[Compared, Compared]
    sentences: int
    tokens: int
    cka: Float[Any, "left right"]  # of every layer of the one with every layer of the other


def compare(left: str, right: str, text: str | None, sentences: int) -> Comparison:
    """Two embedders, at least one of them contextual, on the tokens that both know.

    Args:
        text: a file with one sentence a line; the held-out text of the contextual one by default.
        sentences: read at most, from all over the text.

    Raises:
        InputError: no such run, file or vectors; two static ones; too little text.
    """
    at_least(1, sentences=sentences)
    paths = (left, right)
    known = {path: running_words.contextual(path) for path in paths if _model(path)}
    if not known:
        raise InputError(
            f"neither {left} nor {right} is a finished run of scripts/train_contextual.py: static "
            "vectors are compared by scripts/evaluate.py"
        )
    of_text = embed.sentences(Path(text)) if text else running_words.held_out(next(iter(known)))
    of_text = [tokens for tokens in of_text if tokens]
    texts = [of_text[i] for i in running_words.spread(len(of_text), sentences)]
    sources = [known.get(path) or running_words.static(path, texts) for path in paths]
    found = running_words.gather(sources, texts)
    compared = []
    for i, source in enumerate(sources):
        other = found.layers[1 - i][0]
        layers = contextuality.describe(
            jax.random.key(0), found.layers[i], other, found.types, found.sentences
        )
        compared.append(Compared(source, layers, jacobian_shares(source, texts)))
    cka = [[float(linalg.cka(a, b)) for b in found.layers[1]] for a in found.layers[0]]
    return Comparison((compared[0], compared[1]), len(texts), sum(map(len, texts)), np.array(cka))


def _model(path: str) -> bool:
    return running_words.is_contextual(path)


def jacobian_shares(source: Source, texts: Texts) -> Float[Any, " layers"]:
    """The mean Jacobian share of every layer over some tokens; 0 for a static source.

    Over the vectors that the model reads, marks of the sentence among them, by random probes.
    """
    if source.model is None:
        return np.zeros(source.layers)
    of, shares = source.model, []
    for i, tokens in enumerate([each[:SHORT] for each in texts if len(each) > 1][:SENTENCES]):
        ids = np.asarray(of.ids([characters.START, *tokens, characters.END]))
        missing = SHORT + 2 - len(ids)
        mask = np.pad(np.ones(len(ids), np.float32), (0, missing))
        ids = np.pad(ids, ((0, missing), *((0, 0),) * (ids.ndim - 1)))
        key = jax.random.fold_in(jax.random.key(0), i)
        found = _shares(of.model.module, of.model.params["params"], ids, mask, key)
        shares.append(np.asarray(found)[:, 1 : len(tokens) + 1])
    if not shares:
        return np.full(source.layers, np.nan)
    return np.concatenate(shares, axis=1).mean(axis=1)


@functools.partial(jax.jit, static_argnums=0)
def _shares(module, params, ids, mask, key):
    read = module.embed.apply({"params": params["embed"]}, ids)

    def share(layer: int):
        def outputs(vectors):
            return module.bilm.apply({"params": params["bilm"]}, vectors, mask)[0][layer]

        return jacobian_share(outputs, read, key=key, probes=PROBES)

    return jnp.stack([share(layer) for layer in range(module.bilm.layers + 1)])


def write(folder: Path, found: Comparison) -> str:
    """Writes comparison.json, comparison.md and pictures; returns the Markdown."""

    def draw() -> list[str]:
        from jaxemb.lab.studies.context import pictures

        return [
            pictures.draw(folder / f"contextuality_{letter}.png", side.layers)
            for letter, side in zip("ab", found.sides, strict=True)
            if side.source.model is not None
        ]

    values = {**build(found), **workdir.environment()}
    return report.write(folder, "comparison", values, lambda shown: markdown(found, shown), draw)


def build(found: Comparison) -> dict[str, Any]:
    """All that was measured, as plain JSON values."""
    embedders = [
        {
            "path": side.source.path,
            "contextual": side.source.model is not None,
            "dim": side.source.dim,
            "jacobian_share": side.jacobian.tolist(),
            "layers": [_plain(of) for of in side.layers],
        }
        for side in found.sides
    ]
    text = {"sentences": found.sentences, "tokens": found.tokens}
    return {"text": text, "embedders": embedders, "cka": found.cka.tolist()}


def _plain(of: Contextuality) -> dict[str, Any]:
    rank = {"rank": int(of.rank.rank), "verdict": str(of.rank)}
    plain = {**of._asdict(), "rank": rank, "spectrum": np.asarray(of.spectrum).tolist()}
    beyond = (of.self_similarity_beyond, of.explainable_variance_beyond)
    names = ("self_similarity_beyond", "explainable_variance_beyond")
    return {**plain, **dict(zip(names, beyond, strict=True))}


def markdown(found: Comparison, pictures: str) -> str:
    """The report for people."""
    left, right = found.sides
    one = left.layers[0]
    both = left.source.model is not None and right.source.model is not None
    return f"""# {left.source.name} and {right.source.name}: what context changed

- {found.tokens:,} tokens of {found.sentences:,} sentences; {one.occurrences:,} of them are words
  that both know; {one.types:,} words occur {one.min_occurrences} times or more
- context share: tr Sigma_W / tr Sigma_T of those words; corrected, static vectors have 0, noise 1
- CKA (unbiased) and Procrustes: with layer 0 of the other; Procrustes beside shuffled rows
- Jacobian share: how much of what an output depends on is not its own word; {PROBES} probes of the
  first {SHORT} tokens of {min(SENTENCES, found.sentences)} sentences

{_side(left)}
{_side(right)}
{_between(found) if both else ""}{pictures}"""


def _side(of: Compared) -> str:
    head = ("layer", "Procrustes", "shuffled", "Jacobian share", "rank of the centred occurrences")
    rows = [
        (
            each.layer,
            *(f"{x:.3f}" for x in (each.procrustes, each.procrustes_baseline, share)),
            each.rank,
        )
        for each, share in zip(of.layers, of.jacobian, strict=True)
    ]
    kind = "static" if of.source.model is None else f"{of.source.layers} layers"
    table = report.table(head, rows, numbers=True)
    said = "\n".join(f"- {each}" for each in of.layers)
    measures = by_layer(of.layers)
    return f"## {of.source.path}: {kind}\n\n{said}\n\n{measures}\n\n{table}\n"


def by_layer(layers: Sequence[Contextuality]) -> str:
    """The measures of each layer; what is biased stands less its baseline."""
    rows = []
    for of in layers:
        numbers = (
            *(of.context_share, of.context_share_corrected, of.self_similarity_beyond),
            *(of.anisotropy, of.intra_sentence, of.explainable_variance_beyond),
        )
        cka = "" if of.cka is None else f"{of.cka:.3f}"
        rows.append((of.layer, *(f"{x:.3f}" for x in numbers), cka, f"{of.effective_rank:.1f}"))
    return report.table(MEASURES, rows, numbers=True)


def _between(found: Comparison) -> str:
    """CKA of every layer of the one with every layer of the other."""
    left, right = (side.source for side in found.sides)
    head = (f"{left.name} \\ {right.name}", *(f"layer {i}" for i in range(right.layers)))
    rows = [(f"layer {i}", *(f"{x:.3f}" for x in row)) for i, row in enumerate(found.cka)]
    return f"## CKA of every two layers\n\n{report.table(head, rows, numbers=True)}\n\n"

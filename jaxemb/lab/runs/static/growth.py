"""A trained model with new words and text: what it starts from, and how far its rows move."""

from typing import Any

import numpy as np

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.lab.runs.static import prepare
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.lab.runs.static.start import Start
from jaxemb.structs import InOut, Vocab

MOVERS = 10  # words that are named


def check(config: StaticConfig, rows: InOut[int], vocab: Vocab) -> None:
    """Raises InputError for tables with rows that are not words."""
    size = len(vocab.words)
    if config.grow_from and rows != InOut(size, size):
        raise InputError(
            f"grow_from wants two tables with a row for every one of the {size:,} words; this "
            f"objective has {rows.input:,} and {rows.output:,} rows: name skipgram or cbow"
        )


def account(
    config: StaticConfig, start: Start | None, vocab: Vocab, tables: InOut[np.ndarray]
) -> dict[str, Any] | None:
    """The account of given initial rows, and of how far old rows moved; None if none are given."""
    if start and config.grow_from:
        return {**start.account, "grown": moved(config, start, vocab, tables)}
    return start.account if start else None


def moved(
    config: StaticConfig, start: Start, vocab: Vocab, tables: InOut[np.ndarray]
) -> dict[str, Any]:
    """Count what growing added, and measure how far the old rows moved, as JSON values.

    Args:
        config: of the run; its `grow_from` is read for the old counts.
        start: what the run began with.
        vocab: old and new words, with the sums of their counts.
        tables: the finished tables.
    """
    old = prepare.old_vocab(config)
    assert old is not None
    before = dict(zip(old.words, old.counts.tolist(), strict=True))
    counts = np.array([before.get(word, 0) for word in vocab.words])
    new = vocab.counts - counts
    return {
        "run": config.grow_from,
        "tokens": {"old": int(counts.sum()), "new": int(new.sum())},
        "words": {
            "old": len(before),
            "old_in_new_text": int(np.count_nonzero((counts > 0) & (new > 0))),
            "added": int(np.count_nonzero(counts == 0)),
        },
        "input": change(start.given.input[start.known.input], tables.input[start.known.input]),
        "output": change(start.given.output[start.known.output], tables.output[start.known.output]),
        "movers": _movers(vocab, counts, start, tables),
    }


def change(before: Any, after: Any) -> dict[str, Any]:
    """Measure the change of a table, row by row.

    Args:
        before, after: [rows, dim].

    Returns:
        Mean cosine between a row before and after; ||after - before||_F / ||before||_F, as it is
        and after the best rotation, which keeps all products of rows; rank before and after.
    """
    before, after = np.float64(before), np.float64(after)
    size = float(np.linalg.norm(before)) or 1.0
    best = linalg.procrustes(before, after)
    return {
        "rows": len(before),
        "mean_cosine": float(np.mean(_cosines(before, after))),
        "change": float(np.linalg.norm(after - before)) / size,
        "change_but_rotation": float(best.residual) / size,
        "rank_before": int(linalg.rank(linalg.spectrum(before)).rank),
        "rank_after": int(linalg.rank(linalg.spectrum(after)).rank),
    }


def _cosines(before, after):
    """The cosine between each row before and after; 1 where both are 0."""
    cosines = np.sum(linalg.unit_rows(before) * linalg.unit_rows(after), axis=1)
    return np.where(~before.any(axis=1) & ~after.any(axis=1), 1.0, cosines)


def _movers(vocab: Vocab, counts, start: Start, tables: InOut[np.ndarray]) -> list[dict[str, Any]]:
    old = np.flatnonzero(start.known.input)
    cosines = _cosines(np.float64(start.given.input[old]), np.float64(tables.input[old]))
    order = np.argsort(cosines, kind="stable")[:MOVERS]
    return [
        {
            "word": vocab.words[old[i]],
            "cosine": float(cosines[i]),
            "old": int(counts[old[i]]),
            "new": int(vocab.counts[old[i]] - counts[old[i]]),
        }
        for i in order
    ]


def markdown(grown: dict[str, Any]) -> str:
    """The section of a report, from `moved`."""
    tokens, words, lines = grown["tokens"], grown["words"], []
    for side in ("input", "output"):
        turned = grown[side]
        lines.append(
            f"- {turned['rows']:,} old rows of the {side} table: mean cosine with what they were "
            f"{turned['mean_cosine']:.4f}; they changed by {turned['change']:.4f} of their norm, "
            f"by {turned['change_but_rotation']:.4f} but for a rotation; rank "
            f"{turned['rank_before']} before, {turned['rank_after']} after"
        )
    movers = "\n".join(
        f"| {row['word'].replace('|', chr(92) + '|')} | {row['cosine']:.4f} "
        f"| {row['old']:,} | {row['new']:,} |"
        for row in grown["movers"]
    )
    return f"""## What moved

- grown from {grown["run"]}: {tokens["old"]:,} tokens + {tokens["new"]:,} new =
  {tokens["old"] + tokens["new"]:,}; {words["old"]:,} words + {words["added"]:,} new =
  {words["old"] + words["added"]:,}; {words["old_in_new_text"]:,} of the old ones stand in the new
  text
{chr(10).join(lines)}

| old words that turned most | cosine | times in old text | in new |
|---|---|---|---|
{movers}
"""

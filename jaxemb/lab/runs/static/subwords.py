"""Models with subwords as files of fastText: written whole, and loaded as a start."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import formats
from jaxemb.errors import InputError
from jaxemb.formats import fasttext, fasttext_file
from jaxemb.lab.runs.static import start as starting
from jaxemb.lab.runs.static.config import StaticConfig, SubwordConfig
from jaxemb.static import subwords
from jaxemb.structs import InOut, Vocab
from jaxemb.text import sources, vocabulary
from jaxemb.text.corpus import Corpus


def keep(
    workdir: Path, config: Any, corpus: Corpus, whole: InOut[np.ndarray], resources: Any
) -> None:
    """Write the whole model into the folder of its run, if it has subwords."""
    if isinstance(resources, subwords.Resources):
        read = corpus.tokens.read
        write(workdir / formats.MODEL, config, corpus.vocab, read, whole, resources)


def write(
    path: Path,
    config: SubwordConfig,
    vocab: Vocab,
    tokens: int,
    whole: InOut[np.ndarray],
    resources: subwords.Resources,
) -> None:
    """Write the whole model as a .bin file, which fastText and gensim read.

    A bucket that no word of the vocabulary uses is zero there: no text could have trained it.

    Args:
        tokens: the number of tokens that were read.
        whole: the tables as they are trained, with a row for each n-gram's bucket.
    """
    output = np.asarray(whole.output)
    settings = fasttext_file.Settings(
        dim=output.shape[1],
        ws=config.window,
        epoch=config.epochs,
        minCount=config.corpus.min_count,
        neg=config.negatives,
        wordNgrams=1,
        loss=fasttext.NEGATIVE_SAMPLING,
        model=fasttext.CBOW if config.objective is subwords.subword_cbow else fasttext.SKIPGRAM,
        bucket=config.buckets if config.maxn else 0,
        minn=config.minn,
        maxn=config.maxn,
        lrUpdateRate=100,
        t=config.corpus.subsample,
    )
    table, used = np.asarray(whole.input), np.asarray(resources.bags.buckets)
    blocks = fasttext.blocks(table, len(vocab.words), used, settings.bucket)
    counts = vocab.counts.tolist()
    fasttext.write(path, settings, vocab.words, counts, tokens, blocks, output)


def start(config: StaticConfig, vocab: Vocab, resources: Any) -> starting.Start | None:
    """Load what a run starts from, with subwords or without."""
    if isinstance(resources, subwords.Resources):
        assert isinstance(config, SubwordConfig)
        return load(config, vocab, resources)
    return starting.load(config, vocab)


def load(
    config: SubwordConfig, vocab: Vocab, resources: subwords.Resources
) -> starting.Start | None:
    """Load the start that `init_from` and `freeze` name: rows of words and n-grams; None if none.

    Words are matched by their text. The word row of a word that the file lacks is the mean of its
    n-grams' rows: the word then begins with the vector that the file gives an unknown word.

    Raises:
        InputError: no fastText model there, or one of another dimension or of other n-grams; no
            word in common; rows of single words to freeze.
    """
    if config.init_from is None and config.freeze is None:
        return None
    words, rows = len(vocab.words), len(vocab.words) + len(resources.bags.buckets)
    known = InOut(np.zeros(rows, bool), np.zeros(words, bool))
    given = InOut(*(np.zeros((len(side), config.dim), np.float32) for side in known))
    if config.init_from is not None:
        _fill(config, vocab, np.asarray(resources.bags.buckets), known, given)
    if config.freeze not in (None, "all", "loaded"):
        raise InputError(
            f"freeze is {config.freeze}: a word with subwords is made of rows that others share: "
            "freeze all of them (all, loaded), or none"
        )
    frozen = {None: np.zeros(rows, bool), "all": np.ones(rows, bool), "loaded": known.input}
    return starting.begin(config, known, given, frozen[config.freeze])


def _fill(
    config: SubwordConfig,
    vocab: Vocab,
    used: Any,
    known: InOut[np.ndarray],
    given: InOut[np.ndarray],
) -> None:
    model = _model(config)
    number = vocabulary.numbers(model.words)
    places = np.array([number.get(word, -1) for word in vocab.words])
    if (places < 0).all():
        raise InputError(f"{config.init_from}: none of the {len(places):,} words of the text is in")
    there, new = np.flatnonzero(places >= 0), np.flatnonzero(places < 0)
    given.input[there], known.input[:] = model.rows[places[there]], True
    given.input[new] = fasttext.vectors(model, [vocab.words[i] for i in new])
    given.input[len(places) :] = model.rows[len(model.words) + used]
    given.output[there], known.output[there] = model.output[places[there]], True


def _model(config: SubwordConfig) -> fasttext.Model:
    """Read the model to start from."""
    place = sources.place(str(config.init_from))
    path = formats.with_ngrams(place) if place.exists() else None
    if path is None:
        raise InputError(
            f"{config.init_from}: no fastText model: an objective with subwords starts from a "
            ".bin file, or from the folder of such a run"
        )
    model = fasttext.model(path)
    names = {"minn": config.minn, "maxn": config.maxn, "bucket": config.buckets, "dim": config.dim}
    if not config.maxn:
        del names["bucket"], names["minn"]
    for name, wanted in names.items():
        if (held := getattr(model.settings, name)) != wanted:
            setting = "buckets" if name == "bucket" else name
            raise InputError(
                f"{path}: its {name} is {held}, but {setting} is {wanted}: its rows are those of "
                f"other n-grams: --{setting} {held}"
                if name != "dim"
                else f"{path}: vectors of {held} dimensions, dim is {wanted}: --dim {held}"
            )
    return model

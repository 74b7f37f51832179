"""A text whose words were merged in pairs, in a folder, with the sense of every occurrence.

text.txt has one sentence per line, tokens separated by spaces. pseudo_words.json lists the forms,
and occurrences.tsv the line, token, form and sense of each occurrence, all counted from 0.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.evaluation import pseudo_words
from jaxemb.evaluation.pseudo_words import PseudoWord
from jaxemb.lab import corpus as preparation, workdir
from jaxemb.lab.runs.static import config as config_lib
from jaxemb.lab.studies.polysemy.config import OnMergedText
from jaxemb.text import corpus, encoding, sources

TEXT, FORMS, OCCURRENCES = "text.txt", "pseudo_words.json", "occurrences.tsv"
_COLUMNS = ("line", "token", "form", "sense")


class Sample(NamedTuple):
    """Occurrences of pseudo-words, each in another sentence."""

    texts: list[list[str]]
    at: Int[np.ndarray, " occurrences"]  # the position of the token in its sentence
    forms: Int[np.ndarray, " occurrences"]
    senses: Int[np.ndarray, " occurrences"]  # 0 or 1, each equally often in every form
    split: pseudo_words.Split

    @property
    def tokens(self) -> list[str]:
        """The form of every occurrence."""
        return [text[at] for text, at in zip(self.texts, self.at, strict=True)]


def count(config: OnMergedText) -> corpus.Corpus:
    """Encode the text before any word is merged, for its vocabulary and counts."""
    settings = config.static.corpus
    folder = settings.prepared or Path(config.workdir) / "corpus"
    return preparation.prepare_corpus(settings, folder)


def merge(config: OnMergedText, counted: corpus.Corpus, seed: int) -> Path:
    """Write the merged text of a seed, unless it exists.

    Returns:
        The folder of the seed.

    Raises:
        InputError: the folder belongs to another text or other settings; there are too few pairs.
    """
    folder = files.writable(Path(config.workdir) / f"seed_{seed}")
    text = folder / TEXT
    workdir.refuse_other(folder, config.merging, counted, None, text.exists())
    if not text.exists():
        chosen = dataclasses.asdict(config.merging)
        made = pseudo_words.pseudo_words(counted.vocab, seed, **chosen)
        _write(folder, sentences(config.static.corpus), made)
    return folder


def sentences(settings: config_lib.Corpus) -> Iterator[list[str]]:
    """The tokens of every line that is not empty."""
    paths = sources.resolve(settings.path)
    return encoding.sentences(paths, settings.tokenizer, settings.bad_utf8)


def _write(folder: Path, texts: Iterator[list[str]], made: tuple[PseudoWord, ...]) -> None:
    number = {word.form: i for i, word in enumerate(made)}
    unfinished = [folder / f"{name}.tmp" for name in (TEXT, OCCURRENCES)]
    text, rows = (path.open("w", encoding="utf-8", newline="\n") for path in unfinished)
    with text, rows:
        rows.write("\t".join(_COLUMNS) + "\n")
        for line, (tokens, senses) in enumerate(pseudo_words.merged(texts, made)):
            joined = " ".join(tokens)
            if joined.split() != tokens:
                raise InputError(
                    "a token contains white space: choose a tokenizer that splits at white space"
                )
            text.write(joined + "\n")
            for token, sense in enumerate(senses):
                if sense >= 0:
                    rows.write(f"{line}\t{token}\t{number[tokens[token]]}\t{sense}\n")
    files.write_json(folder / FORMS, [word._asdict() for word in made])
    for path in reversed(unfinished):  # the text last: it marks the folder as complete
        path.replace(path.with_suffix(""))


def forms(folder: Path) -> list[PseudoWord]:
    """The pseudo-words of a merged text."""
    rows = files.read_json(folder / FORMS)
    return [PseudoWord(row["form"], tuple(row["senses"])) for row in rows]


def sample(config: OnMergedText, folder: Path, seed: int) -> Sample:
    """Draw training and test occurrences, equally many of each sense.

    At most one occurrence is drawn from a sentence, and none from a repeated sentence: so no test
    sentence is among the training sentences.

    Raises:
        InputError: no pseudo-word has enough occurrences.
    """
    rows = np.loadtxt(folder / OCCURRENCES, np.int64, delimiter="\t", skiprows=1, ndmin=2)
    rows = np.random.Generator(np.random.Philox(seed)).permutation(rows)
    rows = rows[np.unique(rows[:, 0], return_index=True)[1]]  # of each line the first
    rows = rows[_usable(folder / TEXT, config.longest)[rows[:, 0]]]
    split = pseudo_words.split_occurrences(rows[:, 3], rows[:, 2], seed, config.per_sense)
    rows = rows[np.concatenate(split)]
    texts = _lines(folder / TEXT, rows[:, 0])
    half = np.arange(len(rows)).reshape(2, -1)
    return Sample(texts, rows[:, 1], rows[:, 2], rows[:, 3], pseudo_words.Split(*half))


def _usable(text: Path, longest: int) -> Any:
    """Whether each line is short enough and does not repeat an earlier line."""
    seen: set[int] = set()
    usable = []
    with text.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            usable.append(line.count(" ") < longest and hash(line) not in seen)
            seen.add(hash(line))
    return np.array(usable)


def _lines(text: Path, at: Int[np.ndarray, " some"]) -> list[list[str]]:
    """The tokens of the lines with these numbers, in the order of the numbers."""
    place = {int(line): i for i, line in enumerate(at)}
    texts: list[list[str]] = [[]] * len(at)
    with text.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines):
            if number in place:
                texts[place[number]] = line.split()
    return texts

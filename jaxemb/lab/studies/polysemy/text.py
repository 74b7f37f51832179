"""A text whose words were merged by twos, in a folder, with the sense of every occurrence.

text.txt has one sentence a line, tokens separated by spaces. pseudo_words.json names the forms, and
occurrences.tsv tells line, token, form and sense of each occurrence, all counted from 0.
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
from jaxemb.lab.studies.polysemy.config import PolysemyConfig
from jaxemb.text import corpus, sources
from jaxemb.text.compression import Tally

TEXT, FORMS, OCCURRENCES = "text.txt", "pseudo_words.json", "occurrences.tsv"
_COLUMNS = ("line", "token", "form", "sense")


class Sample(NamedTuple):
    """Occurrences of pseudo-words, each in a sentence of its own."""

    texts: list[list[str]]
    at: Int[Any, " occurrences"]  # which token of its sentence
    forms: Int[Any, " occurrences"]
    senses: Int[Any, " occurrences"]  # 0 or 1, each equally often in every form
    split: pseudo_words.Split

    @property
    def tokens(self) -> list[str]:
        """The form of every occurrence."""
        return [text[at] for text, at in zip(self.texts, self.at, strict=True)]


def count(config: PolysemyConfig) -> corpus.Corpus:
    """The text before anything is merged, for its words and how often each occurs."""
    settings = config.static.corpus
    folder = settings.prepared or Path(config.workdir) / "corpus"
    return preparation.prepare_corpus(settings, folder)


def merge(config: PolysemyConfig, counted: corpus.Corpus, seed: int) -> Path:
    """Writes the merged text of a seed, unless it is there already.

    Returns:
        The folder of the seed.

    Raises:
        InputError: a folder of another text or another choice of words; not so many pairs.
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
    """The tokens of every line that has some."""
    for path in sources.resolve(settings.path):
        tokens: list[str] = []
        for piece in sources.read(path, Tally(), bad_utf8=settings.bad_utf8):
            tokens += settings.tokenizer(piece.text)
            if piece.ends and tokens:
                yield tokens
                tokens = []


def _write(folder: Path, texts: Iterator[list[str]], made: tuple[PseudoWord, ...]) -> None:
    number = {each.form: i for i, each in enumerate(made)}
    unfinished = [folder / f"{name}.tmp" for name in (TEXT, OCCURRENCES)]
    text, rows = (path.open("w", encoding="utf-8", newline="\n") for path in unfinished)
    with text, rows:
        rows.write("\t".join(_COLUMNS) + "\n")
        for line, (tokens, senses) in enumerate(pseudo_words.merged(texts, made)):
            joined = " ".join(tokens)
            if joined.split() != tokens:
                raise InputError("a token holds white space: name a tokenizer that leaves none")
            text.write(joined + "\n")
            for token, sense in enumerate(senses):
                if sense >= 0:
                    rows.write(f"{line}\t{token}\t{number[tokens[token]]}\t{sense}\n")
    files.write_json(folder / FORMS, [each._asdict() for each in made])
    for path in reversed(unfinished):  # the text last: it says that all is there
        path.replace(path.with_suffix(""))


def forms(folder: Path) -> list[PseudoWord]:
    """The pseudo-words of a merged text."""
    found = files.read_json(folder / FORMS)
    return [PseudoWord(each["form"], tuple(each["senses"])) for each in found]


def sample(config: PolysemyConfig, folder: Path, seed: int) -> Sample:
    """As many occurrences of each sense to learn from as to try.

    At most one is drawn from a sentence, and none from a sentence that was there before: so a
    sentence to be tried has not been seen by what was learned.

    Raises:
        InputError: no pseudo-word has enough of them.
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
    """Whether each line is short enough, and not there before."""
    seen: set[int] = set()
    found = []
    with text.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            found.append(line.count(" ") < longest and hash(line) not in seen)
            seen.add(hash(line))
    return np.array(found)


def _lines(text: Path, at: Int[Any, " some"]) -> list[list[str]]:
    """The tokens of some lines, in the order they are asked for."""
    place = {int(line): i for i, line in enumerate(at)}
    found: list[list[str]] = [[]] * len(at)
    with text.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines):
            if number in place:
                found[place[number]] = line.split()
    return found

"""Evaluate word vectors against human judgement: word similarity, analogies, words in context.

Usage: python scripts/evaluate.py VECTORS [OTHER] [--pairs FILE ...] [--questions FILE ...]
           [--unknown skip] [--case fold] [--restrict-vocab 300000] [--out FOLDER] [--help]
       python scripts/evaluate.py --wic dev/dev.data.txt --run runs/elmo_quickstart [VECTORS]

VECTORS and OTHER are folders of finished runs or files of vectors; with OTHER, both are compared
item by item. The tests are by default those that come with gensim: WordSim-353, SimLex-999 and
Google's analogies. --pairs reads any file of word, word, score a line (MEN, RareWords,
SimLex-999.txt, ...), --questions reads files in the format of questions-words.txt or of
MSR's word_relationship.questions.

--wic reads WiC (does a word have the same sense in two sentences?) with the labels beside it, and
scores every layer of --run, a language model, and VECTORS, which cannot tell the sentences apart.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.lab import command_line


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Evaluate word vectors against human judgement."""

    vectors: Annotated[str | None, tyro.conf.Positional] = None
    """A finished run, or a file of vectors."""
    other: Annotated[str | None, tyro.conf.Positional] = None
    """Vectors to compare with."""
    tensor: str | None = None
    """The name of the matrix of VECTORS, where a .safetensors or a folder of them has several."""
    other_tensor: str | None = None
    """The name of the matrix of OTHER."""
    pairs: tuple[str, ...] | None = None
    """Tests of word similarity; by default WordSim-353 and SimLex-999."""
    questions: tuple[str, ...] | None = None
    """Tests of analogies; by default questions-words.txt."""
    unknown: Literal["skip", "mean", "zero", "ngrams"] = "skip"
    """Items with unknown words: leave them out; use the mean vector; score them 0 or wrong
    (gensim's dummy4unknown); compose vectors of n-grams (from fastText's .bin)."""
    case: Literal["fold", "exact"] = "fold"
    """Whether words that differ only in case are the same word."""
    formula: Literal["add", "mul"] = "add"
    """How analogies are answered: 3CosAdd or 3CosMul."""
    restrict_vocab: int = 300_000
    """Number of the most frequent words that are known; all others count as unknown. Reports of
    training runs answer analogies among 30,000."""
    wic: str | None = None
    """A file of WiC, such as dev.data.txt beside dev.gold.txt."""
    wic_train: str | None = None
    """The file of WiC that thresholds are chosen on; by default, for each half, the other half."""
    run: str | None = None
    """For --wic: the folder of a finished language model."""
    config: str | None = None
    """The config that trained the run, where its model is not one of jaxemb's."""
    out: str | None = None
    """The folder of the report; by default runs/evaluate/NAME."""

    def tables(self) -> list[tuple[str, str | None]]:
        """The files of vectors, and the matrix of each."""
        given = (self.vectors, self.tensor), (self.other, self.other_tensor)
        for path, tensor in given:
            if tensor and not path:
                raise InputError(f"tensor {tensor}: of which file? wanted VECTORS [OTHER]")
        return [(path, tensor) for path, tensor in given if path]


def main() -> None:
    settings = command_line.parse(Evaluate)
    if settings.wic:
        return words_in_context(settings)
    if settings.vectors is None or settings.run or settings.wic_train:
        raise InputError("wanted VECTORS; or --wic FILE with --run RUN, VECTORS or both")
    from jaxemb.errors import at_least
    from jaxemb.evaluation import bundled, datasets, policies
    from jaxemb.functional import similarity
    from jaxemb.lab import outcome, progress, report, vectors as loading
    from jaxemb.lab.tables import scores

    at_least(1, restrict_vocab=settings.restrict_vocab)
    fold = {"fold": str.upper, "exact": str}[settings.case]
    ways = {"skip": None, "mean": policies.mean, "zero": policies.zero}
    policy = policies.Policy(fold, ways.get(settings.unknown), settings.restrict_vocab)
    answer = {"add": similarity.cos_add, "mul": similarity.cos_mul}[settings.formula]
    pairs = bundled.pairs() if settings.pairs is None else list(map(datasets.pairs, settings.pairs))
    questions = bundled.questions()
    if settings.questions is not None:
        questions = list(map(datasets.questions, settings.questions))
    tests = scores.Tests(pairs, questions, policy, policy, answer)
    if not pairs and not questions:
        raise InputError(f"no test: name --pairs or --questions; {bundled.HOW_TO_GET}")
    answers, words = {}, ()
    for path, tensor in settings.tables():
        loaded = loading.word_vectors(path, tensor=tensor)
        if settings.unknown == "ngrams":
            policy = policy._replace(unknown=policies.ngrams(loaded.unknown))
            tests = tests._replace(policy=policy, analogies_policy=policy)
        words, table = words or loaded.word_vectors.words or (), loaded.word_vectors.vectors
        with progress.measuring():
            answers[f"{path}: {tensor}" if tensor else path] = scores.ask(
                loaded.word_vectors, table, tests
            )
    names = Path(settings.vectors).stem, "-".join(Path(p).name for p, _ in settings.tables())
    out = files.writable(settings.out or report.folder_of("evaluate", [*answers], *names))
    with progress.measuring():
        markdown = scores.write(out, answers, tests)
    progress.show(markdown)
    following = outcome.about_words(settings.vectors, report.words_to_show(words), settings.tensor)
    outcome.end(out, *following, report="evaluation.md")


def words_in_context(settings: Evaluate) -> None:
    from jaxemb.lab import outcome, progress, report
    from jaxemb.lab.runs.contextual import embed
    from jaxemb.lab.studies.context import tokens, wic

    test = wic.read(str(settings.wic))
    train = wic.read(settings.wic_train) if settings.wic_train else None
    fold = settings.case == "fold"
    texts = [text for split in (test, train) if split for text in wic.sentences(split, fold)]
    trained = embed.config_of(settings.config)
    sources = [tokens.contextual(settings.run, trained)] if settings.run else []
    sources += [tokens.static(path, texts, tensor) for path, tensor in settings.tables()]
    if not sources:
        raise InputError("nothing to score: wanted --run RUN, VECTORS or both")
    with progress.measuring():
        scores = [wic.score(source, test, train, fold=fold) for source in sources]
    given = [
        path for path in (settings.wic, settings.run, settings.vectors, settings.other) if path
    ]
    whole = "-".join(Path(path).name for path in given)
    out = files.writable(settings.out or report.folder_of("evaluate", given, test.name, whole))
    progress.show(wic.write(out, test, train, scores))
    run, config = settings.run, ("--config", settings.config) if settings.config else ()
    compared = [("compare_embedders", run, settings.vectors or run, *config)]
    compared = compared if run and not settings.tensor else []  # which takes no tensor
    outcome.end(out, *compared, report="wic.md")


if __name__ == "__main__":
    command_line.run(main)

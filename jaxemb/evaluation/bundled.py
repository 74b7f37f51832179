"""The tests at hand: WordSim-353, SimLex-999 and Google's analogies, as they come with gensim.

(`pip install gensim`, or the extra `demo`.) Scores alone; with intervals and by section:
`agreement` and `analogies`.
"""

import functools
import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxemb.evaluation import agreement, analogies as analogies_lib, datasets, intervals, policies
from jaxemb.text.vocabulary import HasWords

PAIRS = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
QUESTIONS = "questions-words.txt"
HOW_TO_GET = "the test files come with gensim: pip install gensim"
FREQUENT = 30_000  # words among which analogies are answered, as word2vec's demo does


class Score(NamedTuple):
    """Agreement with a test, and how much of the test could be asked."""

    value: float  # Spearman's rho, or the share of questions answered right
    asked: int
    of: int

    def __str__(self) -> str:
        return f"{self.value:.3f} on {self.asked} of {self.of} ({self.asked / self.of:.0%})"


def test_files() -> Path | None:
    """The folder of gensim's test files; None where gensim is not installed. Imports nothing."""
    spec = importlib.util.find_spec("gensim")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "test" / "test_data"


def pairs() -> list[datasets.Pairs]:
    """The tests of word similarity at hand; none without the files."""
    folder = test_files()
    return [_pairs(folder / file, name) for name, file in PAIRS.items()] if folder else []


def questions() -> list[datasets.Questions]:
    """The tests of analogies at hand; none without the file."""
    folder = test_files()
    return [_questions(folder / QUESTIONS)] if folder else []


_pairs = functools.lru_cache(maxsize=8)(datasets.pairs)
_questions = functools.lru_cache(maxsize=2)(datasets.questions)


def similarities(vocab: HasWords, table: Float[Any, "vocab dim"]) -> dict[str, Score]:
    """Spearman correlation of cosine with human judgement, by test; empty without the files."""
    found = {}
    for test in pairs():
        judged = agreement.judge(vocab, table, test)
        asked = judged.asked
        human, ours = judged.human[asked], judged.cosine[asked]
        rho = float(intervals.spearman(human, ours)) if len(ours) > 1 else float("nan")
        found[test.name] = Score(rho, len(ours), len(asked))
    return found


def analogies(
    vocab: HasWords, table: Float[Any, "vocab dim"], *, restrict_vocab: int = FREQUENT
) -> Score | None:
    """a is to b as c is to what? The share right, by 3CosAdd; None without the file.

    Args:
        restrict_vocab: questions and answers are limited to the most frequent words.
    """
    policy = policies.GENSIM._replace(restrict=restrict_vocab)
    for test in questions():
        answered = analogies_lib.answer_all(vocab, table, test, policy)
        right = answered.right[answered.asked]
        value = float(np.mean(right)) if len(right) else float("nan")
        return Score(value, len(right), len(answered.asked))
    return None

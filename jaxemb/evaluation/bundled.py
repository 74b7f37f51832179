"""The tests that come with gensim: WordSim-353, SimLex-999 and Google's analogies.

Install gensim by `pip install gensim`, or by the extra `demo`. The functions here give scores
alone; `agreement` and `analogies` give intervals, and scores by section.
"""

import functools
import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxemb.evaluation import agreement, analogies as analogies_lib, datasets, intervals, policies
from jaxemb.structs import AnyArray, displayed
from jaxemb.text.vocabulary import HasWords

PAIRS = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
QUESTIONS = "questions-words.txt"
HOW_TO_GET = "the test files come with gensim: pip install 'jaxemb[demo]'"
FREQUENT = 30_000  # most frequent words, among which analogies are answered, as in word2vec's demo


@displayed
class Score(NamedTuple):
    """A score on a test, and the number of items that it rests on."""

    value: float  # Spearman's rho, or the share of questions answered right
    scored: int  # items without unknown words
    of: int  # items of the test

    def __str__(self) -> str:
        return f"{self.value:.3f} on {self.scored} of {self.of} ({self.scored / self.of:.0%})"


def test_files() -> Path | None:
    """The folder of gensim's test files; None where gensim is not installed. Imports nothing."""
    spec = importlib.util.find_spec("gensim")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "test" / "test_data"


def pairs() -> list[datasets.Pairs]:
    """The bundled tests of word similarity; empty if gensim is not installed."""
    folder = test_files()
    return [_pairs(folder / file, name) for name, file in PAIRS.items()] if folder else []


def questions() -> list[datasets.Questions]:
    """The bundled tests of analogies; empty if gensim is not installed."""
    folder = test_files()
    return [_questions(folder / QUESTIONS)] if folder else []


_pairs = functools.lru_cache(maxsize=8)(datasets.pairs)
_questions = functools.lru_cache(maxsize=2)(datasets.questions)


def similarities(vocab: HasWords, table: Float[AnyArray, "vocab dim"]) -> dict[str, Score]:
    """Spearman correlation of cosine with human scores, by test; empty without gensim."""
    scores = {}
    for test in pairs():
        judged = agreement.judge(vocab, table, test)
        scored = judged.scored
        human, ours = judged.human[scored], judged.cosine[scored]
        rho = float(intervals.spearman(human, ours)) if len(ours) > 1 else float("nan")
        scores[test.name] = Score(rho, len(ours), len(scored))
    return scores


def analogies(
    vocab: HasWords, table: Float[AnyArray, "vocab dim"], *, restrict_vocab: int = FREQUENT
) -> Score | None:
    """The share of "a is to b as c is to what?" answered right, by 3CosAdd; None without gensim.

    Args:
        restrict_vocab: questions and answers are limited to the most frequent words.
    """
    policy = policies.GENSIM._replace(restrict=restrict_vocab)
    for test in questions():
        answered = analogies_lib.answer_all(vocab, table, test, policy)
        right = answered.right[answered.scored]
        value = float(np.mean(right)) if len(right) else float("nan")
        return Score(value, len(right), len(answered.scored))
    return None

"""Word vectors against human judgement: WordSim-353, SimLex-999, and analogies.

The files come with gensim (`pip install gensim`, or the extra `demo`). Words are compared
lower-cased; a pair or question with a word out of the vocabulary is left out and counted.
"""

import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jax.lax import Precision
from jaxtyping import Float

from jaxemb.functional import similarity
from jaxemb.structs import Vocab

PAIRS = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
QUESTIONS = "questions-words.txt"
HOW_TO_GET = "the test files come with gensim: pip install gensim"


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


def similarities(vocab: Vocab, table: Float[Any, "vocab dim"]) -> dict[str, Score]:
    """Spearman correlation of cosine with human judgement, by test; empty without the files."""
    folder = test_files()
    if folder is None:
        return {}
    return {name: _correlation(vocab, table, folder / file) for name, file in PAIRS.items()}


def _correlation(vocab: Vocab, table, path: Path) -> Score:
    lines = path.read_text("utf-8").splitlines()
    fields = [line.split("\t") for line in lines if not line.startswith("#")]
    pairs = [(a.lower(), b.lower(), float(s)) for a, b, s in fields]
    number = _lower_cased(vocab.words)
    known = [(number[a], number[b], s) for a, b, s in pairs if a in number and b in number]
    if len(known) < 2:
        return Score(float("nan"), len(known), len(pairs))
    left, right, human = (np.array(column) for column in zip(*known, strict=True))
    unit = np.asarray(similarity.normalize(jnp.asarray(table)))
    ours = np.sum(unit[left] * unit[right], axis=1)
    ranks = scipy.stats.rankdata(ours), scipy.stats.rankdata(human)
    return Score(float(np.corrcoef(*ranks)[0, 1]), len(known), len(pairs))


def analogies(
    vocab: Vocab, table: Float[Any, "vocab dim"], *, restrict_vocab: int = 30_000
) -> Score | None:
    """a is to b as c is to what? The share right, by 3CosAdd; None without the file.

    Args:
        restrict_vocab: questions and answers are limited to the most frequent words.

    Source:
        Mikolov et al. 2013, arXiv:1301.3781, section 4.1; the protocol of word2vec's
        compute-accuracy: unit vectors, the question's own words excluded.
    """
    folder = test_files()
    if folder is None:
        return None
    lines = (folder / QUESTIONS).read_text("utf-8").lower().splitlines()
    questions = [line.split() for line in lines if line and not line.startswith(":")]
    number = _lower_cased(vocab.words[:restrict_vocab])
    known = [[number[w] for w in q] for q in questions if all(w in number for w in q)]
    if not known:
        return Score(float("nan"), 0, len(questions))
    unit = similarity.normalize(jnp.asarray(table[:restrict_vocab]))
    right = 0
    for start in range(0, len(known), 512):
        ids = np.array(known[start : start + 512])
        right += int(np.sum(np.asarray(_answers(unit, ids)) == ids[:, 3]))
    return Score(right / len(known), len(known), len(questions))


def _lower_cased(words: tuple[str, ...]) -> dict[str, int]:
    """The id of each word in lower case; of several forms, that of the most frequent."""
    number: dict[str, int] = {}
    for i, word in enumerate(words):
        number.setdefault(word.lower(), i)
    return number


@jax.jit
def _answers(unit, ids):
    a, b, c = (unit[ids[:, i]] for i in range(3))
    scores = jnp.matmul(b - a + c, unit.T, precision=Precision.HIGHEST)
    scores = scores.at[jnp.arange(ids.shape[0])[:, None], ids[:, :3]].set(-jnp.inf)
    return jnp.argmax(scores, axis=1)

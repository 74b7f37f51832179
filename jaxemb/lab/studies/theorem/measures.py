"""Skip-gram and the matrix that it factors: both computed from one text, and how far they agree.

The optimum of skip-gram with negative sampling is v_w . u_c = log(#(w, c) / N(w, c)), shifted PMI
(`static.optimum`), for tables with as many dimensions as words. This module compares tables from
training with tables of the same dimension from truncated SVD of the positive part of that matrix,
for the same text, windows, subsampling of frequent words and noise distribution.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from jaxemb import linalg
from jaxemb.counts import cooccurrence, pmi
from jaxemb.errors import InputError
from jaxemb.evaluation import intervals
from jaxemb.lab import progress
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.linalg import operators, truncated
from jaxemb.static import blocks, objectives, optimum
from jaxemb.structs import InOut, Sparse
from jaxemb.text import corpus as corpus_lib
from jaxemb.training import loop

SKIPGRAM, SVD = "skip-gram", "SVD"  # the names of the two pairs of tables
RULES: dict[Any, Callable[..., Any]] = {
    None: optimum.keep,
    blocks.keep: optimum.keep,
    blocks.skip: optimum.skip,
    blocks.resample: optimum.resample,
}
COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 200)  # least counts at which agreement is measured
FEWEST = 100  # cells: no correlation is reported over fewer
FREQUENT = 5000  # most frequent words, from which pairs and compared words are drawn
PAIRS = 20_000  # pairs of words, for Harris's hypothesis
COMPARED = 500  # words whose neighbours are compared
NEAREST = 10
_PIECE = 1 << 18  # cells at a time
_ROWS = 1 << 9  # pairs of rows at a time: a frequent word may have met every other


class Matrix(NamedTuple):
    """Skip-gram's expected co-occurrence counts on a text, and the optimum of each counted cell."""

    counts: Sparse  # #(w, c): expected occurrences of c in windows of w, in one pass over the text
    optimum: Sparse  # log(# / N) of the same cells; it is -inf in all other cells
    words: int  # number of tokens counted
    infinite: int  # cells left out because their context is never noise: their optimum is +inf
    rule: str  # the name of the rule for noise words that collide with context words


def check(config: StaticConfig, words: int | None = None) -> None:
    """Raise InputError for a config to which the theorem does not apply.

    Args:
        words: the size of the vocabulary, if it is known: SVD has no more dimensions.
    """
    if words is not None and config.dim > words:
        raise InputError(f"dim is {config.dim}, but there are {words:,} words: lower --dim")
    if config.objective is not objectives.skipgram:
        name = getattr(config.objective, "__qualname__", config.objective)
        raise InputError(f"objective is {name}; the theorem applies to objectives.skipgram")
    if config.members:
        raise InputError("the config has several members; wanted one model: remove the members")
    if not config.report:
        raise InputError("report = False is for a run of its own: the theorem's study is a report")
    if config.collision not in RULES:
        raise InputError("collision is a rule of your own; wanted blocks.keep, skip or resample")


def matrix(config: StaticConfig, corpus: corpus_lib.Corpus, folder: Path) -> Matrix:
    """Count the windows that training reads, and compute the optimum of every counted cell.

    Args:
        config: the settings of the training run: window, subsampling, noise, seed.
        corpus: the text.
        folder: where the cells are stored, memory-mapped.

    Raises:
        InputError: the theorem does not apply to the config.
    """
    check(config)
    rule, size = RULES[config.collision], len(corpus.vocab.words)
    weight = cooccurrence.of_windows(dynamic=config.dynamic_window)
    key, share = jax.random.key(config.seed), config.corpus.held_out
    text = loop.split_of(key, corpus.ids, config.kept(corpus), held_out=share)
    window = cooccurrence.Window(config.window, weight)
    with progress.watched("counting pairs") as show:
        counted = cooccurrence.count(text, folder, window, progress=show)
    mass = np.asarray(corpus.vocab.counts, np.float64) ** config.noise_power
    targets = optimum.of_cells(counted.cells, size, config.negatives, mass / mass.sum(), rule)
    cells, finite = counted.cells, np.isfinite(targets.values)
    if not finite.all():
        cells, targets = (Sparse(*(side[finite] for side in both)) for both in (cells, targets))
    return Matrix(cells, targets, counted.words, int((~finite).sum()), rule.__name__)


def factor(cells: Sparse, vocab: int, dim: int) -> InOut[np.ndarray]:
    """Tables U S^1/2 and V S^1/2 of the positive part of a matrix, by truncated SVD: float32.

    Negative cells are set to 0, and so are cells that were never counted, where the optimum is
    -inf.

    Args:
        cells: the counted cells of the matrix [vocab, vocab].
        vocab: the number of words.
        dim: the number of singular vectors.

    Source:
        Levy and Goldberg 2014, section 4.2; Levy, Goldberg and Dagan 2015, section 3.3, for the
        symmetric root.
    """
    positive = pmi.positive(cells)
    sparse = operators.sparse(*positive, (vocab, vocab))
    svd = truncated.truncated_svd(sparse, dim)
    root = np.sqrt(svd.s)[None, :]
    return InOut(*(np.asarray(side * root, np.float32) for side in (svd.u, svd.v)))


def products(tables: InOut[np.ndarray], cells: Sparse) -> Float[np.ndarray, " cells"]:
    """v_w . u_c of every cell (w, c), float32."""
    values = np.empty(len(cells.values), np.float32)
    for start in range(0, len(values), _PIECE):
        at = slice(start, start + _PIECE)
        rows, columns = tables.input[cells.rows[at]], tables.output[cells.columns[at]]
        values[at] = np.einsum("ij,ij->i", rows, columns)
    return values


class Agreement(NamedTuple):
    """Pearson's r of products and optimum, over the cells with at least a given count."""

    least: float  # the least count
    cells: int  # the number of cells
    r: dict[str, float]  # by the name of the pair of tables


def agreements(observed: Matrix, tables: dict[str, Float[np.ndarray, " cells"]]) -> list[Agreement]:
    """The correlation of products with the optimum, for each least count in COUNTS.

    Args:
        observed: counts and optimum.
        tables: the `products` of each pair of tables, by its name.
    """
    rows = []
    for least in COUNTS:
        kept = np.asarray(observed.counts.values) >= least
        if not least or kept.sum() >= FEWEST:
            best = np.asarray(observed.optimum.values[kept], np.float64)
            chosen = {k: np.asarray(v[kept], np.float64) for k, v in tables.items()}
            r = {k: float(intervals.pearson(values, best)) for k, values in chosen.items()}
            rows.append(Agreement(float(least), int(kept.sum()), r))
    return rows


class Angles(NamedTuple):
    """Principal angles in degrees, ascending, between the column spaces of tables.

    They are subspaces of a space with one dimension per word. The columns of the input table span
    the column space of M = U C^T, the columns of the output table its row space. (The rows of any
    table of full rank span the whole space of `dim` dimensions.)
    """

    input: Float[np.ndarray, " dim"]
    output: Float[np.ndarray, " dim"]
    random: Float[np.ndarray, " dim"]  # between the first input table and a random table


def angles(one: InOut[np.ndarray], other: InOut[np.ndarray], seed: int = 0) -> Angles:
    """The angles between two pairs of tables, and those to a random table as a baseline."""
    drawn = np.random.default_rng(seed).standard_normal(other.input.shape)
    pairs = (one.input, other.input), (one.output, other.output), (one.input, drawn)
    return Angles(*(_angles(*pair) for pair in pairs))


def _angles(one: Any, other: Any) -> Float[np.ndarray, " dim"]:
    return np.degrees(linalg.principal_angles(_span(one), _span(other)))


def _span(table: Any) -> Float[np.ndarray, "vocab rank"]:
    """An orthonormal basis of the column space."""
    left = np.linalg.svd(np.asarray(table, np.float64), full_matrices=False)[0]
    return left[:, : int(linalg.rank(table).rank)]


def shared_neighbours(one: Any, other: Any) -> Float[np.ndarray, " words"]:
    """The share of a word's ten nearest words that two tables have in common.

    Returns:
        The shares of `COMPARED` words, evenly spaced among the `FREQUENT` most frequent.
    """
    size = min(FREQUENT, len(one))
    words = np.unique(np.linspace(0, size - 1, min(COMPARED, size)).astype(int))
    near = []
    for table in (one, other):
        unit = linalg.unit_rows(np.asarray(table, np.float64))
        cosine = unit[words] @ unit.T
        cosine[np.arange(len(words)), words] = -np.inf
        near.append(np.argsort(-cosine, axis=1)[:, :NEAREST])
    return np.array([len(np.intersect1d(*both)) / NEAREST for both in zip(*near, strict=True)])


class Harris(NamedTuple):
    """The similarity of contexts and of vectors, over random pairs of words."""

    # cosines of rows of a count matrix, by its name
    contexts: dict[str, Float[np.ndarray, " pairs"]]
    vectors: dict[str, Float[np.ndarray, " pairs"]]  # cosines of rows of a table, by its name
    rho: dict[str, dict[str, intervals.Estimate]]  # Spearman's, by count matrix and table


def harris(observed: Matrix, tables: dict[str, Any], vocab: int, seed: int = 0) -> Harris:
    """Test Harris's hypothesis, that words in similar contexts are similar, on random pairs.

    The contexts of a word are its row of the counts, or of the positive PMI of the counts.

    Args:
        observed: counts and optimum.
        tables: input tables [vocab, dim], by name.
        vocab: the number of words.
        seed: of the pairs.

    Source:
        Harris 1954, "Distributional structure"; rows of positive PMI: Levy and Goldberg 2014.
    """
    random = np.random.default_rng(seed)
    drawn = random.integers(0, min(FREQUENT, vocab), (PAIRS, 2))
    left, right = drawn[drawn[:, 0] != drawn[:, 1]].T
    matrices = {"counts": observed.counts, "positive PMI": pmi.ppmi(observed.counts, vocab)}
    contexts = {name: _row_cosines(cells, vocab, left, right) for name, cells in matrices.items()}
    vectors = {}
    for name, table in tables.items():
        unit = linalg.unit_rows(np.asarray(table, np.float64))
        vectors[name] = np.einsum("ij,ij->i", unit[left], unit[right])
    rho = {
        context: {
            name: intervals.correlation(intervals.spearman, one, other)
            for name, other in vectors.items()
        }
        for context, one in contexts.items()
    }
    return Harris(contexts, vectors, rho)


def _row_cosines(
    cells: Sparse, vocab: int, left: Int[np.ndarray, " pairs"], right: Int[np.ndarray, " pairs"]
) -> Float[np.ndarray, " pairs"]:
    """Cosines of pairs of rows of a sparse matrix, in float64; 0 where a row has no cells."""
    starts = np.searchsorted(cells.rows, np.arange(vocab + 1, dtype=np.int32))
    values = np.asarray(cells.values, np.float64)
    rows: Any = scipy.sparse.csr_matrix((values, np.asarray(cells.columns), starts), (vocab, vocab))
    size = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).reshape(-1))
    unit: Any = scipy.sparse.diags(1 / np.where(size > 0, size, 1)) @ rows
    cosines = np.empty(len(left))
    for start in range(0, len(left), _ROWS):
        at = slice(start, start + _ROWS)
        cosines[at] = np.asarray(unit[left[at]].multiply(unit[right[at]]).sum(axis=1)).reshape(-1)
    return cosines

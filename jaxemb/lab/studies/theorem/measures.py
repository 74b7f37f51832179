"""Skip-gram beside the matrix that it factors: what each is, and how far they agree.

The optimum of skip-gram with negative sampling is v_w . u_c = log(#(w, c) / N(w, c)), shifted PMI
(`static.optimum`), for tables with as many dimensions as words. Here both are made of one text with
the same windows, the same thinning of frequent words and the same noise: tables by training, and
tables of the same dimension by truncated SVD of the positive part of that matrix.
"""

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

SKIPGRAM, SVD = "skip-gram", "SVD"  # the names of both pairs of tables
RULES = {
    None: optimum.keep,
    blocks.keep: optimum.keep,
    blocks.skip: optimum.skip,
    blocks.resample: optimum.resample,
}
COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 200)  # least counts at which agreement is measured
FEWEST = 100  # cells of which a correlation is told
FREQUENT = 5000  # words of which pairs are drawn, and whose neighbours are compared
PAIRS = 20_000  # of words, for Harris's hypothesis
COMPARED = 500  # words whose neighbours are compared
NEAREST = 10
_PIECE = 1 << 18  # cells at a time
_ROWS = 1 << 9  # pairs of rows at a time: a frequent word may have met every other


class Matrix(NamedTuple):
    """What skip-gram saw of a text, and what it tends to."""

    counts: Sparse  # #(w, c): expected occurrences of c in windows of w, in one pass over the text
    optimum: Sparse  # log(# / N) of the same cells; of all others -inf
    words: int  # occurrences that were counted
    infinite: int  # cells left out because their context is never noise: their optimum is +inf
    rule: str  # of noise


def check(config: StaticConfig, words: int | None = None) -> None:
    """Raises InputError for a config whose optimum this is not: another objective or rule.

    Args:
        words: of the vocabulary, once it is known: SVD has no more dimensions.
    """
    if words is not None and config.dim > words:
        raise InputError(f"dim is {config.dim}, but there are {words:,} words: lower --dim")
    if config.objective is not objectives.skipgram:
        name = getattr(config.objective, "__qualname__", config.objective)
        raise InputError(f"objective is {name}; the theorem is of objectives.skipgram")
    if config.members:
        raise InputError("the config has several members; wanted one model: take them out")
    if config.collision not in RULES:
        raise InputError("collision is a rule of your own; wanted blocks.keep, skip or resample")


def matrix(config: StaticConfig, corpus: corpus_lib.Corpus, folder: Path) -> Matrix:
    """Counts what training reads, and the optimum of every cell.

    Args:
        config: of the training: its window, thinning, noise, seed.
        corpus: the text.
        folder: where the cells go, memory-mapped.

    Raises:
        InputError: a config whose optimum this is not.
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
    found = optimum.of_cells(counted.cells, size, config.negatives, mass / mass.sum(), rule)
    cells, finite = counted.cells, np.isfinite(found.values)
    if not finite.all():
        cells, found = (Sparse(*(side[finite] for side in each)) for each in (cells, found))
    return Matrix(cells, found, counted.words, int((~finite).sum()), rule.__name__)


def factor(of: Sparse, vocab: int, dim: int) -> InOut:
    """Tables U S^1/2 and V S^1/2 of the positive part of a matrix, by truncated SVD: float32.

    Cells that are not above 0, and the -inf of those never counted, are 0.

    Source:
        Levy and Goldberg 2014, section 4.2; Levy, Goldberg and Dagan 2015, section 3.3, for the
        symmetric root.
    """
    positive = pmi.positive(of)
    sparse = operators.sparse(*positive, (vocab, vocab))
    found = truncated.truncated_svd(sparse, dim)
    root = np.sqrt(found.s)[None, :]
    return InOut(np.float32(found.u * root), np.float32(found.v * root))


def products(tables: InOut, cells: Sparse) -> Float[Any, " cells"]:
    """v_w . u_c of every cell, float32."""
    found = np.empty(len(cells.values), np.float32)
    for start in range(0, len(found), _PIECE):
        at = slice(start, start + _PIECE)
        rows, columns = tables.input[cells.rows[at]], tables.output[cells.columns[at]]
        found[at] = np.einsum("ij,ij->i", rows, columns)
    return found


class Agreement(NamedTuple):
    """Pearson's r of products with the optimum, over the cells counted at least so often."""

    least: float
    cells: int
    r: dict[str, float]  # by table


def agreements(of: Matrix, made: dict[str, Float[Any, " cells"]]) -> list[Agreement]:
    """How well products are the optimum, the more often two words were seen together.

    Args:
        made: the `products` of each pair of tables.
    """
    found = []
    for least in COUNTS:
        kept = np.asarray(of.counts.values) >= least
        if not least or kept.sum() >= FEWEST:
            best = np.asarray(of.optimum.values[kept], np.float64)
            r = {k: float(intervals.pearson(np.float64(v[kept]), best)) for k, v in made.items()}
            found.append(Agreement(float(least), int(kept.sum()), r))
    return found


class Angles(NamedTuple):
    """Principal angles in degrees, ascending, between spans of columns in as many dimensions as
    there are words: the columns of the input tables span those of M = U C^T, the columns of the
    output tables its rows. (The rows of any table of full rank span all of its own space.)
    """

    input: Float[Any, " dim"]
    output: Float[Any, " dim"]
    random: Float[Any, " dim"]  # the same skip-gram input table, and a random one


def angles(one: InOut, other: InOut, seed: int = 0) -> Angles:
    """The angles between two pairs of tables, and what two spaces of chance have."""
    drawn = np.random.default_rng(seed).standard_normal(other.input.shape)
    pairs = (one.input, other.input), (one.output, other.output), (one.input, drawn)
    return Angles(*(_angles(*pair) for pair in pairs))


def _angles(one: Any, other: Any) -> Float[Any, " dim"]:
    return np.degrees(linalg.principal_angles(_span(one), _span(other)))


def _span(table: Any) -> Float[Any, "vocab rank"]:
    """An orthonormal basis of the space that the columns span."""
    left = np.linalg.svd(np.asarray(table, np.float64), full_matrices=False)[0]
    return left[:, : int(linalg.rank(table).rank)]


def shared_neighbours(one: Any, other: Any) -> Float[Any, " words"]:
    """The share of a word's ten nearest that two tables have in common, of some frequent words."""
    size = min(FREQUENT, len(one))
    asked = np.unique(np.linspace(0, size - 1, min(COMPARED, size)).astype(int))
    near = []
    for table in (one, other):
        unit = linalg.unit_rows(np.asarray(table, np.float64))
        cosine = unit[asked] @ unit.T
        cosine[np.arange(len(asked)), asked] = -np.inf
        near.append(np.argsort(-cosine, axis=1)[:, :NEAREST])
    return np.array([len(np.intersect1d(*both)) / NEAREST for both in zip(*near, strict=True)])


class Harris(NamedTuple):
    """Pairs of words: how alike their contexts are, and how alike their vectors."""

    contexts: dict[str, Float[Any, " pairs"]]  # cosine of the rows of a count matrix
    vectors: dict[str, Float[Any, " pairs"]]  # cosine of the rows of a table
    rho: dict[str, dict[str, intervals.Estimate]]  # Spearman: contexts, then vectors


def harris(of: Matrix, tables: dict[str, Any], vocab: int, seed: int = 0) -> Harris:
    """Harris's hypothesis: words that occur in alike contexts are alike. Random pairs of words.

    Contexts are rows of the counts, and of the positive PMI of the counts.

    Source:
        Harris 1954, "Distributional structure"; PPMI rows as Levy and Goldberg 2014 have them.
    """
    random = np.random.default_rng(seed)
    drawn = random.integers(0, min(FREQUENT, vocab), (PAIRS, 2))
    left, right = drawn[drawn[:, 0] != drawn[:, 1]].T
    matrices = {"counts": of.counts, "positive PMI": pmi.ppmi(of.counts, vocab)}
    contexts = {name: _row_cosines(each, vocab, left, right) for name, each in matrices.items()}
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
    cells: Sparse, vocab: int, left: Int[Any, " pairs"], right: Int[Any, " pairs"]
) -> Float[Any, " pairs"]:
    """Cosines of pairs of rows of a sparse matrix, in float64; 0 with a row without cells."""
    starts = np.searchsorted(cells.rows, np.arange(vocab + 1, dtype=np.int32))
    values = np.asarray(cells.values, np.float64)
    rows: Any = scipy.sparse.csr_matrix((values, np.asarray(cells.columns), starts), (vocab, vocab))
    size = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).reshape(-1))
    unit: Any = scipy.sparse.diags(1 / np.where(size > 0, size, 1)) @ rows
    found = np.empty(len(left))
    for start in range(0, len(left), _ROWS):
        at = slice(start, start + _ROWS)
        found[at] = np.asarray(unit[left[at]].multiply(unit[right[at]]).sum(axis=1)).reshape(-1)
    return found

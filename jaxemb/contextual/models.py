"""Language models by their settings, with the cells, filters and optimizers to choose from."""

import optax

from jaxemb.contextual import cells
from jaxemb.contextual.bilm import BiLM
from jaxemb.contextual.cells import Cell
from jaxemb.contextual.characters import CharCNN
from jaxemb.contextual.language_model import LanguageModel, Lookup
from jaxemb.contextual.windows import SHIFT

FILTERS = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))  # ELMo's
CLIP = 3.0  # ELMo's bound on the entries of cell states and projections


def elmo_cell(units: int, dim: int) -> Cell:
    """ELMo's LSTM: `units` units, a projection to `dim`, and both clips at 3."""
    return cells.lstm(units, dim, cell_clip=CLIP, projection_clip=CLIP)


def plain_cell(units: int, dim: int) -> Cell:
    """An LSTM of `dim` units without projection or clips: the plain BiLSTM contextualizer."""
    del units
    return cells.lstm(dim)


def gru_cell(units: int, dim: int) -> Cell:
    """A GRU of `dim` units."""
    del units
    return cells.gru(dim)


def adagrad(learning_rate: float) -> optax.GradientTransformation:
    """ELMo's optimizer: Adagrad with accumulators that start at 1."""
    return optax.adagrad(learning_rate, initial_accumulator_value=1.0)


def adam(learning_rate: float) -> optax.GradientTransformation:
    """Adam, with the constants of its paper (Kingma and Ba 2015, arXiv:1412.6980)."""
    return optax.adam(learning_rate)


def language_model(
    cell: Cell,
    vocab: int,
    *,
    layers: int = 2,
    skip: bool = True,
    dropout: float = 0.0,
    tied: bool = False,
    characters: bool = False,
    filters: tuple[tuple[int, int], ...] = FILTERS,
) -> LanguageModel:
    """A language model of `vocab` words and three marks, over vectors of the cell's dimension.

    Args:
        cell: the recurrent cell of both directions.
        vocab: the number of words; the marks (`windows.SHIFT`) come on top.
        layers, skip, dropout: as in `BiLM`; dropout is applied before the softmax, too.
        tied: as in `LanguageModel`.
        characters: whether token vectors come from a `CharCNN`, or else from a table.
        filters: (width, number) of each convolution of the `CharCNN`.
    """
    rows, dim = vocab + SHIFT, cell.out
    embed = CharCNN(dim, filters) if characters else Lookup(rows, dim)
    return LanguageModel(embed, BiLM(cell, layers, skip, dropout), rows, tied, dropout)

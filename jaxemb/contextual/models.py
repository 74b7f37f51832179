"""Language models by their settings, with the filters and optimizers to choose from."""

import optax

from jaxemb.contextual import objectives
from jaxemb.contextual.characters import CharCNN
from jaxemb.contextual.language_model import Ends, LanguageModel, Lookup
from jaxemb.contextual.objectives import LanguageObjective
from jaxemb.contextual.windows import SHIFT
from jaxemb.errors import InputError
from jaxemb.structs import Contextualizer

FILTERS = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))  # ELMo's


def adagrad(learning_rate: float) -> optax.GradientTransformation:
    """ELMo's optimizer: Adagrad with accumulators that start at 1."""
    return optax.adagrad(learning_rate, initial_accumulator_value=1.0)


def adam(learning_rate: float) -> optax.GradientTransformation:
    """Adam, with the constants of its paper (Kingma and Ba 2015, arXiv:1412.6980)."""
    return optax.adam(learning_rate)


def language_model(
    context: Contextualizer,
    vocab: int,
    objective: LanguageObjective | None = None,
    *,
    dropout: float = 0.0,
    tied: bool = False,
    characters: bool = False,
    filters: tuple[tuple[int, int], ...] = FILTERS,
) -> LanguageModel:
    """A language model of `vocab` words and three marks, over vectors of the model's dimension.

    Args:
        context: reads the vectors of a text, one of `members` or yours.
        vocab: the number of words; the marks (`windows.SHIFT`) come on top.
        objective: what is predicted; by default `objectives.next_word()`.
        dropout: the rate at the vectors that enter the softmax.
        tied: as in `Ends`.
        characters: whether token vectors come from a `CharCNN`, or else from a table.
        filters: (width, number) of each convolution of the `CharCNN`.

    Raises:
        InputError: no Contextualizer, or one with more directions than the objective has windows,
            or fewer.
    """
    if not isinstance(context, Contextualizer):
        raise InputError(f"the model is {context!r:.60}; wanted a Contextualizer")
    objective = objectives.next_word() if objective is None else objective
    names = objective.directions
    if len(names) != len(context.reverse):
        raise InputError(
            f"the model has {len(context.reverse)} directions, and the objective predicts "
            f"{len(names)} ({', '.join(names)}): of one direction, wanted masked_words; of two, "
            "next_word"
        )
    rows, dim = vocab + SHIFT, context.dim
    embed = CharCNN(dim, filters) if characters else Lookup(rows + objective.hides, dim)
    return LanguageModel(Ends(embed, dim, rows, tied, dropout), context, objective)

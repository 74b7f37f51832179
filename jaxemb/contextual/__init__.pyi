from . import (
    cells as cells,
    characters as characters,
    elmo as elmo,
    language_model as language_model,
    models as models,
    perplexity as perplexity,
    reader as reader,
    recurrence as recurrence,
    training as training,
    windows as windows,
)
from .bilm import BiLM as BiLM
from .characters import CharCNN as CharCNN

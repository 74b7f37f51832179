from . import (
    attention as attention,
    baselines as baselines,
    bilm as bilm,
    cells as cells,
    characters as characters,
    elmo as elmo,
    language_model as language_model,
    linear_recurrence as linear_recurrence,
    members as members,
    models as models,
    objectives as objectives,
    perplexity as perplexity,
    reader as reader,
    recurrence as recurrence,
    training as training,
    windows as windows,
)
from .bilm import BiLM as BiLM
from .characters import CharCNN as CharCNN

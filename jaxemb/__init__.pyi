from . import (
    contextual as contextual,
    counts as counts,
    embedders as embedders,
    evaluation as evaluation,
    formats as formats,
    functional as functional,
    linalg as linalg,
    static as static,
    structs as structs,
    text as text,
    training as training,
)
from .evaluation.neighbours import nearest as nearest
from .functional import losses as losses, similarity as similarity
from .functional.onehot import one_hot as one_hot
from .lab.model import Model as Model
from .lab.notebook import elmo as elmo, fit as fit, load as load
from .static import objectives as objectives
from .static.hierarchical import cbow_hs as cbow_hs, skipgram_hs as skipgram_hs
from .static.objectives import cbow as cbow, skipgram as skipgram
from .static.softmaxes import (
    cbow_nce as cbow_nce,
    cbow_softmax as cbow_softmax,
    skipgram_nce as skipgram_nce,
    skipgram_softmax as skipgram_softmax,
)
from .static.subwords import subword_cbow as subword_cbow, subword_skipgram as subword_skipgram
from .structs import InOut as InOut, Vocab as Vocab
from .training import learners as learners

__version__: str

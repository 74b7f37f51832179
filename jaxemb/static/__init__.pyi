from . import (
    bags as bags,
    blocks as blocks,
    hierarchical as hierarchical,
    objectives as objectives,
    optimum as optimum,
    segments as segments,
    softmaxes as softmaxes,
    steps as steps,
    subwords as subwords,
    tables as tables,
    trees as trees,
)
from .hierarchical import cbow_hs as cbow_hs, skipgram_hs as skipgram_hs
from .objectives import cbow as cbow, skipgram as skipgram
from .softmaxes import (
    cbow_nce as cbow_nce,
    cbow_softmax as cbow_softmax,
    skipgram_nce as skipgram_nce,
    skipgram_softmax as skipgram_softmax,
)
from .subwords import subword_cbow as subword_cbow, subword_skipgram as subword_skipgram

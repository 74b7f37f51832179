from . import (
    cells as cells,
    cooccurrence as cooccurrence,
    factorizations as factorizations,
    glove as glove,
    pmi as pmi,
    shuffling as shuffling,
)
from .factorizations import ppmi_svd as ppmi_svd

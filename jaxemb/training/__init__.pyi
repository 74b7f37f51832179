from . import (
    ensembles as ensembles,
    fitting as fitting,
    given as given,
    learners as learners,
    loop as loop,
    mesh as mesh,
    mesh_sizes as mesh_sizes,
    monitor as monitor,
    optimizers as optimizers,
    prefetch as prefetch,
    sharded as sharded,
)
from .fitting import fit as fit
from .learners import (
    adagrad as adagrad,
    adagrad_stanford as adagrad_stanford,
    dense as dense,
    row_sparse as row_sparse,
    sgd as sgd,
)

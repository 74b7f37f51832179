from . import (
    finite as finite,
    hashing as hashing,
    loops as loops,
    losses as losses,
    meshes as meshes,
    pooling as pooling,
    products as products,
    ratios as ratios,
    reading as reading,
    sampling as sampling,
    schedules as schedules,
    similarity as similarity,
    softmax as softmax,
    subsampling as subsampling,
)
from .onehot import one_hot as one_hot

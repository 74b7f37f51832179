"""Tables whose singular values are known, in float64: what the tests of linear algebra measure."""

import numpy as np

from jaxemb import linalg

METHODS = {"gram64": linalg.gram64, "qr": linalg.qr, "sketch": linalg.sketch}
# float32 sums over many rows: a large singular value is right to this share of itself
SHARE = {"gram64": 1e-9, "qr": 1e-9, "sketch": 1e-5, "qr on a device": 1e-5}


def planted(seed: int, rows: int, values) -> np.ndarray:
    """A float64 table with these singular values."""
    random = np.random.default_rng(seed)
    left, _ = np.linalg.qr(random.normal(size=(rows, len(values))))
    right, _ = np.linalg.qr(random.normal(size=(len(values), len(values))))
    return (left * np.asarray(values)) @ right.T


def deficient(smallest: float, rank: int = 250, dim: int = 300) -> np.ndarray:
    """Singular values from 1 to `smallest`, then zeros."""
    return np.concatenate([np.geomspace(1, smallest, rank), np.zeros(dim - rank)])

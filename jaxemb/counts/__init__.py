"""The count-based family: co-occurrence, PMI, truncated SVD, GloVe."""

from jaxemb.errors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)

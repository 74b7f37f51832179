"""Training of embedding tables: learners, the loop, in memory, ensembles, device meshes."""

from jaxemb.errors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)

"""How tables are trained: learners, the loop, in memory, as an ensemble, over a mesh."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""What a block of text reads and costs: draws, objectives, trees, subwords, tables."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

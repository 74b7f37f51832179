"""Objectives of static word vectors: sampled blocks, losses, trees, subwords, tables."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Objectives of static word vectors: sampled blocks, losses, trees, subwords, tables."""

from jaxemb.errors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)

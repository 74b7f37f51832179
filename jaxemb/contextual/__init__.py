"""Bidirectional language models: recurrent cells, the LSTM and its derivative, ELMo; in Flax."""

from jaxemb.errors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)

"""Bidirectional language models: recurrent cells, the LSTM and its derivative, ELMo; in Flax."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

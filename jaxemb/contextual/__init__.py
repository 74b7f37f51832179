"""Bidirectional language models: cells, the LSTM and its derivative, ELMo. Flax lives here."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""From text to a vocabulary and ids. Host only: this room never imports jax."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

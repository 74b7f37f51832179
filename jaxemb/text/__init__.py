"""From text to a vocabulary and ids. Host only: this room never imports jax."""

from jaxemb.errors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)

"""Word embeddings as linear algebra, from one-hot to ELMo, in pure JAX functions.

Everything is loaded when it is first used: importing jaxemb starts no device.
"""

from jaxemb.errors import door

_named, __dir__, __all__ = door(__name__, __file__)


def __getattr__(name: str):
    if name == "__version__":  # of the installed package; reading it takes 20 ms
        from importlib import metadata

        return metadata.version(__name__)
    return _named(name)

"""Word embeddings as linear algebra, from one-hot to ELMo, in pure JAX functions.

Everything is loaded when it is first used: importing jaxemb starts no device.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

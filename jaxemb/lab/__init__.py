"""The laboratory: experiments on disk. Its door has what a config file needs.

Nothing of the library imports it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

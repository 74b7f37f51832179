"""Experiments on disk: runs, studies and their reports. Config files import their classes here.

No module outside `jaxemb.lab` imports it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

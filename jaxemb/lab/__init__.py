"""Experiments on disk: runs, studies and their reports. Config files import their classes here.

No module outside `jaxemb.lab` imports it.
"""

from jaxemb.errors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)

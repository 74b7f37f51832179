"""Word vectors from files and into files: what Google, Stanford and Facebook published, exactly.

    found = formats.read("GoogleNews-vectors-negative300.bin")
    found.words, found.vectors

Nothing is unpickled, evaluated or fetched, and a file is read as it is or refused with its place.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

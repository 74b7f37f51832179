"""Read and write word vectors in the formats of Google, Stanford and Facebook, bit for bit.

    table = formats.read("GoogleNews-vectors-negative300.bin")
    table.words, table.vectors

Nothing is unpickled, evaluated or downloaded. A file is read exactly as its bytes say, or an error
names the line or byte at fault.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

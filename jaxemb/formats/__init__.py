"""Read and write word vectors in the formats of Google, Stanford and Facebook, bit for bit.

    table = formats.read("GoogleNews-vectors-negative300.bin")
    table.words, table.vectors

Nothing is unpickled, evaluated or downloaded. A file is read exactly as its bytes say, or an error
names the line or byte at fault.
"""

from jaxemb.errors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)

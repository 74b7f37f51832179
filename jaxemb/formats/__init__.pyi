from . import elmo as elmo, fasttext as fasttext
from .every import (
    FORMATS as FORMATS,
    MODEL as MODEL,
    TABLES as TABLES,
    Format as Format,
    FormatError as FormatError,
    FormatWarning as FormatWarning,
    read as read,
    unknown_words as unknown_words,
    with_ngrams as with_ngrams,
    write as write,
)
from .options import Options as Options, WordVectors as WordVectors
from .recognition import recognise as recognise
from .unwritable import Unwritable as Unwritable, rename as rename, skip as skip

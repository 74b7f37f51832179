from . import (
    characters as characters,
    corpus as corpus,
    phrases as phrases,
    tokenizers as tokenizers,
    vocabulary as vocabulary,
    word_lists as word_lists,
)
from .encoding import encode as encode
from .vocabulary import SENTENCE_END as SENTENCE_END

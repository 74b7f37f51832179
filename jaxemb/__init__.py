"""Word embeddings as linear algebra, from one-hot to ELMo, in pure JAX functions.

Everything is loaded when it is first used: importing jaxemb starts no device.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxemb import embedders, evaluation, formats, linalg, structs, text
    from jaxemb.evaluation.neighbours import nearest
    from jaxemb.functional import losses, similarity
    from jaxemb.functional.onehot import one_hot
    from jaxemb.static import objectives
    from jaxemb.static.objectives import cbow, skipgram
    from jaxemb.structs import InOut, Vocab
    from jaxemb.training import learners
    from jaxemb.training.fitting import fit

_HOMES = {
    "InOut": "jaxemb.structs:InOut",
    "Vocab": "jaxemb.structs:Vocab",
    "cbow": "jaxemb.static.objectives:cbow",
    "embedders": "jaxemb.embedders",
    "evaluation": "jaxemb.evaluation",
    "fit": "jaxemb.training.fitting:fit",
    "formats": "jaxemb.formats",
    "learners": "jaxemb.training.learners",
    "linalg": "jaxemb.linalg",
    "losses": "jaxemb.functional.losses",
    "nearest": "jaxemb.evaluation.neighbours:nearest",
    "objectives": "jaxemb.static.objectives",
    "one_hot": "jaxemb.functional.onehot:one_hot",
    "similarity": "jaxemb.functional.similarity",
    "skipgram": "jaxemb.static.objectives:skipgram",
    "structs": "jaxemb.structs",
    "text": "jaxemb.text",
}

__all__ = [
    "InOut",
    "Vocab",
    "cbow",
    "embedders",
    "evaluation",
    "fit",
    "formats",
    "learners",
    "linalg",
    "losses",
    "nearest",
    "objectives",
    "one_hot",
    "similarity",
    "skipgram",
    "structs",
    "text",
]


def __getattr__(name: str) -> Any:
    home, _, inside = _HOMES.get(name, "").partition(":")
    if not home:
        raise AttributeError(f"module 'jaxemb' has no attribute {name!r}")
    found = importlib.import_module(home)
    found = getattr(found, inside) if inside else found
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

"""The contextualizers: a new one is one file and one line here, and all laws test it."""

from collections.abc import Callable

from jaxemb.contextual.members.causal_transformers import causal_transformer as causal_transformer
from jaxemb.contextual.members.grus import gru as gru
from jaxemb.contextual.members.lstms import lstm as lstm, plain_lstm as plain_lstm
from jaxemb.contextual.members.masked_transformers import masked_transformer as masked_transformer
from jaxemb.contextual.members.mingrus import mingru as mingru
from jaxemb.structs import Contextualizer

_HERE = f"{__name__}."  # every function of a file of this room that is imported above
MEMBERS: tuple[Callable[..., Contextualizer], ...] = tuple(
    value
    for value in list(globals().values())
    if getattr(value, "__module__", "").startswith(_HERE)
)

"""The contextualizers: a new one is one file and one line of `MEMBERS`, and all laws test it."""

from collections.abc import Callable

from jaxemb.contextual.members.causal_transformers import causal_transformer
from jaxemb.contextual.members.grus import gru
from jaxemb.contextual.members.lstms import lstm, plain_lstm
from jaxemb.contextual.members.masked_transformers import masked_transformer
from jaxemb.contextual.members.mingrus import mingru
from jaxemb.structs import Contextualizer

MEMBERS: tuple[Callable[..., Contextualizer], ...] = (
    lstm,
    plain_lstm,
    gru,
    mingru,
    causal_transformer,
    masked_transformer,
)
__all__ = [
    "MEMBERS",
    "causal_transformer",
    "gru",
    "lstm",
    "masked_transformer",
    "mingru",
    "plain_lstm",
]

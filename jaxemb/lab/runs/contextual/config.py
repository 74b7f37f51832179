"""The config of a language model: plain numbers and named functions."""

import dataclasses
from typing import Any, Literal

from jaxemb.errors import InputError, above_zero, at_least, called_with
from jaxemb.lab.settings import Chosen, Function, Precision, TrainingRun, setting, taken
from jaxemb.training import mesh_sizes

_MEMBERS = "jaxemb.contextual.members"
# cells that version 0.1 named in the place of a model
_OLDER = {
    "jaxemb.contextual.models:elmo_cell": f"{_MEMBERS}.lstms:lstm",
    "jaxemb.contextual.models:plain_cell": f"{_MEMBERS}.lstms:plain_lstm",
    "jaxemb.contextual.models:gru_cell": f"{_MEMBERS}.grus:gru",
}


@dataclasses.dataclass(frozen=True)
class ContextualConfig(TrainingRun):
    """A language model over static vectors, or over characters."""

    model: Function
    """From the settings below to a Contextualizer: members.lstm, members.gru, members.mingru,
    members.causal_transformer, members.masked_transformer, or yours."""
    optimizer: Function
    """From the learning rate to an optax transformation: models.adagrad, models.adam, or any of
    optax, such as optax.adam. Gradients are clipped before it."""
    _: dataclasses.KW_ONLY
    objective: Chosen = None
    """What is predicted: objectives.next_word (by default), objectives.masked_words, or yours."""
    vectors: str | None = setting(None, changes_nothing=True)  # the rows' own digest decides
    """Static vectors to read: a finished run, or a file of any format; none: random vectors."""
    trained: bool = False
    """Train the static vectors, too; else they do not change."""
    characters: bool = False
    """Read characters by convolutions, as ELMo does, instead of vectors."""
    dim: int = 100
    """The dimension of the vectors (that of `vectors`, if given) and of each direction."""
    units: int = setting(256, of="model")
    """The units inside a layer, which projects them to `dim`."""
    layers: int = setting(2, of="model")
    """Layers of each direction."""
    skip: bool = setting(True, of="model")
    """Add a layer's input to its output, from the second layer on."""
    heads: int | None = setting(None, of="model")
    """The heads of an attention; they divide `dim`."""
    span: int | None = setting(None, of="model")
    """How many tokens a position of a causal Transformer attends to."""
    share: float | None = setting(None, of="objective")
    """The share of words that masked_words hides."""
    dropout: float = 0.1
    """The share of a layer's inputs that training sets to 0."""
    samples: int | None = 1024
    """Words of a sampled softmax in training; none: the full softmax. Perplexity always uses
    the full softmax."""
    tied: bool = False
    """The softmax shares the rows of the vectors."""
    carried: bool = False
    """Carry states from sentence to sentence, as ELMo's own training does; else every sentence
    begins at zero, as where sentences are embedded."""
    unroll: int = 20
    """Positions in a window, through which gradients flow."""
    batch: int = 64
    """Streams of text read side by side."""
    chunk: int = setting(8, changes_nothing=True)
    """Windows in one jitted call; changes nothing but speed."""
    epochs: int = 3
    """Passes over the text."""
    seconds: float | None = None
    """End after so many seconds of training, without compiling and measuring, if the epochs take
    longer; none: no limit. Such a run is not the same on every machine."""
    learning_rate: float = 0.2
    """The initial learning rate."""
    clip: float = 10.0
    """Maximum global gradient norm."""
    dev: float = 0.01
    """The share of sentences for choosing among models; the report uses held_out of the corpus."""
    precision: Precision | Literal["bfloat16"] = "highest"
    """Of the products of training: highest is float32. On a TPU default rounds factors to bfloat16,
    and high takes three passes; on an NVIDIA GPU both round to TensorFloat-32. A CPU computes them
    in float32. bfloat16 rounds factors to it everywhere; states, softmax and sums stay float32, and
    so does a convolution. Perplexity and vectors are float32 everywhere."""
    mesh: str | None = setting(None, changes_nothing=True)
    """Devices to train on: data=4 divides the streams by 4; every device has the whole model."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        super().check()
        at_least(1, units=self.units, layers=self.layers, unroll=self.unroll)
        called_with("dim", model=self.model)
        called_with(objective=self.objective)
        self.settings("model")
        self.settings("objective")
        called_with("learning_rate", optimizer=self.optimizer)
        above_zero(clip=self.clip)
        if self.seconds is not None:
            above_zero(seconds=self.seconds)
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}; it must be at least 0 and below 1")
        held = self.corpus.held_out
        if not (self.dev > 0 and held > 0 and self.dev + held < 1):
            hint = "wanted both above 0, and below 1 together"
            raise InputError(f"dev is {self.dev:g}, held_out is {held:g}; {hint}")
        if self.characters and (self.vectors or self.tied):
            raise InputError("characters take the place of vectors, and cannot be tied")
        mesh_sizes.check_data(self.mesh, self.batch)
        if self.samples is not None:
            at_least(1, samples=self.samples)

    def settings(self, name: str) -> dict[str, Any]:
        """The settings that the function in the field `name` takes: of `model` or `objective`.

        Raises:
            InputError: a setting of this function was changed that it does not take.
        """
        return {} if getattr(self, name) is None else taken(self, name)

    @staticmethod
    def of_older(was: dict[str, Any]) -> dict[str, Any]:
        """The config.json of an earlier version, with the names of this one."""
        if "cell" not in was:
            return was
        cell = was["cell"]
        filled = {**was, "model": _OLDER.get(cell, cell)}
        del filled["cell"]
        if not str(cell).endswith(":elmo_cell"):
            filled["units"] = 256  # which other cells did not read
        return filled

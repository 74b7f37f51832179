"""The config of a bidirectional language model: plain numbers and named functions."""

import dataclasses

from jaxemb.errors import InputError, above_zero, at_least, called_with
from jaxemb.lab.settings import Function, TrainingRun, setting
from jaxemb.training import mesh_sizes


@dataclasses.dataclass(frozen=True)
class ContextualConfig(TrainingRun):
    """A bidirectional language model over static vectors, or over characters."""

    cell: Function
    """From (units, dim) to a Cell: models.elmo_cell, models.gru_cell, or yours."""
    optimizer: Function
    """From the learning rate to an optax transformation: models.adagrad, models.adam, or any of
    optax, such as optax.adam. Gradients are clipped before it."""
    _: dataclasses.KW_ONLY
    vectors: str | None = setting(None, changes_nothing=True)  # the rows' own digest decides
    """Static vectors to read: a finished run, or a file of any format; none: random vectors."""
    trained: bool = False
    """Train the static vectors, too; else they do not change."""
    characters: bool = False
    """Read characters by convolutions, as ELMo does, instead of vectors."""
    dim: int = 100
    """The dimension of the vectors (that of `vectors`, if given) and of each direction."""
    units: int = 256
    """The units of a cell, which projects them to `dim`."""
    layers: int = 2
    skip: bool = True
    """Add a layer's input to its output, from the second layer on."""
    dropout: float = 0.1
    samples: int | None = 1024
    """Words of a sampled softmax in training; none: the full softmax. Perplexity always uses
    the full softmax."""
    tied: bool = False
    """The softmax shares the rows of the vectors."""
    carried: bool = False
    """Carry states from sentence to sentence, as ELMo's own training does; else every sentence
    begins at zero, as in scripts/embed.py."""
    unroll: int = 20
    """Positions in a window, through which gradients flow."""
    batch: int = 64
    """Streams of text read side by side."""
    chunk: int = setting(8, changes_nothing=True)
    """Windows in one jitted call; changes nothing but speed."""
    epochs: int = 3
    learning_rate: float = 0.2
    clip: float = 10.0
    """Maximum global gradient norm."""
    dev: float = 0.01
    """The share of sentences for choosing among models; the report uses held_out of the corpus."""
    mesh: str | None = setting(None, changes_nothing=True)
    """Devices to train on: data=4 divides the streams by 4; every device has the whole model."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        super().check()
        at_least(1, units=self.units, layers=self.layers, unroll=self.unroll)
        called_with("units", "dim", cell=self.cell)
        called_with("learning_rate", optimizer=self.optimizer)
        above_zero(clip=self.clip)
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

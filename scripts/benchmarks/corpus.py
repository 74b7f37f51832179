"""Preparing text: tokens/s and peak memory, beside gensim's scan of its vocabulary.

Usage: python scripts/benchmark.py corpus --corpus TEXT [--repeats 3]

Each in a process of its own, on one plain text of lower-cased words: jaxemb counts and writes ids
to disk, gensim only counts. Peak memory is of the largest process. Writes corpus.json.
"""

import dataclasses
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from jaxemb import files
from jaxemb.lab import command_line, corpus as preparation
from jaxemb.lab.runs.static.config import Corpus
from jaxemb.text import tokenizers


@dataclasses.dataclass(frozen=True)
class Asked:
    """Preparation beside gensim's vocabulary scan."""

    corpus: tuple[str, ...]
    repeats: int = 3
    folder: str = "runs/benchmark"


def main(arguments: list[str]) -> None:
    if len(arguments) == 2 and arguments[0] in ("jaxemb", "gensim"):  # the measured process
        _measured(*arguments)
        return
    asked = command_line.parse(Asked, arguments)
    from benchmarks import _together, static

    text = files.writable(asked.folder) / "text.txt"
    tokens = static.write_plain(asked.corpus, text)
    rows: list[dict] = []
    for program in ("gensim", "jaxemb"):
        command = [sys.executable, sys.argv[0], "corpus", program, str(text)]
        found = []
        for _ in range(asked.repeats):
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(json.loads(done.stdout.splitlines()[-1]))
        rates = [tokens / each["seconds"] for each in found]
        row = {
            "program": program,
            "tokens/s": round(statistics.median(rates)),
            "lowest": round(min(rates)),
            "highest": round(max(rates)),
            "peak MB": round(max(each["peak_mb"] for each in found)),
        }
        base = rows[0]["tokens/s"] if rows else row["tokens/s"]
        rows.append({**row, "ratio": round(row["tokens/s"] / base, 2)})
    print(f"{tokens:,} tokens\n\n{_together.table(rows)}")
    _together.write("corpus", asked, rows, asked.folder)


def _measured(program: str, text: str) -> None:
    if program == "gensim":
        from gensim.models import Word2Vec

        start = time.perf_counter()
        Word2Vec(min_count=5, workers=2).build_vocab(corpus_file=text)
    else:
        folder = Path(text).parent / "corpus_benchmark"
        shutil.rmtree(folder, ignore_errors=True)
        start = time.perf_counter()
        asked = Corpus(path=(text,), tokenizer=tokenizers.whitespace)
        preparation.prepare_corpus(asked, folder)
    seconds = time.perf_counter() - start
    peaks = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(json.dumps({"seconds": seconds, "peak_mb": max(peaks) / 1e3}))

"""Time the preparation of text: tokens/s and peak memory, beside gensim's vocabulary scan.

Usage: python scripts/benchmark.py corpus --corpus TEXT [--repeats 3]

Each program runs in its own process on one plain text of lower-cased words: jaxemb counts and
writes ids to disk, gensim only counts. Peak memory is that of the largest process. Writes
corpus.json.
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
class Settings:
    """Time preparation beside gensim's vocabulary scan."""

    corpus: tuple[str, ...]
    repeats: int = 3
    folder: str = "runs/benchmark"


def main(arguments: list[str]) -> None:
    if len(arguments) == 2 and arguments[0] in ("jaxemb", "gensim"):  # the measured process
        _measured(*arguments)
        return
    settings = command_line.parse(Settings, arguments)
    from benchmarks import _together, static

    text = files.writable(settings.folder) / "text.txt"
    tokens = static.write_plain(settings.corpus, text)
    rows: list[dict] = []
    for program in ("gensim", "jaxemb"):
        command = [sys.executable, sys.argv[0], "corpus", program, str(text)]
        results = []
        for _ in range(settings.repeats):
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            results.append(json.loads(done.stdout.splitlines()[-1]))
        rates = [tokens / result["seconds"] for result in results]
        row = {
            "program": program,
            "tokens/s": round(statistics.median(rates)),
            "lowest": round(min(rates)),
            "highest": round(max(rates)),
            "peak MB": round(max(result["peak_mb"] for result in results)),
        }
        base = rows[0]["tokens/s"] if rows else row["tokens/s"]
        rows.append({**row, "ratio": round(row["tokens/s"] / base, 2)})
    print(f"{tokens:,} tokens\n\n{_together.table(rows)}")
    _together.write("corpus", settings, rows, settings.folder)


def _measured(program: str, text: str) -> None:
    if program == "gensim":
        from gensim.models import Word2Vec

        start = time.perf_counter()
        Word2Vec(min_count=5, workers=2).build_vocab(corpus_file=text)
    else:
        folder = Path(text).parent / "corpus_benchmark"
        shutil.rmtree(folder, ignore_errors=True)
        start = time.perf_counter()
        corpus = Corpus(path=(text,), tokenizer=tokenizers.whitespace)
        preparation.prepare_corpus(corpus, folder)
    seconds = time.perf_counter() - start
    peaks = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(json.dumps({"seconds": seconds, "peak_mb": max(peaks) / 1e3}))

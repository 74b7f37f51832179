"""Thousands of damaged files: each is refused with its place, or read as its bytes say.

Usage: python [-O] -m tests.formats.fuzz [--mutants 5000] [--seed 0]

To be run as a separate process: an audit hook cannot be removed, and memory is limited.
"""

import argparse
import contextlib
import io
import json
import resource
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from jaxemb import formats
from jaxemb.errors import FormatError
from tests import patience
from tests.formats import samples
from tests.references import formats as plain

SECONDS, MEMORY = 2.0, 256 << 20
FORBIDDEN = (
    "exec",
    "compile",
    "pickle.find_class",
    "socket.connect",
    "subprocess.Popen",
    "os.system",
)


def mutate(data: bytes, draw: np.random.Generator) -> bytes:
    """One to three of: flipped bits, a cut, a splice, a deletion, an edited length."""
    changed = bytearray(data)
    for _ in range(draw.integers(1, 4)):
        at, end = sorted(draw.integers(0, len(changed) + 1, 2))
        kind = draw.integers(7)
        if kind == 0 and changed:
            changed[min(at, len(changed) - 1)] ^= 1 << draw.integers(8)
        elif kind == 1:
            del changed[end:]
        elif kind == 2:
            changed[at:at] = changed[at : min(end, at + 40)]
        elif kind == 3:
            del changed[at : min(end, at + 8)]
        elif kind == 4:  # a number of the header, or a length in binary
            number = int(draw.choice([0, 1, 2, 5, 7, 255, 2**31 - 1, 2**32 - 1, 2**62]))
            size = int(draw.choice([4, 8]))
            at = int(draw.integers(0, max(min(len(changed), 120), 1)))
            changed[at : at + size] = (number % (1 << (8 * size))).to_bytes(size, "little")
        elif kind == 5:
            head, _, rest = bytes(changed).partition(b"\n")
            fields = head.split(b" ")
            fields[int(draw.integers(len(fields)))] = str(
                int(draw.choice([0, 1, 3, 7, 10**12]))
            ).encode()
            changed = bytearray(b" ".join(fields) + b"\n" + rest)
        else:
            changed[at:at] = draw.choice(
                [b" ", b"\n", b"\r\n", b"\0", b"nan", b"-", b"\xff", b"\t", b"1e9"]
            )
    return bytes(changed)


def check(path: Path, data: bytes, name: str | None) -> str:
    """Return "refused" or "read"; any other outcome of reading a file is raised."""
    path.write_bytes(data)
    try:
        with warnings.catch_warnings(), patience.at_most(SECONDS):
            warnings.simplefilter("ignore")
            table = formats.read(path, name)
    except FormatError as error:
        if path.name not in str(error) or not error.where:
            raise RuntimeError(f"no place in {error}") from error
        return "refused"
    _check_read(path, data, name, table)
    return "read"


def _check_read(path: Path, data: bytes, name: str | None, table: formats.WordVectors) -> None:
    words, vectors = table
    if not np.isfinite(vectors).all() or 0 in vectors.shape:
        raise RuntimeError(f"a table {vectors.shape} that holds no numbers")
    if words is not None and (len(words) != len(vectors) or len(set(words)) != len(words)):
        raise RuntimeError("words do not fit the rows")
    kind = name or formats.recognise(path)
    if kind in ("word2vec-text", "glove"):
        expected = plain.text(data, vectors.shape[1], kind == "word2vec-text")
    elif kind == "word2vec-binary":
        expected = plain.binary(data)
    else:
        return
    if words != expected[0] or not np.array_equal(vectors, expected[1]):
        raise RuntimeError(f"read {words}, which the plain reader reads as {expected[0]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args()
    events: Counter[str] = Counter()
    draw = np.random.default_rng(settings.seed)
    with tempfile.TemporaryDirectory() as folder:
        path, good = Path(folder) / "mutant", samples.files(Path(folder))
        for data in good.values():  # import now what the readers import late
            check(path, data, None)
            for late in (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"):
                with contextlib.suppress(RuntimeError):
                    check(path, late + data, None)
        allowed = {str(path)}

        def watch(event: str, arguments: tuple) -> None:
            if event in FORBIDDEN:
                events[f"{event} {str(arguments)[-90:]}"] += 1
            writes = event == "open" and arguments[1] and set(str(arguments[1])) & set("wax+")
            if writes and str(arguments[0]) not in allowed:
                events[f"write {arguments[0]}"] += 1

        sys.addaudithook(watch)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
        outcomes: Counter[str] = Counter()
        for i in range(settings.mutants):
            kind = list(good)[i % len(good)]
            data, name = mutate(good[kind], draw), kind.partition(" ")[0] if i % 3 else None
            try:
                outcomes[check(path, data, name)] += 1
            except BaseException as error:
                failure = f"{kind} as {name}: {type(error).__name__}: {error}: {data[:200]!r}"
                print(json.dumps({"failed": failure}))
                raise SystemExit(1) from None
    print(json.dumps({**outcomes, "events": dict(events)}))


if __name__ == "__main__":
    with contextlib.redirect_stderr(io.StringIO()):
        main()

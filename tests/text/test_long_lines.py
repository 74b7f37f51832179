"""Lines of any length take bounded memory. Oracle: the kernel's account of the process's memory."""

import gzip
import json
import subprocess
import sys

import pytest

MEGABYTE = b" ".join(b"%015x" % (i % 977) for i in range(1 << 16)) + b" "  # 2^20 bytes, 2^16 words
MEASURED = """
import json
from pathlib import Path
from jaxemb.text import corpus, tokenizers

def peak():  # kB; not getrusage, whose peak a process has from the one that started it
    lines = Path("/proc/self/status").read_text().split("\\n")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

settings = corpus.Settings(tokenizers.whitespace, 1, None, "error")
corpus.prepare("short", "prepared_short", settings)
before = peak()
made = corpus.prepare("long", "prepared_long", settings)
grown = peak() - before
ends = made.ids[-1].item(), int((made.ids < 0).sum())
print(json.dumps({"MB": grown / 1024, "read": made.tokens.read, "ends": ends}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_a_line_of_any_length_takes_no_more_memory_than_a_short_one(tmp_path, pytestconfig):
    whole = pytestconfig.getoption("--gigabyte")
    megabytes, pack, most = (1024, gzip.compress, 64) if whole else (48, bytes, 32)
    (tmp_path / "short").write_bytes(MEGABYTE)
    packed = pack(MEGABYTE)
    with (tmp_path / "long").open("wb") as file:  # a gzip file may have many members
        for _ in range(megabytes):
            file.write(packed)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    measured = json.loads(done.stdout)
    print(measured)
    assert measured["read"] == megabytes << 16
    assert measured["ends"] == [-1, 1]
    assert measured["MB"] < most

"""A tokenizer that kills its process, as a machine that fails does: on the word `death`."""

import os
import signal
from pathlib import Path

LIVES = "JAXEMB_TEST_LIVES"  # a folder: each file in it pays for one death


def words(text: str) -> list[str]:
    if "death" in text:
        for life in Path(os.environ[LIVES]).iterdir():
            try:
                life.unlink()
            except FileNotFoundError:  # another process died of it
                continue
            os.kill(os.getpid(), signal.SIGKILL)
    return text.split()

"""Reading a text on any executor. Oracle: the bytes that this process writes alone."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.text import cluster, compression, corpus, parts, phrases, reading, sources
from jaxemb.text.processes import Processes
from tests import patience
from tests.text import deadly

LINES = ["the añb cat\n", "你好 the\r\n", "\n", "a word\n", "इ é the cat\n", "\r\n", "no end the"]
RULE = phrases.Rule(1, phrases.word2phrase, (1.0,), 2, "_")
SETTINGS = corpus.Settings(deadly.words, 2, None, "error")


@pytest.fixture
def lives(tmp_path, monkeypatch):
    """A folder: every file in it pays for the death of one process."""
    monkeypatch.setenv(deadly.LIVES, str(tmp_path / "lives"))
    (tmp_path / "lives").mkdir()
    return tmp_path / "lives"


@pytest.fixture
def files(tmp_path, lives, monkeypatch):
    """Three texts with some deaths in them, in about ten jobs."""
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(3):
        lines = np.random.default_rng(i).permutation([*LINES * 40, "death\n", "death\n"])
        (folder / f"{i}.txt").write_text("".join(lines), encoding="utf-8")
    paths = sorted(folder.iterdir())
    monkeypatch.setattr(reading, "LEAST", 100)
    monkeypatch.setattr(reading, "_MOST", 700)
    assert 8 < len(reading.cut(paths, 3)) < 20
    return paths


def _made(files, folder: Path, settings=SETTINGS, **options) -> dict[str, bytes]:
    """All files of a prepared corpus; its manifest names the same text."""
    corpus.prepare(files, folder, settings, **options)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _alone(files, folder: Path, settings=SETTINGS) -> dict[str, bytes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_MOST", 1 << 28)
        patch.setattr(reading, "LEAST", 1 << 23)
        patch.setattr(reading, "Processes", None)  # calling it would fail
        return _made(files, folder, settings)


EXECUTORS = {
    "threads": lambda: ThreadPoolExecutor(3),
    **{f"processes {n}": lambda n=n: contextlib.nullcontext(n) for n in (1, 2, 3)},
}


@pytest.mark.parametrize("name", EXECUTORS)
def test_any_executor_and_number_of_workers_writes_the_same_bytes(files, tmp_path, name):
    with EXECUTORS[name]() as own:
        options = {"workers": own} if isinstance(own, int) else {"executor": own, "workers": 3}
        made = _made(files, tmp_path / "out", **options)
    assert set(made) == {"ids.bin", "vocab.txt", "manifest.json"}
    assert made == _alone(files, tmp_path / "alone")


def test_phrases_are_the_same_by_any_executor(files, tmp_path):
    settings = SETTINGS._replace(phrases=RULE)
    with ThreadPoolExecutor(3) as threads:
        made = _made(files, tmp_path / "out", settings, executor=threads)
    assert made == _alone(files, tmp_path / "alone", settings)
    assert made["phrases.txt"].count(b"\n") > 2


def test_a_killed_process_changes_nothing(files, tmp_path, lives):
    for life in range(3):
        (lives / str(life)).touch()
    made = _made(files, tmp_path / "out", workers=2)
    assert list(lives.iterdir()) == []  # all three were killed, in the middle of a job
    assert made == _alone(files, tmp_path / "alone")


def test_a_text_that_kills_every_process_is_named_and_leaves_nothing(files, tmp_path, lives):
    for life in range(99):
        (lives / str(life)).touch()
    with pytest.raises(
        InputError, match=r"0.txt stopped: 3 processes died while running.*signal 9"
    ):
        _made(files, tmp_path / "out", workers=2)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_fault_of_the_text_wins_whoever_finds_one_first(files, tmp_path, workers):
    for file in files[1:]:
        file.write_bytes(file.read_bytes() + b"\nbad \xff\n")
    with pytest.raises(InputError) as alone:
        _alone(files, tmp_path / "alone")
    assert f"{files[1]}: line " in str(alone.value)
    for options in ({"workers": workers}, {"executor": ThreadPoolExecutor(3)}):
        with pytest.raises(InputError) as other:
            _made(files, tmp_path / "out", **options)
        assert str(other.value) == str(alone.value)
        assert list((tmp_path / "out").iterdir()) == []


def _fail(name: str, seconds: float) -> None:
    time.sleep(seconds)
    raise KeyError(name)


def test_of_several_failures_the_first_in_order_is_raised_and_the_rest_cancelled():
    free = threading.Event()
    with ThreadPoolExecutor(2) as threads, contextlib.ExitStack() as then:
        then.callback(free.set)
        futures = [
            threads.submit(_fail, name, seconds) for name, seconds in (("a", 0.1), ("b", 0.0))
        ]
        futures += [threads.submit(free.wait) for _ in range(3)]
        futures[1].exception()
        rest = parts.in_order(futures)
        with pytest.raises(KeyError, match="'a'"):
            list(rest)
        assert futures[-1].cancelled()


def test_nothing_is_left_though_somebody_still_writes(tmp_path, monkeypatch):
    def removed(path, ignore_errors):
        for file in Path(path).iterdir():
            file.unlink()
        for act in (lambda: (scratch / "late").touch(), Path(path).rmdir):
            with contextlib.suppress(OSError):
                act()

    monkeypatch.setattr(corpus.shutil, "rmtree", removed)
    with corpus._alone(tmp_path) as scratch:
        (scratch / "numbers").touch()
    assert list(tmp_path.iterdir()) == []


def _slowly(text: str) -> list[str]:
    time.sleep(0.005)
    return text.split()


def test_progress_moves_inside_a_job_and_ends_with_every_byte(files, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_MOST", 1 << 20)
    monkeypatch.setattr(parts, "POLL", 0.02)
    monkeypatch.setattr(reading, "PENDING", 10)
    monkeypatch.setattr(compression, "BUFFER", 100)
    monkeypatch.setattr(sources, "PIECE", 100)
    seen = []
    with ThreadPoolExecutor(1) as thread:
        options = {
            "executor": thread,
            "workers": 1,
            "progress": lambda *progress: seen.append(progress),
        }
        _made(files[:1], tmp_path / "out", SETTINGS._replace(tokenizer=_slowly), **options)
    size = files[0].stat().st_size
    done = [progress for progress, total in seen if total == size]
    assert done == sorted(done)
    assert len({progress for progress in done if 0 < progress < size}) > 2
    assert seen[-1] == (size, size)


def test_a_worker_that_does_not_see_the_text_says_which_and_where(files, tmp_path):
    job = [reading.Stretch(tmp_path / "elsewhere.txt")]
    with pytest.raises(InputError, match=r"elsewhere.txt: is not there on .* the same names"):
        reading._task(job, deadly.words, "error", tmp_path, 0)


def test_a_worker_of_another_version_is_refused(files, tmp_path, monkeypatch):
    number = reading.number
    monkeypatch.setattr(reading, "number", lambda *args: number(*args)._replace(code="older"))
    with pytest.raises(InputError, match="another version"), ThreadPoolExecutor(1) as thread:
        _made(files, tmp_path / "out", executor=thread)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_killed_preparation_left_is_removed_by_the_next(files, tmp_path):
    left = tmp_path / "out" / "preparing.abc"
    left.mkdir(parents=True)
    (left / "numbers").write_bytes(b"1234")
    assert "preparing.abc" not in _made(files, tmp_path / "out", workers=1)


def test_of_two_that_prepare_one_folder_the_second_waits_and_finds_it_done(files, tmp_path):
    reads = []

    def before(vocab):
        reads.append(vocab)
        time.sleep(0.1)

    def prepared(_):
        options = {"workers": 1, "before_second_pass": before}
        return corpus.prepare(files[:1], tmp_path / "out", SETTINGS, **options)

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(prepared, range(2))
    np.testing.assert_array_equal(first.ids, second.ids)
    assert len(reads) == 1


def _double(x: int) -> int:
    if x == 3:
        raise KeyError("three")
    return 2 * x


def test_processes_are_an_executor():
    with Processes(2) as executor:
        assert list(executor.map(_double, range(3))) == [0, 2, 4]
        with pytest.raises(KeyError, match="three"):
            executor.submit(_double, 3).result()
        futures = [executor.submit(os.getpid) for _ in range(9)]
        assert os.getpid() not in {future.result() for future in futures}
        assert len({future.result() for future in futures}) <= 2
        with pytest.raises(BrokenExecutor, match="exit code 5"):
            executor.submit(os._exit, 5).result()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(_double, 1)


def _work(begun: Path) -> None:
    begun.touch()
    time.sleep(600)


def test_leaving_by_an_exception_kills_what_runs(tmp_path):
    executor = Processes(1)
    futures = [executor.submit(_work, tmp_path / "begun") for _ in range(2)]
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    executor.__exit__(KeyError, KeyError(), None)
    assert isinstance(futures[0].exception(), BrokenExecutor)
    assert futures[1].cancelled()


def test_no_process_is_left_when_the_one_who_asked_is_killed(tmp_path):
    code = """
import os, sys, time
from jaxemb.text.processes import Processes
executor = Processes(1)
print(executor.submit(os.getpid).result(), flush=True)
time.sleep(60)
"""
    asker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    worker = int(asker.stdout.readline())
    asker.send_signal(signal.SIGKILL)
    asker.communicate()
    with patience.at_most(5):
        while Path(f"/proc/{worker}").exists():
            time.sleep(0.05)


def test_a_script_without_a_main_guard_may_prepare(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from jaxemb.text import corpus, reading, tokenizers\n"
        "print('once')\n"
        "reading.LEAST = 100\n"
        "settings = corpus.Settings(tokenizers.words, 1, None, 'error')\n"
        "corpus.prepare('text.txt', 'out', settings, workers=2)\n"
    )
    (tmp_path / "text.txt").write_text("a b\n" * 100)
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "once\n"
    assert (tmp_path / "out/ids.bin").stat().st_size == 4 * 300


def test_a_cluster_that_is_not_there_is_said_in_time(monkeypatch):
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with pytest.raises(InputError, match="no Dask scheduler answered"), cluster.dask("host"):
        pass
    for address in ("127.0.0.1:1",):
        with (
            pytest.raises(InputError, match="wanted HOST:PORT of a running"),
            cluster.dask(address, 0.3),
        ):
            pass


def test_without_the_extra_its_name_is_said(monkeypatch):
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'jaxemb\[cluster\]'"), cluster.dask("a:1"):
        pass


def test_a_killed_worker_of_a_cluster_changes_nothing(files, tmp_path, lives):
    """Dask, two processes on this machine; one is killed in the middle of a job."""
    distributed = pytest.importorskip("distributed", reason="no extra `cluster`")
    (lives / "one").touch()
    options = {"host": "127.0.0.1", "dashboard_address": None, "silence_logs": 60}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as local:
        address = local.scheduler_address.removeprefix("tcp://")
        with cluster.dask(address) as workers:
            assert workers.workers == 2
            made = _made(files, tmp_path / "out", **workers._asdict())
            assert list(lives.iterdir()) == []
            assert made == _alone(files, tmp_path / "alone")
            files[1].write_bytes(b"bad \xff\n")
            with pytest.raises(InputError, match=r"1.txt: line 1, byte 4: 0xff"):
                _made(files, tmp_path / "bad", **workers._asdict())

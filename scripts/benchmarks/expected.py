"""What every config says to expect of it, from one file of measured numbers: configs/expected.json.

Usage: python scripts/benchmark.py expected [--write] [--measure NAME ...] [--options "--epochs 1"]

Without options, names the configs whose "Expect:" lines are not those of the file. --measure runs
the command of a config's "Run:" line in a folder of its own, and puts what its report says into the
file, with this device and commit; --write then writes the lines. What no report has stands in
"also", by hand.
"""

import dataclasses
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

import jax

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.lab import command_line

ROOT = Path(__file__).parents[2]
CONFIGS, FILE = ROOT / "configs", ROOT / "configs/expected.json"
_LINES = re.compile(r'^Expect:.*?(?=^"""|^\s*$|^\w)', re.MULTILINE | re.DOTALL)
_RUN = re.compile(r"^Run: +python (scripts/.*)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Asked:
    """Which lines to write, and what to measure before."""

    write: bool = False
    """Write the lines into the configs."""
    measure: tuple[str, ...] = ()
    """Configs to run, by their names."""
    options: str = ""
    """More options for what is run, such as where its text is."""


def main(arguments: list[str]) -> None:
    asked = command_line.parse(Asked, arguments)
    expected = files.read_json(FILE)
    for name in asked.measure:
        expected[name] = {**measured(name, shlex.split(asked.options)), **_by_hand(expected, name)}
        files.write_json(FILE, expected)
        print(line(expected[name]))
    other = [path for path in every() if said(path, expected) != path.read_text("utf-8")]
    for path in other:
        if asked.write:
            files.write_text(path, said(path, expected))
        print(f"{path.relative_to(ROOT)}: {'written' if asked.write else 'says something else'}")
    if other and not asked.write:
        raise InputError(f"{len(other)} configs; wanted: --write")


def every() -> list[Path]:
    """The files of all configs."""
    return sorted(CONFIGS.glob("*.py"))


def said(path: Path, expected: dict[str, Any]) -> str:
    """The text of a config, with what is expected of it.

    Raises:
        InputError: a config that is not in the file, or has no place for it.
    """
    text = path.read_text("utf-8")
    if path.stem not in expected:
        raise InputError(f"{FILE}: has no {path.stem!r}; wanted one for each file of configs/")
    lines = textwrap.wrap(
        line(expected[path.stem]),
        width=100,
        initial_indent="Expect:  ",
        subsequent_indent=" " * 9,
        break_on_hyphens=False,
    )
    changed, places = _LINES.subn(lambda _: "\n".join(lines) + "\n", text)
    if places != 1:
        raise InputError(f"{path}: has {places} lines that begin with 'Expect:'; wanted one")
    return changed


def line(entry: dict[str, Any]) -> str:
    """What is expected, in words; "?" with the reason where nothing was measured."""
    if "unmeasured" in entry:
        return f"? ({entry['unmeasured']})"
    found = [of(entry["numbers"][name]) for name, of in SAID.items() if name in entry["numbers"]]
    where = [entry["device"], f"commit {entry['commit']}", *filter(None, [entry.get("on")])]
    parts = filter(None, [", ".join(found), entry.get("also")])
    return f"{', '.join(where)}: {'; '.join(parts)}"


def measured(name: str, options: list[str]) -> dict[str, Any]:
    """Runs a config; its numbers, with device and commit.

    Raises:
        InputError: no such config; a checkout that is changed; a run that fails, or whose report
            has none of these numbers.
    """
    path = CONFIGS / f"{name}.py"
    command = _RUN.search(path.read_text("utf-8")) if path.is_file() else None
    if command is None:
        raise InputError(f"measure is {name!r}; wanted a config: {', '.join(_names())}")
    commit = _commit()
    with tempfile.TemporaryDirectory() as folder:
        whole = [sys.executable, *shlex.split(command[1]), *options, "--workdir", folder]
        began = time.monotonic()
        done = subprocess.run(whole, cwd=ROOT, check=False)
        seconds = time.monotonic() - began
        if done.returncode:
            raise InputError(f"{shlex.join(whole)}: ended with {done.returncode}")
        report = files.read_json(Path(folder) / "report.json")
    return {"device": _device(), "commit": commit, "numbers": numbers(report, seconds)}


def numbers(report: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Those of a report that an "Expect:" line says."""
    training = report.get("training") or {}
    held = [training.get(name) for name in ("held_out_loss_before", "held_out_loss")]
    rate = training.get("words_per_second")
    found = {
        "seconds": round(seconds),
        "words_per_second": rate and round(rate),
        "rank": [report["rank"]["rank"], report["dimension"]],
        "held_out_loss": [round(each, 3) for each in held if each is not None] or None,
        **{name: round(of["value"], 3) for name, of in report["similarity"].items()},
        "analogies": next((round(of["value"], 3) for of in report["analogies"].values()), None),
    }
    return {name: value for name, value in found.items() if name in SAID and value is not None}


def _by_hand(expected: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: each for key, each in expected.get(name, {}).items() if key in ("on", "also")}


def _names() -> list[str]:
    return [path.stem for path in every()]


def _commit() -> str:
    git = ["git", "-C", str(ROOT)]
    changed = subprocess.run(
        [*git, "diff", "--quiet", "HEAD", "--", "jaxemb", "scripts"], check=False
    )
    found = subprocess.run(
        [*git, "rev-parse", "--short=7", "HEAD"], capture_output=True, text=True, check=False
    )
    if changed.returncode or found.returncode:
        raise InputError(f"{ROOT}: wanted a checkout whose jaxemb and scripts are committed")
    return found.stdout.strip()


def _device() -> str:
    """As "2 CPU cores (AMD EPYC)", or the name of an accelerator."""
    device = jax.devices()[0]
    if device.platform != "cpu":
        return f"{len(jax.devices())} x {device.device_kind}"
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", info.read_text() if info.is_file() else "", re.M)
    return f"{os.cpu_count()} CPU cores ({names[0] if names else 'unknown'})"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s in all" if minutes > 1 else f"{round(seconds)} s in all"


def _score(name: str):
    return lambda value: f"{name} {value:.3f}".replace(" 0.", " .")


SAID = {
    "seconds": _time,
    "words_per_second": lambda rate: f"{rate / 1e6:.2f} M words/s",
    "rank": lambda rank: f"rank {rank[0]} of {rank[1]}",
    "held_out_loss": lambda loss: f"held-out loss {loss[0]:.3f} -> {loss[1]:.3f}",
    "WordSim-353": _score("WordSim-353"),
    "SimLex-999": _score("SimLex-999"),
    "analogies": lambda share: f"analogies {100 * share:.1f} %",
}

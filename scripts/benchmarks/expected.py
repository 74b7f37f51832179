"""Write the "Expect:" lines of the configs from the measured numbers in configs/expected.json.

Usage: python scripts/benchmark.py expected [--write] [--measure NAME ...] [--options "--epochs 1"]

Without options, names the configs whose "Expect:" lines are not those of the file. --measure runs
the command of a config's "Run:" line in a temporary folder and stores the numbers of its report in
the file, with this device and commit; --write then writes the lines. Numbers that no report has are
entered by hand under "also".
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
class Settings:
    """Configs to measure, and whether to write their lines."""

    write: bool = False
    """Write the lines into the configs."""
    measure: tuple[str, ...] = ()
    """Configs to run, by their names."""
    options: str = ""
    """More options of the command that is run, such as the path of its text."""


def main(arguments: list[str]) -> None:
    settings = command_line.parse(Settings, arguments)
    expected = files.read_json(FILE)
    for name in settings.measure:
        expected[name] = {
            **measured(name, shlex.split(settings.options)),
            **_by_hand(expected, name),
        }
        files.write_json(FILE, expected)
        print(line(expected[name]))
    other = [path for path in every() if updated(path, expected) != path.read_text("utf-8")]
    for path in other:
        if settings.write:
            files.write_text(path, updated(path, expected))
        print(f"{path.relative_to(ROOT)}: {'written' if settings.write else 'outdated'}")
    if other and not settings.write:
        raise InputError(f"{len(other)} configs are outdated: write their lines with --write")


def every() -> list[Path]:
    """Return the paths of all configs."""
    return sorted(CONFIGS.glob("*.py"))


def updated(path: Path, expected: dict[str, Any]) -> str:
    """Return the text of a config with its "Expect:" line replaced by that of the file.

    Raises:
        InputError: the file has no entry for the config, or the config no "Expect:" line.
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
    """Put an entry into words; "?" with the reason where nothing was measured."""
    if "unmeasured" in entry:
        return f"? ({entry['unmeasured']})"
    phrases = [
        phrase(entry["numbers"][name])
        for name, phrase in PHRASES.items()
        if name in entry["numbers"]
    ]
    where = [entry["device"], f"commit {entry['commit']}", *filter(None, [entry.get("on")])]
    parts = filter(None, [", ".join(phrases), entry.get("also")])
    return f"{', '.join(where)}: {'; '.join(parts)}"


def measured(name: str, options: list[str]) -> dict[str, Any]:
    """Run a config and return its numbers, with device and commit.

    Raises:
        InputError: there is no such config; the checkout has uncommitted changes; the run fails.
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
            raise InputError(f"{shlex.join(whole)}: exited with code {done.returncode}")
        report = files.read_json(Path(folder) / "report.json")
    return {"device": _device(), "commit": commit, "numbers": numbers(report, seconds)}


def numbers(report: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Select the numbers of a report that an "Expect:" line gives."""
    training = report.get("training") or {}
    held = [training.get(name) for name in ("held_out_loss_before", "held_out_loss")]
    rate = training.get("words_per_second")
    values = {
        "seconds": round(seconds),
        "words_per_second": rate and round(rate),
        "rank": [report["rank"]["rank"], report["dimension"]],
        "held_out_loss": [round(loss, 3) for loss in held if loss is not None] or None,
        **{name: round(score["value"], 3) for name, score in report["similarity"].items()},
        "analogies": next(
            (round(score["value"], 3) for score in report["analogies"].values()), None
        ),
    }
    return {name: value for name, value in values.items() if name in PHRASES and value is not None}


def _by_hand(expected: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in expected.get(name, {}).items() if key in ("on", "also")}


def _names() -> list[str]:
    return [path.stem for path in every()]


def _commit() -> str:
    git = ["git", "-C", str(ROOT)]
    changed = subprocess.run(
        [*git, "diff", "--quiet", "HEAD", "--", "jaxemb", "scripts"], check=False
    )
    revision = subprocess.run(
        [*git, "rev-parse", "--short=7", "HEAD"], capture_output=True, text=True, check=False
    )
    if changed.returncode or revision.returncode:
        raise InputError(f"{ROOT}: wanted a checkout whose jaxemb and scripts are committed")
    return revision.stdout.strip()


def _device() -> str:
    """Name this device: "2 CPU cores (AMD EPYC)", or "1 x" and an accelerator."""
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


PHRASES = {
    "seconds": _time,
    "words_per_second": lambda rate: f"{rate / 1e6:.2f} M words/s",
    "rank": lambda rank: f"rank {rank[0]} of {rank[1]}",
    "held_out_loss": lambda loss: f"held-out loss {loss[0]:.3f} -> {loss[1]:.3f}",
    "WordSim-353": _score("WordSim-353"),
    "SimLex-999": _score("SimLex-999"),
    "analogies": lambda share: f"analogies {100 * share:.1f} %",
}

"""Bundle the libraries of the page, with their licences: python -m jaxemb.lab.explorer.vendoring

It needs Node.js with npm, and the registry of npm; the versions are those of package-lock.json. The
page itself needs neither: the bundle is part of the package.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.lab.explorer.page import VENDOR

NAMES = "entry.js", "package.json", "package-lock.json"
_BUNDLE = (
    *("npx", "esbuild", "entry.js", "--bundle", "--minify", "--format=iife"),
    *("--global-name=vendor", "--footer:js=globalThis.vendor = vendor;"),
    "--outfile=vendor.min.js",
)


def bundle(folder: Path = VENDOR) -> None:
    """Write vendor.min.js, vendor.min.css and LICENSES.txt into a folder.

    Raises:
        InputError: npm is not there, or failed.
    """
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for name in NAMES:
            if (VENDOR / name).is_file():
                shutil.copy(VENDOR / name, work)
        locked = (work / NAMES[2]).is_file()
        _run(work, "npm", "ci" if locked else "install", "--silent", "--no-audit", "--no-fund")
        _run(work, *_BUNDLE)
        style = (work / "node_modules/uplot/dist/uPlot.min.css").read_text("utf-8")
        files.write_text(folder / "vendor.min.js", (work / "vendor.min.js").read_text("utf-8"))
        files.write_text(folder / "vendor.min.css", style)
        files.write_text(folder / "LICENSES.txt", _licences(work))
        files.write_text(folder / NAMES[2], (work / NAMES[2]).read_text("utf-8"))


def _run(folder: Path, *command: str) -> None:
    if shutil.which(command[0]) is None:
        raise InputError(f"{command[0]} is not there: install Node.js, which brings npm and npx")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{' '.join(command)}: failed: {done.stderr.strip()[-500:]}")


def _licences(work: Path) -> str:
    """The licence of every package in the bundle: the name, the version and the text."""
    lock = json.loads((work / NAMES[2]).read_text("utf-8"))
    parts = []
    for place, about in sorted(lock["packages"].items()):
        if not place or about.get("dev"):
            continue
        name = f"{place.rpartition('node_modules/')[2]} {about['version']} ({about['license']})"
        texts = [path for path in (work / place).iterdir() if path.stem.upper() == "LICENSE"]
        if not texts:
            raise InputError(f"{name}: comes without the text of its licence")
        parts.append(f"{name}\n\n{texts[0].read_text('utf-8').strip()}\n")
    return f"\n{'-' * 60}\n\n".join(parts)


if __name__ == "__main__":
    bundle()

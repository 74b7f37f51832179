"""Outputs of the notebooks: kept in `docs/_kept`, and given to jupyter-cache before a build.

A notebook is a page of Markdown with `kernelspec` in its head. Its outputs are those of the last
`python docs/_ext/kept.py [NAME ...]`; where its code has changed since, the build executes it.
"""

import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1]
KEPT = DOCS / "_kept"
KERNEL = {"name": "python3", "display_name": "Python 3"}
SECONDS = 120  # that a notebook may take, on two cores
_CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OPTIONS = re.compile(r"\A(?:---\n.*?^---\n|(?::[^\n]*\n)+)", re.MULTILINE | re.DOTALL)


def notebooks() -> dict[str, Path]:
    """The notebooks, by the names under which their outputs are kept."""
    pages = [p for folder in ("tutorials", "zh") for p in sorted((DOCS / folder).glob("*.md"))]
    of = [page for page in pages if page.read_text("utf-8").startswith("---\nfile_format: mystnb")]
    return {"-".join(page.relative_to(DOCS).with_suffix("").parts): page for page in of}


def code(page: Path) -> list[str]:
    """The code of every cell, without the cell's options."""
    return [_OPTIONS.sub("", cell).strip("\n") for cell in _CELL.findall(page.read_text("utf-8"))]


def read(name: str) -> Any:
    """The kept notebook of a name, or None."""
    import nbformat

    path = KEPT / f"{name}.ipynb"
    return nbformat.read(path, 4) if path.exists() else None


def execute(page: Path) -> Any:
    """Execute the cells of a page in an empty folder; returns the notebook with its outputs.

    Raises:
        CellExecutionError: a cell raised; CellTimeoutError: it took longer than `SECONDS`.
    """
    from nbclient import NotebookClient
    from nbformat import v4

    cells = [v4.new_code_cell(text, id=str(i)) for i, text in enumerate(code(page))]
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    programs = Path(sys.executable).parent  # a cell may call jaxemb
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=SECONDS, resources=resources).execute()
    notebook.metadata = {"kernelspec": KERNEL}
    for cell in notebook.cells:
        cell.metadata, cell.outputs = {}, _joined(cell.outputs)
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output["data"].pop("text/plain", None)
    return notebook


def _joined(outputs: list[Any]) -> list[Any]:
    """Outputs in which a stream is one, whenever its parts were flushed."""
    joined: list[Any] = []
    for output in outputs:
        name = output.get("name")
        if name and joined and joined[-1].get("name") == name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def fill(folder: str) -> None:
    """Give the kept outputs to the jupyter-cache in a folder, where the code is still the same."""
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    Path(folder).mkdir(parents=True, exist_ok=True)
    cache = get_cache(folder)
    for name, page in notebooks().items():
        kept = read(name)
        if kept and [cell.source for cell in kept.cells] == code(page):
            bundle = CacheBundleIn(_as_the_build_reads(page, kept), str(page))
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def _as_the_build_reads(page: Path, kept: Any) -> Any:
    """The notebook of a page with the outputs of another one that has the same code."""
    from myst_nb.core.read import read_myst_markdown_notebook

    notebook = read_myst_markdown_notebook(page.read_text("utf-8"))
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, executed in zip(cells, kept.cells, strict=True):
        cell.outputs = executed.outputs
    return notebook


def main(*names: str) -> None:
    """Execute notebooks, all by default, and keep their outputs."""
    import nbformat

    for name, page in notebooks().items():
        if not names or name in names:
            start = time.perf_counter()
            notebook = execute(page)
            for output in (o for cell in notebook.cells for o in cell.outputs):
                if output.get("name") == "stderr":
                    raise SystemExit(f"{name}: not kept, a reader would see {output.text[:500]}")
            KEPT.mkdir(exist_ok=True)
            nbformat.write(notebook, KEPT / f"{name}.ipynb")
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

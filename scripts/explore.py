"""Write a page that shows any table of vectors in a browser: map, linear algebra, ladder, training.

Usage: python scripts/explore.py TABLE [--contextual runs/elmo] [--words 20000]
           [--out explorer.html] [--tensor NAME] [--names FILE] [--help]

TABLE is the folder of a finished run, or a file of vectors; a file inside a Python package is
package:NAME/FILE. The page is one file and needs no network: open it by a double click.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.lab import command_line


@dataclasses.dataclass(frozen=True)
class Explore:
    """Write a page that shows a table in a browser."""

    table: Annotated[str, tyro.conf.Positional]
    """A finished run, or a file of vectors."""
    contextual: str | None = None
    """The folder of a finished language model, for clouds of words in context."""
    clouds: tuple[str, ...] = ()
    """With --contextual: the words of the clouds; by default up to 12 frequent ones."""
    config: str | None = None
    """The config that trained the language model, where its model is not one of jaxemb's."""
    words: int = 20_000
    """Number of rows to show, from the first."""
    columns: int = 512
    """Most columns of U S that the page holds; it prints how many it leaves out, and how far it is
    from the table."""
    names: str | None = None
    """The words of the rows of an .npy or .safetensors: a text with a word a line, a .parquet
    (wants pyarrow) or a tokenizer.json."""
    tensor: str | None = None
    """The name of the matrix, where a .safetensors or a folder of them has several."""
    umap: bool = True
    """Compute a second map, by UMAP, where umap-learn is installed: the extra `umap`."""
    out: str = "explorer.html"
    """The file of the page."""

    def check(self) -> None:
        if self.words < 1 or self.columns < 1:
            raise InputError("--words and --columns: wanted 1 or more")
        if Path(self.out).suffix not in (".html", ".htm"):
            raise InputError(f"{self.out}: wanted a file that ends in .html")
        if self.clouds and not self.contextual:
            raise InputError("--clouds are words of a language model: name it by --contextual")
        if self.config and not self.contextual:
            raise InputError("--config is that of a language model: name it by --contextual")
        files.check_place(Path(self.out))


def main() -> None:
    settings = command_line.parse(Explore)
    from jaxemb.lab import outcome, progress, report, vectors
    from jaxemb.lab.explorer import content, page, training

    options = {"tensor": settings.tensor, "words": settings.names, "limit": settings.words}
    loaded = vectors.word_vectors(settings.table, **options)
    words, rows = loaded.word_vectors
    for remark in loaded.remarks:
        print(f"warning: {remark}")
    seen = _clouds(settings, words or ())  # first: its words may be unknown, and UMAP takes minutes
    with progress.measuring():
        table = content.table(words, rows, settings.columns, umap=settings.umap)
    values = {
        **table.values,
        "name": loaded.whole_name,
        "limited": len(rows) == settings.words,
        "training": training.series(settings.table),
        "clouds": seen,
    }
    out = Path(settings.out)
    files.write_text(out, page.html(f"{loaded.name}: jaxemb explorer", values, table.codes.codes))
    print(f"{settings.table}: {len(rows):,} x {rows.shape[1]}, {values['verdict']}")
    print(content.said(table))
    shown = None if settings.names else report.words_to_show(words or ())
    outcome.end(out, *outcome.about_words(settings.table, shown, settings.tensor))


def _clouds(settings: Explore, words: tuple[str, ...]) -> dict | None:
    if settings.contextual is None:
        return None
    from jaxemb.lab import progress
    from jaxemb.lab.explorer import clouds, training
    from jaxemb.lab.runs.contextual import embed

    config = embed.config_of(settings.config)
    with progress.bar("reading words in context") as bar:
        task = bar.add_task("", total=len(settings.clouds) or clouds.WORDS)
        seen = []
        for one in clouds.clouds(settings.contextual, settings.clouds, words, config):
            seen.append(one)
            bar.advance(task)
    if not seen:
        raise InputError(
            f"{settings.contextual}: no frequent word of letters that the table has occurs in "
            f"{clouds.LEAST} sentences or more of its text: name the words by --clouds"
        )
    name = Path(settings.contextual).name
    return {"name": name, "words": seen, "training": training.series(settings.contextual)}


if __name__ == "__main__":
    command_line.run(main)

"""The style of all pictures, and how one is saved. Imported only where matplotlib is installed."""

import functools
import logging
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import EngFormatter

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # not of a font without bold

INK, SOFT, ACCENT = "#1f2a44", "#9aa5b8", "#c8553d"
COLORS = (ACCENT, INK, "#2f8f83", "#d99a2b", "#7a5ba8", SOFT)
BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.13), "ncols": 1}
BAND: dict[str, Any] = {"alpha": 0.25, "lw": 0}
AS_IT_IS: dict[str, Any] = {"parse_math": False}  # a word may contain a dollar sign


STYLE: dict[Any, Any] = {
    "figure.figsize": (8, 4.5),
    "figure.dpi": 130,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": "#eceff4",
    "axes.axisbelow": True,
    "legend.frameon": False,
}
# families tried for letters that matplotlib's own font lacks, besides Noto Sans of their script
FONTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Source Han Sans SC"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback"),  # Linux
    *("PingFang SC", "Hiragino Sans GB", "Apple SD Gothic Neo", "Arial Unicode MS"),  # macOS
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Nirmala UI", "Segoe UI"),  # Windows
    *("Lohit Devanagari", "FreeSans", "Unifont"),
)
EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH")
PLACES = (
    *((4, 3), (4, -9), (-4, 3), (-4, -9), (0, 7), (0, -13)),
    *((9, -3), (-9, -3), (12, -16), (-12, -16), (12, 10), (-12, 10)),
)  # offsets of a label from its point, in the order in which they are tried [points]
FAR_PLACES = tuple((x, y) for y in (20, -28, 34, -42) for x in (0, 16, -16, 32, -32))  # with a line
MARKED = 10  # epochs whose ends bear a number, at most


def drawn(path: Path, draw: Callable[[], Any], style: dict[Any, Any] | None = None) -> str:
    """Draw a picture in the project's style and save it; returns the name of its file.

    Letters that the usual font lacks come from the first installed font that has them. If none
    has, one printed line says which font to install.

    Args:
        path: the file; its ending is the format.
        draw: returns the `matplotlib` figure; called again if letters need another font.
        style: rc settings of this picture alone.
    """
    with plt.rc_context({**STYLE, **(style or {})}):
        figure = complete(draw)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from")  # said once, by `complete`
            figure.savefig(path)
        plt.close(figure)
    return path.name


def complete(draw: Callable[[], Figure]) -> Figure:
    """Draw a figure; draw it again with further fonts if its texts have letters that need them."""
    usual = list(plt.rcParams["font.family"])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # measured, not yet saved
        figure = draw()
        lacking = letters(figure) - _held(usual)
        if not lacking:
            return figure
        families, lacking = _fallback(lacking)
        if lacking:
            _say_what_to_install("".join(sorted(lacking)))
        if not families:
            return figure
        plt.close(figure)
        with plt.rc_context({"font.family": [*usual, *families]}):
            return draw()


def letters(figure: Figure) -> set[str]:
    """The visible characters of the texts of a figure."""
    texts = (text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))
    return {c for text in texts for c in text if c.isprintable() and not c.isspace()}


def _held(families: Iterable[str]) -> set[str]:
    """The characters for which these installed families have glyphs."""
    held: set[str] = set()
    for family in families:
        held |= _glyphs(font_manager.findfont(font_manager.FontProperties(family=[family])))
    return held


@functools.cache
def _glyphs(path: str) -> frozenset[str]:
    return frozenset(map(chr, font_manager.get_font(path).get_charmap()))


def _fallback(lacking: set[str]) -> tuple[list[str], set[str]]:
    """The installed families that have lacking letters, and the letters that no family has."""
    families = []
    for family in (*(f"Noto Sans {s.title()}" for s in sorted(map(script, lacking))), *FONTS):
        if family in families or family not in _installed() or not lacking:
            continue
        if new := lacking & _held([family]):
            families.append(family)
            lacking = lacking - new
    return families, lacking


@functools.cache
def _installed() -> frozenset[str]:
    """Names of the installed families, those installed since matplotlib listed them included."""
    listed = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in listed:
            try:
                font_manager.fontManager.addfont(path)
            except Exception:  # a damaged font, or one of a kind that cannot be read
                continue
    return frozenset(font_manager.get_font_names())


def script(letter: str) -> str:
    """The script of a letter, by the first word of its name: CJK, DEVANAGARI, LATIN."""
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]


@functools.cache
def _say_what_to_install(missing: str) -> None:
    scripts = sorted(set(map(script, missing)))
    eastern = [name for name in scripts if name.startswith(EAST_ASIAN)]
    wanted = {"Noto Sans CJK": "fonts-noto-cjk"} if eastern else {}
    wanted |= {f"Noto Sans {s.title()}": "fonts-noto-core" for s in scripts if s not in eastern}
    shown = " ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
    print(
        f"warning: pictures show boxes for {len(missing)} letters ({shown}), which no installed "
        f"font has: install {' and '.join(wanted)} (Debian, Ubuntu: apt install "
        f"{' '.join(sorted(set(wanted.values())))}; elsewhere: fonts.google.com/noto)"
    )


def over_words(axes: Any, metrics: Sequence[dict[str, Any]], unit: str = "words read") -> None:
    """Write the axis of words in millions (2 M), and mark the end of every epoch.

    Args:
        axes: drawn over "words".
        metrics: rows with "words", and with "epoch" if the run has several.
        unit: what "words" counts.
    """
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.set_xlabel(unit)
    ends: dict[int, float] = {}
    measured = [row for row in metrics if "words" in row]
    for row in sorted(measured, key=lambda row: row["words"]):
        ends.setdefault(row.get("epoch") or 0, row["words"])
    ends = {epoch: words for epoch, words in ends.items() if epoch > 0}
    for words in ends.values():
        axes.axvline(words, color=SOFT, lw=0.8, ls=":", zorder=0)
    if ends:
        shown = list(ends)[:: -(-len(ends) // MARKED)]
        top = axes.secondary_xaxis("top")
        top.set_xticks([ends[epoch] for epoch in shown], [str(epoch) for epoch in shown])
        top.set_xlabel("epochs done")
        top.spines[:].set_visible(False)
        top.tick_params(length=0, pad=1)


def label(
    figure: Any,
    axes: Any,
    points: Any,
    words: Sequence[str],
    styles: Sequence[dict[str, Any]],
    certain: int = 0,
) -> None:
    """Write each word beside its point, where it covers no label, no point, and no border.

    Args:
        figure: holds the axes; its titles and axis labels are already set.
        axes: where the points are drawn.
        points: [words, 2].
        words: the most important first.
        styles: text properties of each word.
        certain: so many first words are written even where they cover something, in the place
            where they cover least; a later word without a free place is left out.
    """
    figure.draw_without_rendering()  # so that positions are known
    renderer, inner = figure.canvas.get_renderer(), axes.get_window_extent()
    taken: list[Any] = []  # the corners of each label
    dots = axes.transData.transform(points)
    for i, (word, point, style) in enumerate(zip(words, points, styles, strict=True)):
        write = functools.partial(
            axes.annotate, word, point, textcoords="offset points", **{**AS_IT_IS, **style}
        )
        text = write(xytext=(0, 0))
        box = text.get_window_extent(renderer)
        text.remove()
        tried, others = [], np.array(taken).reshape(-1, 2, 2)
        for dx, dy in (*PLACES, *FAR_PLACES[: len(FAR_PLACES) * (i < certain)]):
            side = 0.5 if dx == 0 else 0 if dx > 0 else 1
            shift = (dx * figure.dpi / 72 - side * box.width, dy * figure.dpi / 72)
            moved = box.translated(*shift)
            wide = moved.padded(1)
            overlap = (others[:, 0] <= wide.max) & (others[:, 1] >= wide.min)
            covered = int(overlap.all(axis=1).sum())
            covered += _within(moved, dots) + (not _inside(moved, inner))
            tried.append((covered, len(tried), (dx, dy), moved))
            if not covered:
                break
        covered, place, offset, moved = min(tried, key=lambda option: option[:2])
        if covered and i >= certain:
            continue
        ha = "center" if offset[0] == 0 else "left" if offset[0] > 0 else "right"
        line = {"arrowstyle": "-", "color": SOFT, "lw": 0.7} if place >= len(PLACES) else None
        write(xytext=offset, ha=ha, arrowprops=line).set_in_layout(False)
        taken.append(moved.get_points())


def _within(box: Any, dots: Any) -> int:
    """How many dots a box, with a little around it, covers."""
    low, high = box.min - 2, box.max + 2
    return int(((dots > low) & (dots < high)).all(axis=1).sum())


def _inside(box: Any, outer: Any) -> bool:
    return bool((box.min >= outer.min).all() and (box.max <= outer.max).all())

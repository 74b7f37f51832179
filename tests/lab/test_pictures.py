"""Laws of all pictures: texts are apart, within the figure, and of letters that a font has."""

import importlib
import inspect
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib import font_manager, pyplot as plt
from matplotlib.path import Path as Outline
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from jaxemb.lab import pictures
from tests.lab import drawings

ROOM = Path(pictures.__file__).parent
EVERY = drawings.every()
TOUCHING = 1.5  # pixels by which boxes may overlap: letters do not fill them


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def _style(name: str) -> dict:
    """The settings with which `draw` of that file draws, besides the common ones."""
    from jaxemb.lab.studies.theorem import pictures as theorem

    small = {"axes.grid": False, "font.size": 9}
    styles = {"ladder": small, "theorem": {"font.size": 9, **theorem.ROOM}}
    return styles.get(name.partition(".")[0], {})


def _texts(figure) -> list[Text]:
    """The texts that are drawn: labels of ticks beyond the ends of an axis are not."""
    drawn = []

    def draw(text, renderer):
        drawn.append(text)

    with mock.patch.object(Text, "draw", draw):
        figure.draw_without_rendering()
    texts = (text for text in dict.fromkeys(drawn) if text.get_visible())
    return [text for text in texts if text.get_text().strip()]


def _outline(text: Text, renderer) -> Outline:
    """The corners of a text, turned as it is: its upright box would hold much that is empty."""
    turned = text.get_window_extent(renderer)
    middle, angle = (turned.min + turned.max) / 2, text.get_rotation()
    if angle % 90 == 0:
        width, height = turned.width, turned.height
        angle = 0
    else:
        text.set_rotation(0)
        width, height = text.get_window_extent(renderer).size
        text.set_rotation(angle)
    half = np.maximum(np.array([width, height]) / 2 - TOUCHING, 0.1)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]) * half
    return Outline(Affine2D().rotate_deg(angle).translate(*middle).transform(corners))


def _drawn(draw, style=None):
    with plt.rc_context({**pictures.STYLE, **(style or {})}):
        figure = pictures.complete(draw)
        figure.draw_without_rendering()
        return figure


def _overlapping(figure) -> list[tuple[str, str]]:
    renderer = figure.canvas.get_renderer()
    shown = [(text.get_text(), _outline(text, renderer)) for text in _texts(figure)]
    return [
        (one, other)
        for i, (one, mine) in enumerate(shown)
        for other, its in shown[:i]
        if mine.intersects_path(its, filled=True)
    ]


@pytest.mark.parametrize("name", EVERY)
def test_no_text_covers_another_or_leaves_the_picture(name):
    figure = _drawn(EVERY[name], _style(name))
    assert _overlapping(figure) == []
    renderer, whole = figure.canvas.get_renderer(), figure.bbox
    for text in _texts(figure):
        corners = _outline(text, renderer).vertices
        assert (corners >= whole.min - 1).all(), text.get_text()
        assert (corners <= whole.max + 1).all(), text.get_text()


def test_two_texts_on_one_place_are_seen_to_overlap():
    def draw():
        figure, axes = plt.subplots()
        for place in ((0.5, 0.5), (0.52, 0.51), (0.5, 0.7)):
            axes.text(*place, f"at {place[1]}", rotation=30)
        return figure

    assert _overlapping(_drawn(draw)) == [("at 0.51", "at 0.5")]


def test_every_function_that_draws_is_on_the_list():
    drawing = set()
    for path in ROOM.rglob("pictures.py"):
        dotted = ".".join(path.relative_to(ROOM.parent).with_suffix("").parts)
        module = importlib.import_module(f"jaxemb.{dotted}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            figure = "Figure" in str(inspect.signature(function).return_annotation)
            if function.__module__ == module.__name__ and figure and path.parent != ROOM:
                drawing.add(f"{path.parent.name}.{name}")
    assert drawing == {name.partition(" ")[0].rstrip(",") for name in EVERY}


def _has(family: str) -> bool:
    return family in pictures._installed()


ALPHABETS = {
    "DEVANAGARI": ("Noto Sans Devanagari", "नमस्ते दुनिया भाषा शब्द"),
    "ARABIC": ("DejaVu Sans", "مرحبا العالم كلمة لغة"),
    "ETHIOPIC": ("Noto Sans Ethiopic", "ቃል ቋንቋ ዓለም"),
    "CJK": ("a font of East Asia", "世界 语言 单词 数学"),
}


@pytest.mark.parametrize("script", ALPHABETS)
def test_words_of_any_alphabet_are_written_in_a_font_that_has_their_letters(script, capsys):
    family, text = ALPHABETS[script]
    if not _has(family) and not (script == "CJK" and any(map(_has, pictures.FONTS[:12]))):
        pytest.skip(f"{family} is not installed")
    words = tuple(f"{word}{i}" for i in range(300) for word in text.split(" "))
    for name in ("static.word_map", "ladder.two", "ladder.three"):
        figure = _drawn(drawings.every(words)[name], _style(name))
        assert any(text.split(" ")[0] in drawn.get_text() for drawn in _texts(figure))
        assert {t.get_text(): lacking for t in _texts(figure) if (lacking := _lacking(t))} == {}
    assert capsys.readouterr().out == ""


def _lacking(text: Text) -> set[str]:
    """The characters of a text for which its fonts have no glyph."""
    families = text.get_fontproperties().get_family()
    paths = [font_manager.findfont(font_manager.FontProperties(family=[f])) for f in families]
    held = {chr(code) for path in paths for code in font_manager.get_font(path).get_charmap()}
    plain = "" if text.get_parse_math() and "$" in text.get_text() else text.get_text()
    return set(plain) - held - set(" \n")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("世界", "fonts-noto-cjk"), ("नम", "fonts-noto-core"), ("\U00012000", "Noto Sans Cuneiform")],
)
def test_letters_that_no_font_has_are_told_once_in_one_line(
    text, wanted, monkeypatch, tmp_path, capsys, recwarn
):
    monkeypatch.setattr(pictures, "_installed", lambda: frozenset({"DejaVu Sans"}))
    pictures._say_what_to_install.cache_clear()

    def draw():
        figure, axes = plt.subplots()
        axes.set_title(text)
        return figure

    for name in ("a.png", "b.png"):
        assert pictures.drawn(tmp_path / name, draw) == name
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert wanted in line
    assert text[0] in line
    assert list(recwarn) == []


def test_words_are_counted_in_millions_and_ends_of_epochs_are_marked():
    figure = _drawn(drawings.every()["static.losses of one epoch"])
    axes = figure.axes[0]
    assert axes.xaxis.get_major_formatter()(2_000_000) == "2 M"
    (line,) = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert line.get_xdata()[0] == 970_000  # where the rows of metrics say that epoch 1 begins


def test_curves_of_one_picture_differ_in_colour():
    figure = _drawn(EVERY["static.over_time"])
    colors = [tuple(np.atleast_1d(line.get_color())) for line in figure.axes[0].lines]
    colors = [color for color in colors if color != (pictures.SOFT,)]  # ends of epochs
    assert len(colors) == len(set(colors)) >= 6


@pytest.mark.parametrize("name", ["tables.rows", "tables.axes"])
def test_a_legend_is_no_wider_than_its_panel(name):
    for axes in _drawn(EVERY[name]).axes:
        if legend := axes.get_legend():
            assert legend.get_window_extent().width <= axes.get_window_extent().width

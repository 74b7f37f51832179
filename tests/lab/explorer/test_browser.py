"""Laws of the page in a real browser. Oracles: jaxemb's own measures; what a user wants to do."""

import numpy as np
import pytest

from jaxemb.evaluation import neighbours
from jaxemb.formats import WordVectors
from jaxemb.lab.explorer import quantised
from tests.lab.explorer.tabs import DIM, WORDS, frames, listed


def _changed_pixels(tab, act):
    """The share of the map's pixels that an action changes."""
    pen = "document.getElementById('map').getContext('2d')"
    look = f"{pen}.getImageData(0, 0, 400, 400).data"
    frames(tab)
    tab.evaluate(f"() => {{ globalThis.before = {look}; }}")
    act()
    frames(tab)
    differing = f"{look}.filter((value, i) => value !== globalThis.before[i]).length"
    return tab.evaluate(f"() => {differing}") / (4 * 400 * 400)


def test_a_search_by_keys_shows_the_neighbours_that_python_computes(visit, table):
    tab = visit()
    tab.fill("#search", WORDS[40][:2])
    assert tab.get_attribute("#search", "aria-expanded") == "true"
    tab.fill("#search", WORDS[40])
    tab.press("#search", "Enter")
    rows = quantised.restore(table.codes)
    vectors = WordVectors(tuple(WORDS), rows)
    for name, wanted in (
        ("by cosine", neighbours.nearest(vectors, rows, WORDS[40], 12)),
        ("by distance", neighbours.nearest_euclidean(vectors, rows, WORDS[40], 12)),
    ):
        assert listed(tab, name) == [
            (word, f"{value:.3f}") for word, value in zip(wanted.words, wanted.values, strict=True)
        ]
    assert WORDS[40] in tab.inner_text("#live")


def test_a_click_on_a_point_chooses_its_word(visit):
    tab = visit()
    frames(tab)
    left, top = tab.evaluate("explorer.map.where(5)")
    box = tab.locator("#map").bounding_box()
    tab.mouse.click(box["x"] + left, box["y"] + top)
    chosen = tab.evaluate("explorer.store.get().chosen[0]")
    # another point may lie nearer to the whole pixel that was clicked
    x, y = tab.evaluate(f"explorer.map.where({chosen})")
    assert np.hypot(x - left, y - top) < 2
    assert tab.inner_text("#panel-words h2") == WORDS[chosen]


def test_two_words_show_their_angle_and_three_an_analogy(visit, table):
    tab = visit(f"#w={WORDS[3]}&w={WORDS[9]}")
    rows = quantised.restore(table.codes)
    vectors = WordVectors(tuple(WORDS), rows)
    cosine = neighbours.similarity(vectors, rows, WORDS[3], WORDS[9])
    cells = tab.locator("#panel-words tbody td").all_inner_texts()
    assert cells[0] == f"{np.rad2deg(np.arccos(cosine)):.1f}°"
    assert cells[2:4] == [f"{cosine:.3f}", "0.000"]
    tab.click("text=+ a third")
    tab.fill("#search", WORDS[20])
    tab.press("#search", "Enter")
    wanted = neighbours.analogy(vectors, rows, WORDS[3], WORDS[9], WORDS[20], 12)
    assert [word for word, _ in listed(tab, "answers")] == list(wanted.words)


def test_the_controls_change_the_map_and_the_neighbours(visit, table):
    tab = visit(f"#w={WORDS[3]}")
    before = listed(tab, "by cosine")
    assert _changed_pixels(tab, lambda: tab.fill("#rank", "3")) > 0.001
    frames(tab)
    rows = quantised.restore(table.codes)[:, :3]
    wanted = neighbours.nearest(WordVectors(tuple(WORDS), rows), rows, WORDS[3], 12)
    assert [word for word, _ in listed(tab, "by cosine")] == list(wanted.words)
    tab.check("#mean")
    centred = rows - rows.mean(axis=0)
    wanted = neighbours.nearest(WordVectors(tuple(WORDS), centred), centred, WORDS[3], 12)
    assert [word for word, _ in listed(tab, "by cosine")] == list(wanted.words)
    tab.click("#tab-algebra")
    numbers = tab.locator(".isotropy tbody tr").first.locator("td").all_inner_texts()
    assert numbers == [str(DIM), "3"]
    assert "mean=removed" in tab.url
    tab.click("#reset")
    tab.click("#tab-words")
    assert listed(tab, "by cosine") == before


def test_rank_k_needs_k_plus_1_words_for_an_equation(visit):
    tab = visit("#view=algebra&rank=3")
    assert tab.locator("#panel-algebra .equation .number").count() == 3
    for word in (WORDS[50], WORDS[60]):
        tab.fill("#equation-search", word)
        tab.press("#equation-search", "Enter")
    shown = (
        tab.inner_text("#panel-algebra .equation")
        + tab.locator("#panel-algebra h2").last.inner_text()
    )
    assert WORDS[50] in shown
    assert WORDS[60] in shown


def test_the_ladder_moves_from_a_point_to_a_cloud(visit):
    tab = visit("#view=ladder")
    places = "[...document.querySelectorAll('.dot')].map((dot) => dot.style.transform)"
    spread = f"() => new Set({places}).size"
    assert tab.evaluate(spread) == 20
    tab.fill("#layer", "0")
    assert tab.evaluate(spread) == 1
    tab.fill("#layer", "2")
    tab.locator(".dot").nth(4).dispatch_event("click")
    assert tab.inner_text(".sentence") == f"left 4 {WORDS[7]} right 4"
    assert (
        tab.locator(".concordance [aria-current]").inner_text().split()
        == f"left 4 {WORDS[7]} right 4".split()
    )
    tab.fill("#ladder-search", WORDS[30])
    tab.press("#ladder-search", "Enter")
    assert "--clouds" in tab.inner_text("#panel-ladder")


def test_the_training_shows_loss_and_spectrum_over_time(visit):
    tab = visit("#view=training")
    assert tab.locator("#panel-training canvas").count() == 2
    tab.fill("#panel-training input[type=range]", "0")
    assert "after 0.0 million words" in tab.inner_text("#panel-training")


def test_the_map_moves_by_keys_and_by_dragging(visit):
    tab = visit()
    tab.focus("#map")
    for key in ("ArrowLeft", "+", "0"):
        assert _changed_pixels(tab, lambda key=key: tab.press("#map", key)) > 0.001
    box = tab.locator("#map").bounding_box()

    def drag():
        tab.mouse.move(box["x"] + 300, box["y"] + 300)
        tab.mouse.down()
        tab.mouse.move(box["x"] + 360, box["y"] + 330, steps=3)
        tab.mouse.up()

    assert _changed_pixels(tab, drag) > 0.001
    assert tab.evaluate("explorer.store.get().chosen.length") == 0


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_is_as_dark_as_the_system_and_can_be_switched(visit, scheme):
    tab = visit(color_scheme=scheme)
    theme = "document.documentElement.dataset.theme"
    assert tab.evaluate(theme) == scheme
    tab.click("#theme")
    assert tab.evaluate(theme) == {"dark": "light", "light": "dark"}[scheme]


@pytest.mark.parametrize("view", ["words", "algebra", "ladder", "training"])
def test_nothing_is_wider_than_a_phone(visit, view):
    tab = visit(
        f"#view={view}&w={WORDS[3]}", viewport={"width": 360, "height": 740}, has_touch=True
    )
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360

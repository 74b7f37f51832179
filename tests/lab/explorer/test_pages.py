"""Laws of pages of unusual tables, of the address, of what is drawn. Oracle: what a page says."""

import numpy as np
import pytest

from jaxemb.lab.explorer import content
from tests.lab.explorer.tabs import DIM, WORDS, frames, listed, written

DEGENERATE = {
    "one column": np.linspace(-1, 2, 20)[:, None],
    "one column of ones": np.ones((20, 1)),
    "rank 1": np.outer(np.linspace(-1, 2, 20), [1.0, 2.0, 3.0]),
    "equal rows": np.full((20, 4), 0.3),
    "one-hot": np.eye(20),
    "three rows": np.random.default_rng(0).normal(size=(3, 5)),
    "three rows of one column": np.array([[1.0], [0.0], [-2.0]]),
    "rows of zeros": np.eye(20) * (np.arange(20) > 2)[:, None],
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_every_view_of_a_degenerate_table_is_drawn(visit, name, tmp_path):
    rows = DEGENERATE[name]
    words = WORDS[: len(rows)]
    address = written(tmp_path / "page.html", content.table(words, rows))
    changes = ["", "&mean=removed", "&rank=1", "&without=1&mean=removed"]
    chosen = ["".join(f"&w={word}" for word in words[:n]) for n in range(4)]
    views = ["words", "algebra", "ladder", "training"]
    hashes = [f"view={view}{change}{w}" for view in views for change in changes for w in chosen]
    tab = visit(page=address)
    for hash in hashes:
        # hashchange comes later
        event = "new Promise((done) => addEventListener('hashchange', done, {once: true}))"
        tab.evaluate(f"() => {{ const seen = {event}; location.hash = '{hash}'; return seen; }}")
        shown = tab.locator("[role=tabpanel]:not([hidden])").inner_text()
        assert not set(shown.split()) & {"NaN", "undefined", "null", "Infinity"}, hash
        assert "NaN" not in tab.inner_text("#map-note")
    tab.evaluate("location.hash = ''")
    frames(tab)
    places = np.array(tab.evaluate("explorer.words.map((_, i) => explorer.map.where(i))"))
    box = tab.locator("#map").bounding_box()
    assert np.isfinite(places).all()
    assert (places >= 0).all()
    assert (places <= [box["width"], box["height"]]).all()


def test_three_words_of_three_rows_have_no_answer_and_the_page_says_so(visit, tmp_path):
    address = written(tmp_path / "p.html", content.table(WORDS[:3], DEGENERATE["three rows"]))
    tab = visit("".join(f"#w={WORDS[0]}&w={WORDS[1]}&w={WORDS[2]}"), page=address)
    assert "an analogy needs a fourth" in tab.inner_text("#panel-words")
    assert tab.locator("ol[aria-label='answers']").count() == 0


def test_a_row_of_zeros_is_said_to_have_no_direction(visit, tmp_path):
    address = written(tmp_path / "p.html", content.table(WORDS[:20], DEGENERATE["rows of zeros"]))
    tab = visit(f"#w={WORDS[1]}", page=address)
    assert listed(tab, "by cosine") == []
    assert "it has no direction" in tab.inner_text("#panel-words")
    tab = visit(f"#w={WORDS[1]}&w={WORDS[5]}", page=address)
    assert "no angle with any row" in tab.inner_text("#panel-words")
    assert tab.locator("#panel-words tbody td").first.inner_text() == "–"


def test_the_rank_of_a_table_of_float64_is_the_certified_one_in_every_place(visit, tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 4)) @ rng.normal(size=(4, 9))  # float64, of rank 4
    table = content.table(WORDS[:40], rows)
    assert table.values["rank"] == 4
    tab = visit("#view=algebra", page=written(tmp_path / "page.html", table))
    assert "rank 4 of 9, certified" in tab.inner_text("#panel-algebra .verdict")
    numbers = tab.locator(".isotropy tbody tr").first.locator("td").all_inner_texts()
    assert numbers == ["4", "4"]
    tab.fill("#rank", "6")
    frames(tab)
    assert "Changed: rank 4;" in tab.inner_text("#panel-algebra .verdict")
    tab.click("#tab-ladder")
    assert "rank 4" in tab.locator("#panel-ladder .rung .size").nth(1).inner_text()


def test_the_address_states_what_is_shown_and_shows_what_it_states(visit):
    tab = visit()
    chosen = "explorer.store.set({chosen: [3, 9], equation: [5, 6], rung: 12, adding: false})"
    tab.evaluate(chosen)
    tab.evaluate("explorer.store.set({rank: 6, center: true, directions: 2})")
    tab.select_option("#axes", "pca 2 3")
    tab.select_option("#colours", "length")
    tab.click("#tab-ladder")
    wanted = tab.evaluate("explorer.store.get()")
    hash = tab.evaluate("location.hash")
    other = visit(hash)
    assert other.evaluate("explorer.store.get()") == wanted
    assert other.input_value("#axes") == "pca 2 3"
    other.evaluate("location.hash = ''")
    other.wait_for_function("explorer.store.get().view === 'words'")
    assert other.input_value("#colours") == "cluster"
    assert other.evaluate("explorer.store.get().rank") == DIM
    other.evaluate(f"location.hash = '{hash}'")
    other.wait_for_function("explorer.store.get().view === 'ladder'")
    assert other.evaluate("explorer.store.get()") == wanted


def test_what_was_computed_of_a_choice_is_not_computed_again(visit):
    tab = visit(f"#w={WORDS[3]}")
    once = "explorer.about() === globalThis.about"
    tab.evaluate("() => { globalThis.about = explorer.about(); }")
    tab.click("#tab-algebra")
    tab.click("#tab-words")
    tab.click("#theme")
    assert tab.evaluate(once)
    tab.fill("#rank", "3")
    frames(tab)
    assert not tab.evaluate(once)


def test_the_style_is_not_read_while_the_map_moves(visit):
    tab = visit(f"#w={WORDS[3]}")
    tab.evaluate(
        "() => { const read = getComputedStyle; globalThis.reads = 0;"
        " globalThis.getComputedStyle = (...of) => { reads += 1; return read(...of); }; }"
    )
    tab.focus("#map")
    for key in ("ArrowLeft", "+", "0"):
        tab.press("#map", key)
        frames(tab)
    assert tab.evaluate("reads") == 0
    tab.click("#theme")
    frames(tab)
    assert tab.evaluate("reads") > 0


@pytest.mark.parametrize("width", [1440, 360])
def test_no_label_of_the_map_lies_under_its_note_or_its_buttons(visit, width):
    tab = visit(viewport={"width": width, "height": 900})
    drawn = (
        "(() => { globalThis.drawn = [];"
        " const pen = document.getElementById('map').getContext('2d');"
        " const write = pen.fillText.bind(pen); pen.fillText = (text, x, y) => {"
        " const size = pen.measureText(text).width; drawn.push([text, x, y - 6, x + size, y + 6]);"
        " write(text, x, y); }; })()"
    )
    tab.evaluate(drawn)
    tab.evaluate("explorer.store.set({chosen: [3]})")
    frames(tab)
    labels = [one for one in tab.evaluate("drawn") if one[0] in WORDS]
    assert WORDS[3] in [label[0] for label in labels]
    box = tab.locator("#map").bounding_box()
    for name in ("#map-note", "#zoom-buttons"):
        over = tab.locator(name).bounding_box()
        left, top = over["x"] - box["x"], over["y"] - box["y"]
        for _, *(a, b, c, d) in labels:
            apart = c <= left or a >= left + over["width"] or d <= top or b >= top + over["height"]
            assert apart, (name, labels)

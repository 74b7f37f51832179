"""Laws of the page in a real browser. Oracles: jaxemb's own measures; what a user wants to do."""

import importlib.util
import shutil

import numpy as np
import pytest

from jaxemb.evaluation import neighbours
from jaxemb.formats import WordVectors
from jaxemb.lab.explorer import content, page, quantised

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HERE = importlib.util.find_spec("playwright") is not None and CHROMIUM is not None
pytestmark = pytest.mark.skipif(not HERE, reason="needs Playwright and /usr/bin/chromium")
ROWS, DIM = 300, 12
WORDS = [a + b + c for a in "klmnprst" for b in "aeiou" for c in "dgmnrstx"][:ROWS]


def _clouds():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(20, 2)).round(4)
    layers = [
        {"points": (size * points).tolist(), "explained": 0.5, "alike": 1 - size / 3}
        for size in (0, 1, 2)
    ]
    contexts = [[f"left {i}", f"right {i}"] for i in range(20)]
    group = [i % 2 for i in range(20)]
    names = ["one", "two"]
    word = {
        "word": WORDS[7],
        "sentences": 40,
        "group": group,
        "names": names,
        "contexts": contexts,
        "layers": layers,
    }
    return {"name": "lm", "words": [word], "training": None}


def _training():
    loss = {"name": "loss", "x": [1e6, 2e6, 3e6], "y": [3.0, 2.5, 2.2], "averaged": False}
    spectra = [{"words": 1e6 * i, "values": [3.0 + i, 2.0, 1.0]} for i in range(3)]
    return {"curves": [loss], "unit": "words read", "epochs": [2_000_000], "spectra": spectra}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(ROWS, DIM)) * np.geomspace(3, 0.3, DIM) + rng.normal(size=DIM)
    return content.table(WORDS, rows.astype(np.float32))


def _written(path, table, **more):
    """Write a page; returns its address."""
    values = {**table.values, "name": "made.txt", "limited": False, **more}
    path.write_text(page.html("made: explorer", values, table.codes.codes), "utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def address(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "explorer.html"
    return _written(path, table, training=_training(), clouds=_clouds())


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # without a graphics processor and without WebGL: everything has to be drawn all the same
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-3d-apis"]
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, address):
    """A function that opens the page; no error and no request may come of it."""
    errors, contexts = [], []

    def note(text):
        errors.append(text)

    def opened(hash="", page=address, **settings):
        context = browser.new_context(reduced_motion="reduce", **settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: note(str(error)))
        tab.on("console", lambda one: note(one.text) if one.type in ("error", "warning") else None)
        tab.on(
            "request", lambda one: None if one.url.startswith(("file:", "data:")) else note(one.url)
        )
        tab.goto(page + hash)
        tab.wait_for_function("globalThis.explorer?.loaded > 0", timeout=120_000)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def _listed(tab, name):
    rows = tab.locator(f"ol[aria-label='{name}'] button").all()
    return [tuple(row.locator("span").all_inner_texts()) for row in rows]


def _frames(tab):
    """Wait until what was asked for is drawn."""
    tab.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def _changed_pixels(tab, act):
    """The share of the map's pixels that an action changes."""
    pen = "document.getElementById('map').getContext('2d')"
    look = f"{pen}.getImageData(0, 0, 400, 400).data"
    _frames(tab)
    tab.evaluate(f"() => {{ globalThis.before = {look}; }}")
    act()
    _frames(tab)
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
        assert _listed(tab, name) == [
            (word, f"{value:.3f}") for word, value in zip(wanted.words, wanted.values, strict=True)
        ]
    assert WORDS[40] in tab.inner_text("#live")


def test_a_click_on_a_point_chooses_its_word(visit):
    tab = visit()
    _frames(tab)
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
    assert [word for word, _ in _listed(tab, "answers")] == list(wanted.words)


def test_the_controls_change_the_map_and_the_neighbours(visit, table):
    tab = visit(f"#w={WORDS[3]}")
    before = _listed(tab, "by cosine")
    assert _changed_pixels(tab, lambda: tab.fill("#rank", "3")) > 0.001
    _frames(tab)
    rows = quantised.restore(table.codes)[:, :3]
    wanted = neighbours.nearest(WordVectors(tuple(WORDS), rows), rows, WORDS[3], 12)
    assert [word for word, _ in _listed(tab, "by cosine")] == list(wanted.words)
    tab.check("#mean")
    centred = rows - rows.mean(axis=0)
    wanted = neighbours.nearest(WordVectors(tuple(WORDS), centred), centred, WORDS[3], 12)
    assert [word for word, _ in _listed(tab, "by cosine")] == list(wanted.words)
    tab.click("#tab-algebra")
    numbers = tab.locator(".isotropy tbody tr").first.locator("td").all_inner_texts()
    assert numbers == [str(DIM), "3"]
    assert "mean=removed" in tab.url
    tab.click("#reset")
    tab.click("#tab-words")
    assert _listed(tab, "by cosine") == before


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
    address = _written(tmp_path / "page.html", content.table(words, rows))
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
    _frames(tab)
    places = np.array(tab.evaluate("explorer.words.map((_, i) => explorer.map.where(i))"))
    box = tab.locator("#map").bounding_box()
    assert np.isfinite(places).all()
    assert (places >= 0).all()
    assert (places <= [box["width"], box["height"]]).all()


def test_three_words_of_three_rows_have_no_answer_and_the_page_says_so(visit, tmp_path):
    address = _written(tmp_path / "p.html", content.table(WORDS[:3], DEGENERATE["three rows"]))
    tab = visit("".join(f"#w={WORDS[0]}&w={WORDS[1]}&w={WORDS[2]}"), page=address)
    assert "an analogy needs a fourth" in tab.inner_text("#panel-words")
    assert tab.locator("ol[aria-label='answers']").count() == 0


def test_a_row_of_zeros_is_said_to_have_no_direction(visit, tmp_path):
    address = _written(tmp_path / "p.html", content.table(WORDS[:20], DEGENERATE["rows of zeros"]))
    tab = visit(f"#w={WORDS[1]}", page=address)
    assert _listed(tab, "by cosine") == []
    assert "it has no direction" in tab.inner_text("#panel-words")
    tab = visit(f"#w={WORDS[1]}&w={WORDS[5]}", page=address)
    assert "no angle with any row" in tab.inner_text("#panel-words")
    assert tab.locator("#panel-words tbody td").first.inner_text() == "–"


def test_the_rank_of_a_table_of_float64_is_the_certified_one_in_every_place(visit, tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 4)) @ rng.normal(size=(4, 9))  # float64, of rank 4
    table = content.table(WORDS[:40], rows)
    assert table.values["rank"] == 4
    tab = visit("#view=algebra", page=_written(tmp_path / "page.html", table))
    assert "rank 4 of 9, certified" in tab.inner_text("#panel-algebra .verdict")
    numbers = tab.locator(".isotropy tbody tr").first.locator("td").all_inner_texts()
    assert numbers == ["4", "4"]
    tab.fill("#rank", "6")
    _frames(tab)
    assert "Changed: rank 4;" in tab.inner_text("#panel-algebra .verdict")
    tab.click("#tab-ladder")
    assert "rank 4" in tab.locator("#panel-ladder .rung .size").nth(1).inner_text()


def test_the_address_states_what_is_shown_and_shows_what_it_states(visit):
    tab = visit()
    chosen = f"explorer.store.set({{chosen: [3, 9], equation: [5, 6], rung: 12, adding: false}})"
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
    _frames(tab)
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
        _frames(tab)
    assert tab.evaluate("reads") == 0
    tab.click("#theme")
    _frames(tab)
    assert tab.evaluate("reads") > 0


@pytest.mark.parametrize("width", [1440, 360])
def test_no_label_of_the_map_lies_under_its_note_or_its_buttons(visit, width):
    tab = visit(viewport={"width": width, "height": 900})
    drawn = (
        "(() => { const pen = document.getElementById('map').getContext('2d'); globalThis.drawn = [];"
        " const write = pen.fillText.bind(pen); pen.fillText = (text, x, y) => {"
        " const size = pen.measureText(text).width; drawn.push([text, x, y - 6, x + size, y + 6]);"
        " write(text, x, y); }; })()"
    )
    tab.evaluate(drawn)
    tab.evaluate("explorer.store.set({chosen: [3]})")
    _frames(tab)
    labels = [one for one in tab.evaluate("drawn") if one[0] in WORDS]
    assert WORDS[3] in [label[0] for label in labels]
    box = tab.locator("#map").bounding_box()
    for name in ("#map-note", "#zoom-buttons"):
        over = tab.locator(name).bounding_box()
        left, top = over["x"] - box["x"], over["y"] - box["y"]
        for _, *(a, b, c, d) in labels:
            apart = c <= left or a >= left + over["width"] or d <= top or b >= top + over["height"]
            assert apart, (name, labels)

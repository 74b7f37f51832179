"""Fixtures of the page in a real browser."""

import importlib.util
import shutil

import numpy as np
import pytest

from jaxemb.lab.explorer import content
from tests.lab.explorer.tabs import DIM, ROWS, WORDS, clouds, training, written

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HERE = importlib.util.find_spec("playwright") is not None and CHROMIUM is not None


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(ROWS, DIM)) * np.geomspace(3, 0.3, DIM) + rng.normal(size=DIM)
    return content.table(WORDS, rows.astype(np.float32))


@pytest.fixture(scope="module")
def address(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "explorer.html"
    return written(path, table, training=training(), clouds=clouds())


@pytest.fixture(scope="module")
def browser():
    if not HERE:
        pytest.skip("needs Playwright and /usr/bin/chromium")
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

"""What tests in a real browser share: one way to start it, patience, and the ear for complaints."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
PATIENCE_MS = 90_000
"""Milliseconds that a test waits for what must come: a busy machine takes its time."""
expect = playwright.expect
expect.set_options(timeout=PATIENCE_MS)
NAMES = ("chromium", "chromium-browser", "chrome")
FLAGS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def started() -> Iterator[playwright.Browser]:
    """Start Chromium, and close it at the end."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS, timeout=PATIENCE_MS)
        yield browser
        browser.close()


def new_context(browser: playwright.Browser, **more) -> playwright.BrowserContext:
    """Return the browser of another person, who is patient."""
    context = browser.new_context(**more)
    context.set_default_timeout(PATIENCE_MS)
    return context


def heard(page: playwright.Page) -> list[str]:
    """Return a list that gets what a page complains of."""
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.text} {message.location['url']}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def loaded(page: playwright.Page):
    """Wait, at the end of the block, until what is done in it has led to another page.

    Scripts of a page listen to keys and buttons from the moment it is loaded, not before.
    """
    return page.expect_event("load")


def check_access(page: playwright.Page) -> None:
    """Make sure that axe-core finds nothing."""
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()

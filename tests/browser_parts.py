"""What tests in a real browser share: its start, timeouts, and its console errors."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
TIMEOUT_MS = 90_000
"""Timeout of waits in tests, long enough for a busy machine."""
expect = playwright.expect
expect.set_options(timeout=TIMEOUT_MS)
NAMES = ("chromium", "chromium-browser", "chrome")
FLAGS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def start_browser() -> Iterator[playwright.Browser]:
    """Start Chromium, and close it at the end."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS, timeout=TIMEOUT_MS)
        yield browser
        browser.close()


def new_context(browser: playwright.Browser, **options) -> playwright.BrowserContext:
    """Return a new browser context, as of another person, with a long timeout."""
    context = browser.new_context(**options)
    context.set_default_timeout(TIMEOUT_MS)
    return context


def console_errors(page: playwright.Page) -> list[str]:
    """Return a list that gets the console messages and errors of a page."""
    messages: list[str] = []
    page.on("console", lambda message: messages.append(f"{message.text} {message.location['url']}"))
    page.on("pageerror", lambda error: messages.append(str(error)))
    return messages


def expect_load(page: playwright.Page):
    """Wait, at the end of the block, until another page has been loaded.

    Scripts of a page listen to keys and buttons from the moment it is loaded, not before.
    """
    return page.expect_event("load")


def check_accessibility(page: playwright.Page) -> None:
    """Check that axe-core finds no violation."""
    result = axe.Axe().run(page)
    assert result.violations_count == 0, result.generate_report()

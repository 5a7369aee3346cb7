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


class Hand:
    """What a hand does on the picture of a page, in its columns and rows."""

    def __init__(self, page, touches: bool) -> None:
        self.page = page
        self.driver = page.context.new_cdp_session(page) if touches else None

    def screen(self, column: float, row: float) -> tuple[float, float]:
        point = """(svg, [x, y]) => {
          svg.scrollIntoView({ block: "center" });
          const point = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
          return [point.x, point.y];
        }"""
        return self.page.locator("svg.picture").evaluate(point, [column, row])

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place, go to the others, let go."""
        if self.driver:
            return self.fingers([places])
        for number, place in enumerate(places):
            self.page.mouse.move(*self.screen(*place), steps=4)
            if not number:
                self.page.mouse.down()
        return self.page.mouse.up()

    def fingers(self, paths: list[tuple[tuple[float, float], ...]]) -> None:
        """Put one finger down at the start of each path, move them, and lift them."""
        on_screen = [[self.screen(*place) for place in path] for path in paths]
        for step in range(len(on_screen[0])):
            points = [
                {"x": path[step][0], "y": path[step][1], "id": number}
                for number, path in enumerate(on_screen)
            ]
            kind = "touchMove" if step else "touchStart"
            self.driver.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        self.driver.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

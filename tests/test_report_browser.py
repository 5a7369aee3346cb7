"""A real browser opens the report page from disk, without a word of complaint."""

import re
from contextlib import contextmanager
from dataclasses import replace

import pytest
from browser_parts import console_errors, expect, new_context

from goldensample.report import Report
from test_report import LIMITS, inspected, labelled_report


@pytest.fixture(scope="module")
def context(browser):
    with new_context(browser) as one:
        yield one


@pytest.fixture
def browse(context, tmp_path):
    """A function that opens a page from disk; none complains of anything or asks the network."""

    @contextmanager
    def opened(page: bytes, address: str = ""):
        path = tmp_path / "report.html"
        path.write_bytes(page)
        with context.new_page() as one:
            said, asked = console_errors(one), []
            one.on("request", lambda request: asked.append(request.url))
            one.goto(path.as_uri() + address)
            yield one
        assert said == []
        assert {url.partition(":")[0] for url in asked} <= {"file", "data"}

    return opened


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", ["b.png", "e.png", "d.png", "c.png", "a.png"]),
        ("#only=defect", ["b.png", "e.png", "d.png"]),
        ("#only=good", ["c.png", "a.png"]),
        ("#only=wrong&heat=20&lines=0", ["d.png", "c.png"]),
        ("#find=BROKEN", ["b.png", "e.png"]),
        ("#only=good&find=b.png", []),
    ],
)
def test_browser_shows_what_is_asked_for(browse, address, shown):
    with browse(labelled_report().html(), address) as page:
        expect(page.locator(".cards .name")).to_have_count(5)
        expect(page.locator(".cards li:visible .name")).to_have_text(shown)
        expect(page.get_by_text(f"{len(shown)} of 5 pictures shown")).to_be_visible()
        heat = "0.2" if "heat=20" in address else "0.65"
        style = "getComputedStyle(document.documentElement).getPropertyValue('--heat')"
        assert page.evaluate(style) == heat


def test_browser_enlarges_a_card_and_puts_it_back(browse):
    with browse(labelled_report().html()) as page:
        large = page.get_by_role("dialog")
        page.locator(".enlarge").nth(1).click()
        expect(large.locator(".name")).to_have_text("e.png")
        page.keyboard.press("ArrowRight")
        expect(large.locator(".name")).to_have_text("d.png")
        page.keyboard.press("Escape")
        expect(large).to_be_hidden()
        order = ["b.png", "e.png", "d.png", "c.png", "a.png"]
        expect(page.locator(".cards .name")).to_have_text(order)


def test_browser_runs_no_script_of_a_file_name(browse):
    evil = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    report = Report("calm", {evil: evil}, LIMITS)
    report.add(*inspected(evil, 3.0, note=evil), True, evil)
    report.add_failure(evil, evil)
    with browse(report.html()) as page:
        expect(page.locator(".cards .name").first).to_have_text(evil)
        assert page.title() == "calm"  # loaded: what would run has run


def test_browser_saves_the_table_of_the_page(browse):
    with browse(labelled_report().html()) as page:
        for name, first in (("CSV", b"\xef\xbb\xbfpicture,"), ("Excel", b"PK")):
            with page.expect_download() as saved:
                page.get_by_role("link", name=name).click()
            assert saved.value.suggested_filename.startswith("verdicts.")
            assert saved.value.path().read_bytes().startswith(first)


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_print_has_the_head_and_a_card_first_and_then_two_cards_a_page(browse, paper):
    report = Report("Lot 7", {f"fact {n}": "value" for n in range(10)}, LIMITS)
    for number in range(5):
        pixels, said = inspected(f"{number}.png", 3.0 + number)
        report.add(pixels, replace(said, regions=said.regions * 4))
    with browse(report.html()) as page:
        file = page.pdf(format=paper, prefer_css_page_size=False)
    assert len(re.findall(rb"/Type /Page\b", file)) == 3

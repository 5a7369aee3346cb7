"""The live page on a screen across the room: large, audible, in the reader's own time."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from browser_parts import check_accessibility, console_errors, expect, new_context
from station_parts import picture, run_station, wait

LANGUAGES = ["en", "ko"]
SEOUL = ZoneInfo("Asia/Seoul")
VERDICTS = {"en": ("GOOD", "DEFECT", "ERROR"), "ko": ("양품", "불량", "오류")}
PRESSABLE = """() => [...document.querySelectorAll("a, button, input, select, summary, [tabindex]")]
  .filter((one) => one.tabIndex >= 0 && one.checkVisibility()).map((one) => one.outerHTML)"""
RECORD_TONES = """
  window.tones = [];
  window.AudioContext = class extends AudioContext {
    createOscillator() {
      const made = super.createOscillator();
      window.tones.push(made);
      return made;
    }
  };
"""
TONES = "() => window.tones.splice(0).map((one) => Math.round(one.frequency.value))"


@pytest.fixture(scope="module")
def station(product, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kiosk")
    with run_station(folder / "kept", [product], "--shifts", "06:00,14:00,22:00") as one:
        inspect(one, "first.png")
        yield one


@pytest.fixture(params=LANGUAGES)
def page(request, browser, station):
    """A page of somebody in Seoul, in two languages; it complains of nothing."""
    zone = {"locale": request.param, "timezone_id": "Asia/Seoul"}
    with new_context(browser, base_url=station.url, **zone) as context:
        context.add_init_script(RECORD_TONES)
        page = context.new_page()
        page.language, page.expected = request.param, ()
        complaints = console_errors(page)
        yield page
        known = ("AudioContext was not allowed", "/api/inspect/part", *page.expected)
        assert not [one for one in complaints if not any(words in one for words in known)]


def inspect(station, name: str, data: bytes | None = None) -> None:
    data = picture(321) if data is None else data
    station.client.post("/api/inspect/part", params={"name": name}, content=data)


def listen(page, address: str) -> None:
    """Open a live page, and wait until it hears the station."""
    with page.expect_response("**/api/records?*"):
        page.goto(address)


def test_a_screen_across_the_room_shows_the_verdict_and_the_way_back_alone(page, station):
    good, defect, _ = VERDICTS[page.language]
    page.set_viewport_size({"width": 1920, "height": 1080})
    listen(page, "/?kiosk")
    inspect(station, "far.png")
    verdict = page.locator(".side .verdict.large")
    expect(page.locator("#newest .stage .name")).to_have_text("far.png")
    expect(verdict).to_have_text(good)
    inspect(station, "near.png", picture(301, defect=True))
    expect(verdict).to_have_text(defect)
    letters = page.evaluate(
        "parseFloat(getComputedStyle($).fontSize)".replace(
            "$", "document.querySelector('.side .verdict.large')"
        )
    )
    assert letters / 1080 * 300 > 40  # mm on a screen 30 cm high; 3 m take 15
    assert verdict.bounding_box()["width"] > 0.9 * 1920
    assert page.locator(".picture").bounding_box()["height"] > 0.3 * 1080
    (leave,) = page.evaluate(PRESSABLE)
    assert 'id="leave"' in leave
    tall = page.evaluate("document.documentElement.scrollHeight")
    assert tall <= 1080
    expect(page.locator("[data-kind=defect] dd")).not_to_have_text("–")
    check_accessibility(page)
    page.emulate_media(color_scheme="dark")
    check_accessibility(page)
    page.keyboard.press("Escape")
    expect(page.locator("header.top")).to_be_visible()
    assert "kiosk" not in page.url


def test_a_touch_brings_the_page_back_where_there_is_no_keyboard(browser, station):
    with new_context(browser, base_url=station.url, has_touch=True) as context:
        page = context.new_page()
        listen(page, "/?kiosk")
        page.locator("#leave").tap()
        expect(page.locator("header.top")).to_be_visible()
        expect(page.locator("#leave")).to_be_hidden()
        assert "kiosk" not in page.url
        page.locator("#full").tap()
        wait(lambda: page.evaluate("Boolean(document.fullscreenElement)"))
        page.locator("#leave").tap()
        expect(page.locator("header.top")).to_be_visible()
        wait(lambda: page.evaluate("!document.fullscreenElement"))


def test_a_button_fills_the_screen_and_esc_brings_the_page_back(page, station):
    listen(page, "/?product=part")
    page.locator("#follow").uncheck()
    page.locator("#full").click()
    expect(page.locator("header.top")).to_be_hidden()
    assert page.locator("#follow").is_checked()
    assert re.search(r"\?product=part&kiosk=$", page.url)
    wait(lambda: page.evaluate("Boolean(document.fullscreenElement)"))
    page.evaluate("document.exitFullscreen()")
    expect(page.locator("header.top")).to_be_visible()


def test_verdicts_sound_once_somebody_wants_them_to(page, station):
    _, _, error = VERDICTS[page.language]
    odd = picture(301, defect=True)
    verdict = page.locator(".side .verdict.large")
    listen(page, "/?product=part")
    inspect(station, "silent.png", odd)
    expect(page.locator("#newest .stage .name")).to_have_text("silent.png")
    assert page.evaluate(TONES) == []
    page.locator("#sound").check()
    wait(lambda: page.evaluate("window.tones.length"))
    assert page.evaluate(TONES) == [587]
    page.wait_for_timeout(600)
    inspect(station, "good.png")
    expect(page.locator("#newest .stage .name")).to_have_text("good.png")
    inspect(station, "loud.png", odd)
    wait(lambda: page.evaluate("window.tones.length"))
    assert page.evaluate(TONES) == [988, 494]
    page.wait_for_timeout(1000)
    inspect(station, "broken.png", b"none")
    expect(verdict).to_have_text(error)
    wait(lambda: page.evaluate("window.tones.length"))
    assert page.evaluate(TONES) == [330, 330, 330]
    listen(page, "/?kiosk")  # it is kept, and waits for a gesture as browsers ask for
    expect(page.locator("#sound-waits")).to_be_visible()
    inspect(station, "waits.png", odd)
    expect(page.locator("#newest .stage .name")).to_have_text("waits.png")
    assert page.evaluate(TONES) == []
    page.keyboard.press("a")
    expect(page.locator("#sound-waits")).to_be_hidden()
    inspect(station, "heard.png", odd)
    wait(lambda: page.evaluate("window.tones.length"))
    assert page.evaluate(TONES) == [988, 494]


def test_counts_are_of_this_shift_at_first_and_as_chosen_then(page, station):
    with page.expect_request("**/api/counts?*period=shift*"):
        page.goto("/")
    with page.expect_request("**/api/counts?*period=today*"):
        page.locator("#period").select_option("today")
    with page.expect_request("**/api/counts?*since=*"):
        page.locator("#period").select_option("8")
    page.reload()
    assert page.locator("#period").input_value() == "8"


def test_a_page_left_open_over_a_restart_without_shifts_counts_on(page, station):
    page.expected = ("period=shift",)
    page.goto("/")
    page.locator("#period").select_option("shift")
    unknown = {"status": 422, "json": {"error": "this shift is not known"}}
    page.route("**/api/counts?*period=shift*", lambda route: route.fulfill(**unknown))
    with page.expect_response(lambda one: "since=" in one.url and one.ok):
        page.reload()
    assert page.locator("#period").input_value() == "8"
    assert page.locator("#period option[value=shift]").count() == 0


def test_times_are_the_readers_and_on_paper_the_stations(page, station):
    record = station.client.get("/api/records").json()["records"][0]
    made = datetime.fromisoformat(record["time"])
    here = f"{made.astimezone(SEOUL):%Y-%m-%d %H:%M:%S}"
    there = f"{made.astimezone():%Y-%m-%d %H:%M:%S %Z}"
    page.goto("/history")
    first = page.locator("tbody time").first
    expect(first).to_have_text(here)
    expect(first).to_have_attribute("title", there)
    expect(page.locator("#zone")).to_contain_text("Asia/Seoul, UTC+09:00")
    page.evaluate("""addEventListener("beforeprint", () => {
      window.printed = document.querySelector("tbody time").textContent;
    })""")
    page.pdf()
    assert page.evaluate("window.printed") == there
    expect(first).to_have_text(here)
    page.goto("/?product=part")
    expect(page.locator("#newest time")).to_have_text(here)


def test_history_is_filtered_by_the_readers_clock(page, station):
    records = station.client.get("/api/records").json()["records"]
    newest = datetime.fromisoformat(records[0]["time"]).astimezone(SEOUL)
    for minutes, shown in ((1, False), (-60, True)):
        page.goto("/history")
        since = f"{newest + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}"
        page.locator("[name=since]").fill(since)
        page.locator("main form button.first").click()
        expect(page.locator("[name=since]")).to_have_value(since)
        assert "since=2" in page.url
        assert "Z" in page.url.split("since=")[1]
        assert bool(page.locator("tbody tr").count()) == shown
    page.locator("[name=period]").select_option("shift")
    page.locator("main form button.first").click()
    expect(page.locator("[name=period]")).to_have_value("shift")
    check_accessibility(page)

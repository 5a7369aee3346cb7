"""The station's pages in a real browser: what a person on the line does, sees and hears."""

import base64
import io
import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from browser_parts import axe, expect, expect_load, new_context
from PIL import Image
from station_parts import open_station, picture, run_station, small_product

from goldensample.station.records.heat_files import from_bytes
from goldensample.station.records.rows import Filter
from goldensample.station.web.record_view import record_view
from goldensample.station.web.rendering import odds

TOKEN = "engineer-of-the-line"
AS_ENGINEER = {"authorization": f"Bearer {TOKEN}", "x-operator": "Machine"}
HOSTILE = [
    "<script>document.title='run'</script>.png",
    "<img src=x onerror=alert(1)>\"'&.png",
    "long" * 60 + ".png",
    "\u202egnp.\u05d0\u05d1 right to left.png",
    "=cmd|' /C calc'!A0.png",
]
DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, { type: "image/png" }));
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true });
    document.getElementById("main").dispatchEvent(event);
  }
}"""


@pytest.fixture(scope="module")
def station(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    one = small_product(tiny, folder)
    products = [one, Path(shutil.copy(one, folder / "other.golden"))]
    with run_station(folder / "kept", products, "--token", f"engineer:{TOKEN}") as one:
        yield one


@pytest.fixture(scope="module")
def context(browser, station):
    """Ada, who logged in by keyboard alone, after a token that was none."""
    with new_context(browser, base_url=station.url) as context:
        page = context.new_page()
        page.goto("/history")
        expect(page).to_have_url(f"{station.url}/login?to=%2Fhistory")
        assert axe.Axe().run(page).violations_count == 0
        page.get_by_label("Your name").focus()
        for token in ("not-the-right-one", TOKEN):
            page.get_by_label("Your name").fill("Ada")
            page.keyboard.press("Tab")
            expect(page.get_by_label("Token")).to_be_focused()
            page.keyboard.type(token)
            with page.expect_response("**/api/login") as answered:
                page.keyboard.press("Enter")
            assert answered.value.status == (200 if token == TOKEN else 401)
            if token != TOKEN:
                expect(page.get_by_role("alert")).to_contain_text("token is not known here")
        expect(page).to_have_url(f"{station.url}/history")  # what was asked for
        page.wait_for_load_state()
        yield context


@pytest.fixture(scope="module")
def tab(context):
    """Ada's page, with what it complained of and what it asked for."""
    said: list[str] = []
    asked: list[str] = []

    def hear(message) -> None:
        refused = "/api/inspect/" in message.location["url"] and "422" in message.text
        if not refused:  # what is no picture
            said.append(f"{message.type}: {message.text}")

    page = context.pages[0]
    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    return page, said, asked


@pytest.fixture
def page(tab, station):
    """Ada's page; in no test does it complain of anything or ask another host."""
    one, said, asked = tab
    yield one
    assert not said
    assert not [url for url in asked if not url.startswith(f"{station.url}/")]
    asked.clear()


def inspect(station, data: bytes, name: str, product: str = "part") -> dict:
    address = f"/api/inspect/{product}"
    answer = station.client.post(address, params={"name": name}, content=data, headers=AS_ENGINEER)
    assert answer.status_code == 200
    return answer.json()


def drop(page, name: str, data: bytes) -> None:
    """Drop a picture on the live page and wait until it is the one that is shown."""
    page.evaluate(DROP, [name, base64.b64encode(data).decode()])
    expect(page.locator("#newest .stage .name")).to_have_text(name)


def listen(page, address: str) -> None:
    """Open a live page, and wait until it hears the station: then it asks what it has missed."""
    with page.expect_response("**/api/records?*"):
        page.goto(address)


def verdict(page):
    return page.locator(".side .verdict.large")


def test_a_false_alarm_is_confirmed_learned_and_taken_back(page):
    odd = picture(300, defect=True)
    page.goto("/?product=part")
    drop(page, "first.png", odd)
    expect(verdict(page)).to_have_text("DEFECT")
    expect(page.locator("[data-kind=defect] dd")).not_to_have_text(re.compile("^[–0]$"))
    expect(page.locator("#newest .pair figure")).to_have_count(2)

    with expect_load(page):
        page.get_by_role("link", name=re.compile("^Inbox")).click()
    expect(page.locator("#waits .stage .name")).to_have_text("first.png")
    page.keyboard.press("g")
    page.get_by_role("button", name="Yes, it is good").click()
    expect(page.locator("#last")).to_contain_text("Learned: revision 1; takes effect")
    page.goto("/?product=part")
    drop(page, "second.png", odd)
    expect(verdict(page)).to_have_text("GOOD")

    page.goto("/history?product=part&answer=good&operator=Ada&text=first")
    expect(page.locator("tbody tr")).to_have_count(1)
    with expect_load(page):
        page.get_by_role("link", name="first.png").click()
    with expect_load(page):
        page.get_by_role("button", name="Take back").click()
    expect(page.locator("#said")).to_have_text("Taken back.")
    expect(page.get_by_role("button", name="Take back")).to_have_count(0)
    expect(page.get_by_text("What is this part?")).to_be_visible()
    page.goto("/?product=part")
    drop(page, "third.png", odd)
    expect(verdict(page)).to_have_text("DEFECT")


def test_keys_alone_answer_and_undo(page, station):
    names = ["one.png", "two.png"]
    for number, name in enumerate(names):
        inspect(station, picture(310 + number, defect=True), name, "other")
    page.goto("/?product=other")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for name in ("Golden Sample", re.compile("^Live$"), re.compile("^Inbox")):
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name=name)).to_be_focused()
    with expect_load(page):
        page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/inbox\?product=other$"))
    shown = page.locator("#waits .stage .name")
    expect(shown).to_have_text("one.png")
    page.keyboard.press("d")
    expect(shown).to_have_text("two.png")
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(shown).to_have_text("two.png")
    page.keyboard.press("z")
    expect(shown).to_have_text("one.png")
    expect(page.locator("#waiting")).to_have_text("2 waiting")
    asked = {"product": "other"}
    found = station.client.get("/api/records", params=asked, headers=AS_ENGINEER)
    assert [one["answer"] for one in found.json()["records"]] == [None, None]


def test_new_pictures_appear_by_themselves(page, station):
    listen(page, "/?product=part")
    expect(page.locator("[data-kind=good] dd")).not_to_have_text("–")
    inspect(station, picture(320), "elsewhere.png", "other")
    inspect(station, picture(321), "new.png")
    expect(page.locator("#newest .stage .name")).to_have_text("new.png")
    expect(page.locator("#news")).to_have_text("good: new.png")
    page.get_by_label("Follow new pictures").uncheck()
    record = inspect(station, picture(322), "newer.png")
    expect(page.locator("#news")).to_have_text("good: newer.png")
    expect(page.locator("#newest .stage .name")).to_have_text("new.png")
    page.get_by_label("Follow new pictures").check()
    expect(page.locator(f"#newest article[data-record='{record['id']}']")).to_be_visible()


def test_what_is_no_picture_is_named_and_the_others_go_on(page, tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "<b>bad.png"
    good.write_bytes(picture(330))
    bad.write_bytes(b"no picture")
    page.goto("/?product=part")
    page.get_by_label("Inspect pictures…").set_input_files([bad, good])
    expect(page.locator("#newest .stage .name")).to_have_text("good.png")
    expect(page.locator("#failed li")).to_contain_text("<b>bad.png: cannot read")
    expect(page.locator("#said")).to_have_text(
        "1 picture judged; 1 of 2 could not be: see the list."
    )
    page.get_by_label("Inspect pictures…").set_input_files([bad])
    expect(page.locator("#said")).to_have_text(
        "No pictures judged; 1 of 1 could not be: see the list."
    )
    expect(verdict(page)).to_have_text("ERROR")  # never the verdict on the part before
    expect(verdict(page)).to_have_css("background-color", "rgb(192, 0, 36)")


def test_colours_and_outlines_begin_at_the_look_again_limit(product, tmp_path):
    with open_station(tmp_path / "kept", product) as client:
        station = client.app.state.station
        for seed in (300, *range(700, 707)):
            name, data = f"{seed}.png", picture(seed, defect=seed == 300)
            client.post(f"/api/inspect/part?name={name}", content=data)
        found = station.ledger.find(Filter())
        assert {"good", "review", "defect"} == {record.verdict for record in found}
        for record in found:
            heat = from_bytes(station.archive.path(record.heat_sha256).read_bytes())
            drawn = client.get(f"/api/records/{record.id}/heat").content
            seen = np.asarray(Image.open(io.BytesIO(drawn)).convert("RGBA"))[..., 3] > 0
            level = record.limit_pixel * record.limit_review / record.limit_score
            level = min(level, 0.9 * heat.largest) if record.verdict != "good" else level
            assert not seen[heat.values() <= level].any()
            assert seen[heat.values() > 1.1 * level].all()
            view = record_view(station, record)
            assert bool(view.outline) == (record.verdict != "good")
            if record.verdict == "defect":
                rows = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", view.outline)]
                assert (min(rows) <= 21, max(rows) >= 29) == (True, True)  # all of the defect


def test_hostile_names_are_text(page, station):
    made = [inspect(station, picture(340, defect=True), name) for name in HOSTILE]
    for record in made[:4:2]:
        page.goto(f"/records/{record['id']}")
        expect(page.locator(".stage .name")).to_have_text(record["name"])
        expect(page).to_have_title(f"Record {record['id']} · Golden Sample")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/history?product=part&text=png")
    for name in HOSTILE:
        expect(page.locator("td.text:nth-child(3)").get_by_text(name, exact=True)).to_have_count(1)
    expect(page.locator("main script, main [onerror]")).to_have_count(0)
    answer = station.client.get("/history?text=<script>&since=never", headers=AS_ENGINEER)
    assert (answer.status_code, "the filter must have" in answer.text) == (422, True)
    assert 'value="&lt;script&gt;"' in answer.text


def test_filtered_history_can_be_had_as_csv_and_json(page, station):
    inspect(station, picture(350), "listed.png")
    inspect(station, picture(351), "other.png")
    page.goto("/history?product=part&text=listed")
    with page.expect_download() as csv:
        page.get_by_role("link", name="Download CSV").click()
    lines = csv.value.path().read_text().splitlines()
    assert [line.split(",")[2] for line in lines] == ["name", "listed.png"]
    with page.expect_download() as whole:
        page.get_by_role("link", name="Download JSON").click()
    found = json.loads(whole.value.path().read_text())
    assert [one["name"] for one in found] == ["listed.png"]
    nothing = station.client.get("/api/records.json?text=nowhere", headers=AS_ENGINEER)
    assert nothing.json() == []


def test_axe_finds_nothing_and_small_screens_do_not_scroll_aside(page, station):
    record = inspect(station, picture(360, defect=True), "axe.png")
    for address in (
        "/?product=part",
        "/inbox?product=part",
        "/history?product=part",
        "/api",
        f"/records/{record['id']}",
        "/history?text=nowhere",
    ):
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto(address)
        found = axe.Axe().run(page).response["violations"]
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        only = {"runOnly": ["color-contrast"]}
        found += axe.Axe().run(page, options=only).response["violations"]
        serious = [
            f"{address}: {one['id']} {[node['target'] for node in one['nodes']]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert not serious
        for width, height in ((768, 1024), (1024, 768)):
            page.set_viewport_size({"width": width, "height": height})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{address} is {wide} px wide on {width}"


def test_a_station_out_of_reach_is_told_and_found_again(context):
    with context.new_page() as one:
        one.goto("/inbox?product=part")
        banner = one.locator("#offline")
        expect(banner).to_be_hidden()
        context.set_offline(True)
        one.locator("#order").select_option("odd")
        expect(banner).to_contain_text("cannot be reached")
        context.set_offline(False)
        one.locator("#order").select_option("old")
        expect(banner).to_be_hidden()


def test_a_login_leads_to_pages_of_this_station_alone(browser, station):
    elsewhere = (
        "//example.com",
        "https://example.com",
        "/\t/example.com",
        "/\\example.com",
        "http://[",
    )
    for asked, reached in (("/products?a=b", "/products?a=b"), *((one, "/") for one in elsewhere)):
        with new_context(browser, base_url=station.url) as context:
            page = context.new_page()
            page.goto(f"/login?{urlencode({'to': asked})}")
            page.get_by_label("Your name").fill("Ada")
            page.get_by_label("Token").fill(TOKEN)
            page.keyboard.press("Enter")
            expect(page).to_have_url(f"{station.url}{reached}")


def test_pages_that_are_not_there_say_so(station):
    for address, status in (("/records/999999", 404), ("/nowhere", 404), ("/?product=none", 404)):
        answer = station.client.get(address, headers={**AS_ENGINEER, "accept": "text/html"})
        assert (answer.status_code, "This cannot be shown" in answer.text) == (status, True)


def test_cookies_of_a_session_are_shut_to_scripts_and_other_sites(station):
    client = station.client
    answer = client.post("/api/login", json={"name": "Grace 李", "token": TOKEN})
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=strict" in flags
    assert "Grace 李" in client.get("/history").text
    client.post("/api/logout")
    assert client.get("/history?a=b").headers["location"] == "/login?to=%2Fhistory%3Fa%3Db"


@pytest.mark.parametrize(
    ("p_value", "words"),
    [
        (None, ""),
        (0.05, "at most 1 in 20 good parts looks as odd"),
        (1 / 137, "at most 1 in 140 good parts looks as odd"),
        (0.0, "at most 1 in 1,000,000 good parts looks as odd"),
        (0.4, "at most 4 in 10 good parts look as odd"),
        (1.0, "at most 10 in 10 good parts look as odd"),
    ],
)
def test_p_values_in_words(p_value, words):
    assert odds(p_value) == words

"""What people say, and what is learned of it: names, proposals, misses that are taught."""

import csv
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from browser_parts import check_accessibility, console_errors, expect, expect_load, new_context
from conftest import part
from station_parts import open_station, picture, run_station

from goldensample.images.codec import encode_png

ENGINEER, OPERATOR = "an-engineer-s-token", "an-operator-s-token"
ROLES = {ENGINEER: "engineer", OPERATOR: "operator"}
SHAPES = [{"kind": "brush", "width": 8, "points": [[33, 23], [37, 27]]}]


def by(token: str, name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "x-operator": name}


def missed_part() -> bytes:
    """A part with a defect so faint that it is called good."""
    pixels = part(905).astype(int)
    pixels[20:30, 30:40] += 3
    return encode_png(np.clip(pixels, 0, 255).astype(np.uint8))


def inspect(client, data: bytes, name: str, product: str = "part") -> dict:
    found = client.post(f"/api/inspect/{product}", params={"name": name}, content=data)
    assert found.is_success, found.text
    return found.json()


@pytest.fixture
def file(product, tmp_path) -> Path:
    """A product of the test's own, as it learns."""
    return Path(shutil.copy(product, tmp_path / "part.golden"))


def test_what_operators_call_good_waits_for_an_engineer(file, tmp_path):
    adam, eve = by(OPERATOR, "Adam"), by(ENGINEER, "Eve")
    with open_station(tmp_path / "kept", file, tokens=ROLES) as client:
        client.headers.update(adam)
        odd = [inspect(client, picture(300 + k, defect=True), f"{k}.png")["id"] for k in (0, 1)]
        answers = []
        for number in odd:
            said = client.post("/api/feedback", json={"record": number, "answer": "good"}).json()
            assert (said["proposed"], said["revision"]) == (True, None)
            answers.append(said["id"])
        assert client.get("/api/products").json()[0]["revision"] == 0
        page = client.get("/learning").text
        assert ("0.png" in page, "data-decide" in page) == (True, False)
        learn, refuse = (f"/api/feedback/{number}/decision" for number in answers)
        assert client.post(learn, json={"learn": True}).status_code == 403
        client.headers.update(eve)
        assert client.post(refuse, json={"learn": False}).json() == {"revision": None}
        assert client.post(learn, json={"learn": True}).json() == {"revision": 1}
        late = client.post(learn, json={"learn": False})
        assert (late.status_code, "decided" in late.json()["error"]) == (409, True)
        reason = client.get("/api/products/part/revisions").json()[0]["reason"]
        assert reason == "false alarm on 0.png, proposed by Adam (Eve)"
        assert inspect(client, picture(300, defect=True), "again.png")["verdict"] == "good"
        rows = csv.DictReader(io.StringIO(client.get("/api/records.csv?text=0.png").text))
        assert [(row["answer"], row["answered_by"]) for row in rows] == [("good", "Adam")]
        taken = client.delete(f"/api/feedback/{answers[0]}", headers=adam)
        assert taken.is_success
        assert client.get("/api/products").json()[0]["revision"] == 2
        said = client.post("/api/feedback", json={"record": odd[1], "answer": "good"}).json()
        assert (said["proposed"], said["revision"]) == (False, 3)


def test_a_miss_is_taught_only_by_engineers_at_the_cost_they_saw(file, tmp_path):
    with open_station(tmp_path / "kept", file, tokens=ROLES) as client:
        client.headers.update(by(OPERATOR, "Adam"))
        number = inspect(client, missed_part(), "missed.png")["id"]
        mark, cost = f"/api/records/{number}/mark", f"/api/records/{number}/teaching-cost"
        early = client.put(mark, json={"shapes": SHAPES})
        assert (early.status_code, "answer it first" in early.json()["error"]) == (422, True)
        client.post("/api/feedback", json={"record": number, "answer": "defect"})
        outside = [{"width": 4, "points": [[500, 500]]}]
        assert client.put(mark, json={"shapes": outside}).status_code == 422
        assert client.put(mark, json={"shapes": SHAPES}).is_success
        assert client.get(cost).status_code == 403
        client.headers.update(by(ENGINEER, "Eve"))
        few = client.get(cost)
        assert (few.status_code, "10 good parts or more" in few.json()["error"]) == (422, True)
        for seed in range(700, 720):
            inspect(client, picture(seed), f"{seed}.png")
        seen = client.get(cost).json()
        assert (seen["revision"], seen["found"]) == (0, True)
        teach = f"/api/records/{number}/teach"
        other = client.post(teach, json={**seen, "alarms": seen["alarms"] + 1})
        assert (other.status_code, "look at the cost again" in other.json()["error"]) == (409, True)
        assert client.post(teach, json=seen).json() == {"revision": 1}, seen
        assert inspect(client, missed_part(), "again.png")["verdict"] == "defect"
        newest = client.get("/api/products/part/revisions").json()[0]
        assert newest["reason"] == "missed defect on missed.png (Eve)"
        client.post("/api/feedback", json={"record": number, "answer": "good"})
        assert inspect(client, missed_part(), "once more.png")["verdict"] == "good"


@pytest.fixture(scope="module")
def station(product, tmp_path_factory):
    """A station without roles where what is called good is confirmed all the same."""
    folder = tmp_path_factory.mktemp("learning")
    with run_station(folder / "kept", [product], "--confirm-learning") as one:
        for seed in range(700, 720):
            found = inspect(one.client, picture(seed), f"{seed}.png")
            if found["verdict"] != "good":
                one.client.post("/api/feedback", json={"record": found["id"], "answer": "unsure"})
        yield one


@pytest.fixture(scope="module")
def page(browser, station):
    with new_context(browser, base_url=station.url) as context:
        page = context.new_page()
        said = console_errors(page)
        yield page
        assert not said


def test_a_name_is_asked_once_and_an_odd_good_is_asked_twice(page, station):
    for k in (0, 1):
        inspect(station.client, picture(300 + k, defect=True), f"odd{k}.png")
    page.goto("/inbox?product=part")
    shown = page.locator("#waits .stage .name")
    page.keyboard.press("g")
    asked = page.get_by_role("dialog", name="Who are you?")
    asked.get_by_label("Your name").press_sequentially("dug")  # no answers: letters of a name
    check_accessibility(page)
    asked.get_by_role("button", name="Go on").click()
    certain = page.get_by_role("dialog", name="Good, for certain?")
    expect(certain).to_contain_text("times the limit")
    page.keyboard.press("d")  # no answer while it is asked
    certain.get_by_role("button", name="No").click()
    expect(shown).to_have_text("odd0.png")
    page.keyboard.press("g")
    certain.get_by_role("button", name="Yes").click()
    expect(page.locator("#last")).to_contain_text("Proposed: an engineer decides")
    expect(shown).to_have_text("odd1.png")

    page.locator("#operator-name").fill("Ada")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("You are Ada")
    page.keyboard.press("u")  # an answer, and no letter of the name
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    expect(page.locator("#operator-name")).to_have_value("Ada")
    with expect_load(page):
        page.reload()
    page.keyboard.press("z")  # what was answered before the reload
    expect(shown).to_have_text("odd1.png")
    page.goto("/history?answer=good")
    expect(page.locator("td.answered")).to_have_text(re.compile(r"good \(false alarm\), dug"))


def test_a_product_is_renamed_copied_and_retired(page, station):
    page.goto("/products/part")
    page.get_by_label("Name of a copy").fill("spare")
    with expect_load(page):
        page.get_by_role("button", name="Copy").click()
    expect(page).to_have_url(re.compile("/products/spare$"))
    page.get_by_label("Shown as").fill("Spare lid <b>")
    with expect_load(page):
        page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Spare lid <b>")).to_be_visible()
    check_accessibility(page)
    choices = page.locator("#product option")
    expect(choices).to_have_text(["part", "Spare lid <b>"])
    with expect_load(page):
        page.get_by_role("button", name="Retire").click()
    expect(page.get_by_role("button", name="Bring it back")).to_be_visible()
    expect(choices).to_have_count(0)
    page.goto("/products")
    check_accessibility(page)
    expect(page.get_by_role("heading", name="Retired")).to_be_visible()
    assert inspect(station.client, picture(700), "to a retired one.png", "spare")["id"]


def test_an_engineer_decides_on_proposals(page, station):
    page.goto("/learning?product=part")
    check_accessibility(page)
    page.get_by_role("button", name=re.compile("^Learn it")).click()
    expect(page.locator("#said")).to_contain_text("Learned: revision 1")
    with expect_load(page):
        page.reload()
    expect(page.get_by_text("Nothing is proposed.")).to_be_visible()


def test_a_miss_is_marked_costed_taught_and_taken_back(page, station):
    number = inspect(station.client, missed_part(), "missed.png")["id"]
    page.goto("/?product=part")
    with expect_load(page):
        page.get_by_role("link", name="a defect was missed").click()
    with expect_load(page):
        page.get_by_role("button", name="Defect").click()
    expect(page.get_by_role("heading", name="Missed. Mark where")).to_be_visible()
    expect(page.locator("#said")).to_have_text("Missed. Mark where the defect is.")
    page.get_by_role("button", name="Brush").click()
    page.locator("[data-wide]").fill("15")
    box = page.locator(".stage .picture").bounding_box()
    size = min(box["width"], box["height"])
    left, top = box["x"] + (box["width"] - size) / 2, box["y"] + (box["height"] - size) / 2
    page.mouse.move(left + size * 33 / 48, top + size * 23 / 48)
    page.mouse.down()
    page.mouse.move(left + size * 37 / 48, top + size * 27 / 48, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Keep this mark").click()
    told = page.locator("#miss-told")
    expect(told).to_contain_text(re.compile(r"would be found.* Of \d+ good parts tried, \d+ would"))
    check_accessibility(page)
    page.goto("/learning?product=part")
    expect(page.locator(".decide li")).to_contain_text("marked: an engineer decides")
    page.goto(f"/records/{number}")
    expect(page.locator("#miss")).to_have_attribute("data-shapes", re.compile('"brush"'))
    page.get_by_role("button", name="What would teaching it cost?").click()
    with expect_load(page):
        page.get_by_role("button", name="Yes, teach it").click()
    expect(page.get_by_role("heading", name="Missed, and taught since")).to_be_visible()
    assert inspect(station.client, missed_part(), "again.png")["verdict"] == "defect"
    with expect_load(page):
        page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("What is this part?")).to_be_visible()
    assert inspect(station.client, missed_part(), "once more.png")["verdict"] == "good"

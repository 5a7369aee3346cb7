"""Set up: from pictures to a product in service, by the API and in a real browser."""

import base64
import json
import re
import shutil

import pytest
from conftest import part
from station_parts import coarse_onnx, picture, run_station, wait

from goldensample import load
from goldensample.images.codec import encode_png
from goldensample.station.records.archive import IncomingFile
from goldensample.station.setup.drafts import Draft, Drafts
from goldensample.station.setup.setup import FitProgress, advance, failure_reason

ENGINEER, OPERATOR = "an-engineer-s-token", "an-operator-s-token"
HOSTILE = "<img src=x onerror=alert(1)>../../é\u202e.png"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder to choose from: good parts, one of them a defect, and one that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    good = folder / "line" / "good"
    good.mkdir(parents=True)
    for seed in range(20):
        (good / f"{seed:02d}.png").write_bytes(picture(seed, defect=seed == 7))
    (good / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.png").write_bytes(picture(1))
    (good / "link.png").symlink_to(outside / "secret.png")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("setup")


@pytest.fixture(scope="module")
def station(place, pictures):
    network = place / "coarse.onnx"
    network.write_bytes(coarse_onnx())
    tokens = ["--token", f"engineer:{ENGINEER}", "--token", f"operator:{OPERATOR}"]
    made = ["--pictures", str(pictures), "--backbone", f"onnx:{network}"]
    with run_station(place / "kept", [], *tokens, *made) as one:
        yield one


@pytest.fixture(scope="module")
def client(station):
    station.client.headers.update({"authorization": f"Bearer {ENGINEER}", "x-operator": "Eve"})
    return station.client


def ended(client, draft: str) -> dict:
    """Wait for the end of a fit; return what is told of the draft then."""

    def told() -> dict:
        found = client.get(f"/api/drafts/{draft}").json()
        return {} if found["state"] == "fitting" else found

    return wait(told)


def test_a_folder_becomes_a_product_that_is_there_after_a_restart(client, place, pictures):
    [offered] = client.get("/api/drafts/folders").json()
    assert (offered["name"], offered["pictures"]) == ("line/good", 21)  # without the link out
    draft = client.post("/api/drafts", json={"folder": offered["id"]}).json()["draft"]
    other = client.post("/api/drafts", json={}).json()["draft"]
    client.post(f"/api/drafts/{other}/pictures", content=picture(1)).raise_for_status()
    wanted = {"name": "plate", "false_alarms": 0.1, "review": 0.2}
    client.post(f"/api/drafts/{draft}/fit", json=wanted).raise_for_status()
    busy = client.post(f"/api/drafts/{other}/fit", json={"name": "other", "false_alarms": 0.2})
    assert busy.status_code == 409
    assert "one at a time" in busy.json()["error"]
    client.delete(f"/api/drafts/{other}").raise_for_status()
    told = ended(client, draft)
    assert told["state"] == "ready", told
    result = told["result"]
    assert [line.split(": ")[0][-10:] for line in result["skipped"]] == ["broken.png"]
    assert result["audit"][0]["name"] == "07.png"
    assert result["audit"][0]["odd"]
    assert len(result["first"]) == 9
    heat = client.get(f"/api/drafts/{draft}/heat/{result['first'][0]['number']}")
    assert heat.content.startswith(b"\x89PNG")
    assert client.post(f"/api/drafts/{draft}/service").json()["product"] == "plate"
    assert client.get(f"/api/drafts/{draft}").status_code == 404
    found = client.post("/api/inspect/plate", content=picture(500, defect=True)).json()
    assert found["verdict"] == "defect"
    file = place / "kept" / "products" / "plate.golden"
    assert len(load(file).pictures) == 11
    restarted = place / "restarted"
    for folder in ("products", "demo/cap/test/good", "demo/washer/test"):
        (restarted / folder).mkdir(parents=True)
    for name in ("plate", "cap"):
        shutil.copy(file, restarted / "products" / f"{name}.golden")
    (restarted / "demo/cap/test/good/000.png").write_bytes(picture(501))
    with run_station(restarted, [], "--demo") as fresh:  # whose parts were rendered before
        known = fresh.client.get("/api/products").json()
        assert [one["product"] for one in known] == ["cap", "plate"]
        [shown] = fresh.client.get("/api/records").json()["records"]
        assert (shown["product"], shown["name"]) == ("cap", "cap/test/good/000.png")


def test_what_cannot_be_is_said_in_words(client, station):
    draft = client.post("/api/drafts", json={}).json()["draft"]
    address = f"/api/drafts/{draft}"
    added = client.post(f"{address}/pictures", params={"name": HOSTILE}, content=picture(1)).json()
    assert added == {"number": 0, "again": False, "pictures": 1}
    added = client.post(f"{address}/pictures", params={"name": "b"}, content=picture(1)).json()
    assert added == {"number": 0, "again": True, "pictures": 1}
    cut = encode_png(part(3))[:-40]
    refused = client.post(f"{address}/pictures", params={"name": "cut.png"}, content=cut)
    assert refused.status_code == 422
    assert "cut.png" in refused.json()["error"]
    shown = client.get(f"{address}/pictures/0")
    assert shown.content.startswith(b"\xff\xd8")
    page = client.get(f"/setup/{draft}", headers={"accept": "text/html"}).text
    assert "&lt;img src=x onerror=alert(1)&gt;../../é" in page
    for name, words in [("../up", "must be named"), ("", "must be named")]:
        wrong = client.post(f"{address}/fit", json={"name": name, "false_alarms": 0.2})
        assert (wrong.status_code, words in wrong.json()["error"]) == (422, True)
    client.post(f"{address}/pictures", content=picture(2)).raise_for_status()
    few = {"name": "few", "false_alarms": 0.2, "leave_out": [1, 99]}
    client.post(f"{address}/fit", json=few).raise_for_status()
    told = ended(client, draft)
    assert "must rest on 8 good pictures; there are 1" in told["error"]
    assert client.post(f"{address}/service").status_code == 409
    unknown = client.post("/api/drafts", json={"folder": "0" * 32})
    assert unknown.status_code == 422
    client.delete(address).raise_for_status()
    assert client.get(f"{address}/pictures/0").status_code == 404


def test_a_fit_can_be_cancelled_and_operators_cannot_begin(client, station):
    as_operator = {"authorization": f"Bearer {OPERATOR}"}
    assert client.get("/api/drafts/folders", headers=as_operator).status_code == 403
    assert client.post("/api/drafts", json={}, headers=as_operator).status_code == 403
    page = client.get("/setup", headers={**as_operator, "accept": "text/html"}).text
    assert "set up by engineers" in page
    [offered] = client.get("/api/drafts/folders").json()
    draft = client.post("/api/drafts", json={"folder": offered["id"]}).json()["draft"]
    wanted = {"name": "never", "false_alarms": 0.05}
    client.post(f"/api/drafts/{draft}/fit", json=wanted).raise_for_status()
    told = client.post(f"/api/drafts/{draft}/cancel").json()
    assert (told["state"], told["error"]) == ("open", "the fit was cancelled")
    assert "never" not in {one["product"] for one in client.get("/api/products").json()}
    client.delete(f"/api/drafts/{draft}").raise_for_status()


def test_a_draft_outlives_the_station_but_not_its_fit(tmp_path):
    drafts = Drafts(tmp_path)
    draft = drafts.create("Eve")
    coming = tmp_path / "coming"
    coming.write_bytes(b"a picture")
    draft.add(IncomingFile(coming, "0" * 64, 9), "../a.png")
    draft.change(stage="fitting", name="part", left_out=(0,))
    with open(draft.folder / "pictures.jsonl", "a") as file:
        file.write('["cut off')
    (tmp_path / ("f" * 32)).mkdir()  # begun, and the station was killed at once
    [again] = Drafts(tmp_path)
    assert [one.name for one in again.pictures] == ["../a.png"]
    assert again.pictures[0].path.parent == draft.folder
    assert (again.metadata.stage, again.metadata.left_out) == ("failed", (0,))
    assert not (tmp_path / ("f" * 32)).exists()
    assert isinstance(again, Draft)


def test_progress_only_grows_and_endings_are_told():
    work, shares = FitProgress("d", 0.0), []
    steps = [("check", 1), ("features", 5), ("features", 10), ("coreset", 3), ("threshold", 10)]
    for stage, done in [*steps, ("threshold", 1), ("audit features", 4), ("audit", 10)]:
        work = advance(work, stage, done, 10)
        shares.append(work.share)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert json.dumps(work.to_json())
    assert failure_reason(0, False, "") == ""
    assert "memory" in failure_reason(-9, False, "")
    assert failure_reason(2, False, "too few") == "too few"


DROP = """(files) => {
  const carried = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    carried.items.add(new File([bytes], name, { type: "image/png" }));
  }
  const target = document.getElementById("bring");
  for (const kind of ["dragover", "drop"]) {
    target.dispatchEvent(
      new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture
def page(station):
    """A page of an engineer's, that complains of nothing."""
    from browser_parts import console_errors, new_context, start_browser

    with start_browser() as browser, new_context(browser, base_url=station.url) as context:
        headers = {"accept": "application/json"}
        login = {"name": "Eve", "token": ENGINEER}
        assert context.request.post("/api/login", data=login, headers=headers).ok
        one = context.new_page()
        said = console_errors(one)
        yield one
    assert [words for words in said if "422" not in words] == []


def test_a_product_from_dropped_pictures_to_other_limits_and_back(page, client):
    from browser_parts import check_accessibility, expect, expect_load

    def button(name: str):
        return page.get_by_role("button", name=name)

    page.goto("/setup")
    check_accessibility(page)
    files = [(f"part {seed}.png", picture(seed)) for seed in range(20)]
    files.append((HOSTILE, b"no picture"))
    page.evaluate(DROP, [(name, base64.b64encode(data).decode()) for name, data in files])
    expect(button("Go on with the others")).to_be_visible()
    expect(page.locator("#refused")).to_contain_text(HOSTILE)
    with expect_load(page):
        button("Go on with the others").press("Enter")
    page.get_by_label("Name of the product").fill("dropped")
    expect(button("Learn from 20 pictures")).to_be_disabled()
    expect(page.locator("#too-few")).to_contain_text("needs 38 pictures or more; there are 20")
    page.get_by_label("Good parts called defects, at most").select_option("0.1")
    expect(button("Learn from 20 pictures")).to_be_enabled()
    expect(page.locator("#too-few")).to_be_hidden()
    check_accessibility(page)
    learned = page.get_by_role("heading", name="dropped has learned")
    with expect_load(page):
        page.get_by_label("Name of the product").press("Enter")
    expect(page.locator("#working:visible").or_(learned)).to_be_visible()
    expect(learned).to_be_visible()  # the page, loaded anew, follows the fit to its end
    page.wait_for_load_state()
    check_accessibility(page)
    page.locator("[data-of=odd]").first.click()
    large = page.get_by_role("dialog")
    for place in ("#large-picture", "#large-heat"):
        expect(large.locator(place)).to_have_js_property("complete", True)
        expect(large.locator(place)).not_to_have_js_property("naturalWidth", 0)
    check_accessibility(page)
    large.get_by_role("button", name="Close").click()
    with expect_load(page):
        button("Put into service").press("Enter")
    expect(page).to_have_url(re.compile("/products/dropped$"))
    for seed in range(600, 630):
        client.post("/api/inspect/dropped", content=picture(seed)).raise_for_status()
    page.reload()
    check_accessibility(page)
    page.get_by_label("Good parts called defects").press("Home")
    expect(page.locator("#rate-words")).to_have_text("20 %")
    query = {"false_alarms": 0.2, "review": 0.3}
    preview = client.get("/api/products/dropped/limits/preview", params=query).json()
    assert preview["changed"] > 0
    words = f"{preview['changed']} would get another verdict"
    expect(page.locator("#changed")).to_contain_text(words)
    assert client.get("/api/products/dropped/revisions").json()[0]["revision"] == 0
    expect(button("Apply these limits")).to_be_enabled()
    with expect_load(page):
        button("Apply these limits").press("Enter")
    expect(
        page.get_by_text("limits for 20 % false alarms, look again at 30 % (Eve)")
    ).to_be_visible()
    button("Revert to revision 0").press("Enter")
    with expect_load(page):
        page.get_by_role("dialog").get_by_role("button", name="Yes").press("Enter")
    expect(page.get_by_text("back to revision 0 (Eve)")).to_be_visible()
    revisions = client.get("/api/products/dropped/revisions").json()
    assert [one["action"] for one in revisions] == ["revert", "calibrate", "fit"]
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch"):
        page.goto("/health")  # which looks anew when it hears the station, and now and then
    page.locator("#health a").first.focus()  # nothing is renewed under one's hands
    check_accessibility(page)
    page.goto("/products")
    check_accessibility(page)

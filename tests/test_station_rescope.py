"""Regions drawn for a product in service: tried, kept as a revision, reverted, learned anew."""

import json
import shutil

import pytest
from browser_parts import (
    Hand,
    check_accessibility,
    console_errors,
    expect,
    expect_load,
    new_context,
)
from commands import golden
from station_parts import open_station, picture, run_station

from goldensample.images.codec import encode_png
from goldensample.masks.drawing import Shape, draw_shapes

ENGINEER, OPERATOR = "an-engineer-s-token", "an-operator-s-token"
ROLES = {ENGINEER: "engineer", OPERATOR: "operator"}
BOX = {"kind": "rectangle", "points": [[0, 0], [26, 48]]}
LABEL = {"kind": "polygon", "points": [[4, 4], [20, 4], [20, 30]]}


def inspect(client, data: bytes, name: str) -> dict:
    return client.post("/api/inspect/part", params={"name": name}, content=data).json()


def inspect_good(client, seeds) -> list[int]:
    """Inspect good parts; return the records of those that were called good."""
    found = [inspect(client, picture(seed), f"{seed}.png") for seed in seeds]
    return [one["id"] for one in found if one["verdict"] == "good"]


@pytest.fixture
def file(product, tmp_path):
    """A product of the test's own, as it changes."""
    return shutil.copy(product, tmp_path / "part.golden")


def score_by_command(file, folder, data: bytes) -> float:
    """Set the same regions with the command, and return a picture's score then."""
    for name, shape in [("look_at", BOX), ("label", LABEL)]:
        mask = draw_shapes([Shape(**shape)], (48, 48))
        (folder / f"{name}.png").write_bytes(encode_png(mask.astype("uint8") * 255))
    zones = {"zones": [{"name": "label", "limit": 3, "mask": "label.png"}]}
    (folder / "zones.json").write_text(json.dumps(zones))
    (folder / "new.png").write_bytes(data)
    options = ["--look-at", folder / "look_at.png", "--zones", folder / "zones.json"]
    done = golden("regions", file, *options)
    assert not done.returncode, done.stderr
    judged = golden("inspect", file, folder / "new.png", "--json")
    return json.loads(judged.stdout.splitlines()[0])["score"]


def test_regions_become_a_revision_with_the_scores_of_the_command(file, tmp_path):
    copy, data = shutil.copy(file, tmp_path / "copy.golden"), picture(400, defect=True)
    with open_station(tmp_path / "kept", file, tokens=ROLES) as client:
        as_role = {"authorization": f"Bearer {ENGINEER}", "x-operator": "Eve"}
        client.headers.update(as_role)
        [number, *others] = inspect_good(client, range(700, 712))
        before = inspect(client, data, "odd.png")
        assert before["verdict"] == "defect"
        zones = [{"name": "label", "limit": 3, "shapes": [LABEL]}]
        drawn = {"picture": number, "look_at": [BOX], "zones": zones, "revision": 0}
        address = "/api/products/part/regions"
        operator = {"authorization": f"Bearer {OPERATOR}"}
        assert client.put(address, json=drawn, headers=operator).status_code == 403
        told = client.post(f"{address}/preview", json=drawn).json()
        assert (told["revision"], told["holds"]) == (0, True)
        assert told["pictures"] == len(client.get("/api/records").json()["records"])
        assert {"before": "defect", "after": "good", "count": 1} in told["moves"]
        assert client.get(address).json()["looked_at"] == 1.0  # nothing is changed by trying
        assert client.put(address, json=drawn).json()["revision"] == 1
        late = client.put(address, json=drawn)
        assert (late.status_code, "look at it again" in late.json()["error"]) == (409, True)
        kept = client.get(address).json()
        assert (kept["zones"], kept["aligned"]) == ({"label": 3.0}, False)
        assert kept["looked_at"] == pytest.approx(26 / 48)
        assert kept["drawn"]["by"] == "Eve"
        assert kept["drawn"]["look_at"][0]["points"] == [[0.0, 0.0], [26.0, 48.0]]
        assert inspect(client, data, "again.png")["score"] == score_by_command(copy, tmp_path, data)
        same = client.post(f"{address}/preview", json={**drawn, "revision": 1})
        assert (same.status_code, "must differ" in same.json()["error"]) == (422, True)
        newest = client.get("/api/products/part/revisions").json()[0]
        assert newest["action"] == "regions"
        assert newest["reason"].startswith("54.2 % of the picture looked at, zone label with 3")
        draft = client.post(f"{address}/draft", json=drawn).json()["draft"]
        begun = client.get(f"/api/drafts/{draft}").json()
        assert len(begun["pictures"]) >= len(others)
        assert begun["regions"]["zones"][0]["name"] == "label"
        on = begun["pictures"][begun["regions"]["picture"]]
        assert on.startswith(f"record-{number}-")
        client.post("/api/products/part/revert", json={"to": 0, "revision": 1})
        assert client.get(address).json()["drawn"] is None
        assert inspect(client, data, "as before.png")["score"] == before["score"]


def test_regions_of_another_product_or_of_no_part_are_refused(file, tmp_path):
    with open_station(tmp_path / "kept", file) as client:
        [number, *_] = inspect_good(client, range(700, 703))
        drawn = {"picture": number, "look_at": [BOX], "revision": 0}
        assert client.put("/api/products/none/regions", json=drawn).status_code == 404
        missing = client.put("/api/products/part/regions", json={**drawn, "picture": 999})
        assert missing.status_code == 404
        tiny = {"kind": "rectangle", "points": [[0, 0], [1, 1]]}
        for wrong in ({"look_at": [tiny]}, {"degrees": 15}):
            refused = client.post("/api/products/part/regions/preview", json={**drawn, **wrong})
            assert refused.status_code == 422, refused.text


def test_regions_of_a_product_are_drawn_in_a_browser(browser, file, tmp_path):
    with (
        run_station(tmp_path / "kept", [file]) as station,
        new_context(browser, base_url=station.url) as context,
    ):
        inspect_good(station.client, range(700, 706))
        inspect(station.client, picture(400, defect=True), "odd.png")
        page = context.new_page()
        errors = console_errors(page)
        page.goto("/products/part")
        with expect_load(page):
            page.get_by_role("link", name="Draw where to look, and zones").click()
        hand = Hand(page, False)
        hand.drag((1, 1), (26, 47))
        expect(page.get_by_role("button", name="Keep it as a revision")).to_be_disabled()
        page.get_by_role("button", name="What would it change?").click()
        tried = page.locator("#tried")
        expect(tried).to_contain_text("would get another verdict")
        expect(tried).to_contain_text("1: defect → good")
        expect(tried).to_contain_text("The limits stay, and so does what they promise.")
        check_accessibility(page)
        page.screenshot(path=tmp_path / "product-regions.png", full_page=True)
        with expect_load(page):
            page.get_by_role("button", name="Keep it as a revision").click()
        expect(page.locator("#regions")).to_contain_text("of the picture.")
        expect(page.get_by_role("cell", name="regions drawn")).to_be_visible()
        check_accessibility(page)
        with expect_load(page):
            page.get_by_role("link", name="Draw where to look, and zones").click()
        expect(page.get_by_role("button", name="Clear")).to_be_enabled()  # as it was drawn
        with expect_load(page):
            page.get_by_role("button", name="Learn anew with it, in Set up").click()
        expect(page.get_by_role("heading", name="Set up: a new product")).to_be_visible()
        assert not errors

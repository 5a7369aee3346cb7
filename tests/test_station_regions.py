"""Regions, zones and a reference drawn in Set up: the same scores as with files by command."""

import io
import json
import zipfile

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
from station_parts import coarse_onnx, picture, run_station, wait

BOX = {"kind": "rectangle", "points": [[4, 4], [44, 40]]}
HOLE = {"kind": "polygon", "points": [[10, 10], [20, 10], [20, 20], [12, 22]]}
ZONE = {"kind": "brush", "width": 12, "points": [[30, 10], [34, 30]]}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Pictures of good parts, in a folder to choose from."""
    folder = tmp_path_factory.mktemp("pictures") / "good"
    folder.mkdir()
    for seed in range(20):
        (folder / f"{seed:02d}.png").write_bytes(picture(seed))
    return folder


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "coarse.onnx"
    path.write_bytes(coarse_onnx())
    return path


@pytest.fixture(scope="module")
def station(good, network, tmp_path_factory):
    options = ["--pictures", str(good.parent), "--backbone", f"onnx:{network}"]
    with run_station(tmp_path_factory.mktemp("regions") / "kept", [], *options) as one:
        one.client.headers.update({"x-operator": "Eve"})
        yield one


def new_draft(client) -> str:
    [offered] = client.get("/api/drafts/folders").json()
    return client.post("/api/drafts", json={"folder": offered["id"]}).json()["draft"]


def put_into_service(client, draft: str, name: str) -> None:
    """Learn from a draft's pictures, and put the product into service."""
    wanted = {"name": name, "false_alarms": 0.1, "review": 0.2}
    client.post(f"/api/drafts/{draft}/fit", json=wanted).raise_for_status()
    wait(lambda: client.get(f"/api/drafts/{draft}").json()["state"] != "fitting")
    told = client.get(f"/api/drafts/{draft}").json()
    assert told["state"] == "ready", told
    client.post(f"/api/drafts/{draft}/service").raise_for_status()


def scores_by_command(folder, good, network, aligned: bool, seeds) -> list[float]:
    """Fit on the same pictures with the files in a folder, and return scores of others."""
    options = ["--backbone", f"onnx:{network}", "--calibration", "split", "--false-alarms", "10%"]
    for option, name in [
        ("look-at", "look_at.png"),
        ("ignore", "ignore.png"),
        ("zones", "zones.json"),
    ]:
        options += [f"--{option}", folder / name] if (folder / name).exists() else []
    options += ["--align", good / "03.png"] if aligned else []
    fitted = golden("fit", good, "-o", folder / "part.golden", "--review", "20%", *options)
    assert not fitted.returncode, fitted.stderr
    new = folder / "new"
    new.mkdir()
    for seed in seeds:
        (new / f"{seed}.png").write_bytes(picture(seed, defect=True))
    judged = golden("inspect", folder / "part.golden", new, "--json")
    return [json.loads(line)["score"] for line in judged.stdout.splitlines() if "score" in line]


@pytest.mark.parametrize("aligned", [False, True])
def test_what_is_drawn_scores_as_the_same_files_by_command(
    station, good, network, tmp_path, aligned
):
    client, draft = station.client, new_draft(station.client)
    zones = [{"name": "label", "limit": 2.5, "shapes": [ZONE]}]
    drawn = {"picture": 3, "look_at": [BOX], "ignore": [HOLE], "zones": zones}
    drawn["degrees"] = 15 if aligned else None
    told = client.put(f"/api/drafts/{draft}/regions", json=drawn).json()
    assert told["by"] == "Eve"
    assert 0.5 < told["looked_at"] < 0.7
    assert client.get(f"/api/drafts/{draft}/regions").json() == told
    files = client.get(f"/api/drafts/{draft}/regions.zip").content
    zipfile.ZipFile(io.BytesIO(files)).extractall(tmp_path)
    name = f"plate{int(aligned)}"
    put_into_service(client, draft, name)
    seeds = range(400, 404)
    scores = [
        client.post(f"/api/inspect/{name}", content=picture(seed, defect=True)).json()["score"]
        for seed in seeds
    ]
    assert scores == scores_by_command(tmp_path, good, network, aligned, seeds)
    changes = client.get("/api/changes", params={"product": name}).json()["changes"]
    words = next(one["words"] for one in changes if one["action"] == "fit")
    assert "zone label with 2.5 times the limit" in words
    assert words.endswith("drawn by Eve")
    assert ("pictures aligned" in words) == aligned


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        ({"look_at": [{"kind": "rectangle", "points": [[0, 0], [48, 48]]}]}, "whole picture"),
        ({"look_at": [HOLE], "ignore": [BOX]}, "must leave something to look at"),
        ({"ignore": [{"kind": "polygon", "points": [[1, 1], [9, 9], [99, 1]]}]}, "on the picture"),
        ({"ignore": [{"kind": "brush", "width": 3, "points": [[99, 99]]}]}, "marks nothing"),
        ({"zones": [{"name": "a", "limit": 0, "shapes": [ZONE]}]}, "limit"),
        ({"zones": [{"name": "a", "limit": 2, "shapes": [ZONE]}] * 2}, "a name of its own"),
        ({"ignore": [{**ZONE, "points": [[0, 0]] * 2001}]}, "2000"),
        ({"degrees": 5}, "degrees"),
    ],
)
def test_what_cannot_be_is_refused_in_words(station, drawn, words):
    draft = new_draft(station.client)
    refused = station.client.put(f"/api/drafts/{draft}/regions", json={"picture": 0, **drawn})
    assert refused.status_code == 422
    assert words in refused.json()["error"]
    assert "/tmp" not in refused.json()["error"]
    assert station.client.get(f"/api/drafts/{draft}/regions").status_code == 404
    station.client.delete(f"/api/drafts/{draft}").raise_for_status()


def test_regions_zones_and_reference_are_drawn_in_a_browser(browser, station, tmp_path):
    client, draft = station.client, new_draft(station.client)
    with new_context(browser, base_url=station.url) as context:
        page = context.new_page()
        errors = console_errors(page)
        page.goto(f"/setup/{draft}")
        expect(page.get_by_text("The whole picture, by one limit")).to_be_visible()
        with expect_load(page):
            page.get_by_role("link", name="Draw where to look").click()
        hand = Hand(page, False)
        hand.drag((4, 4), (44, 40))
        with expect_load(page):
            page.get_by_label("Picture to draw on").select_option("05.png")
        expect(page.locator(".stage .name")).to_have_text("05.png")  # what was drawn comes along
        page.get_by_label("what to leave out").check()
        hand.drag((10, 10), (20, 20))
        page.get_by_role("button", name="Add a zone").click()
        page.get_by_label("Zone", exact=True).fill("label")
        page.get_by_label("Limit, times that elsewhere").fill("2.5")
        page.get_by_role("button", name="Keep it").click()
        expect(page.locator("#said")).to_contain_text("Draw the zone label on the picture")
        page.get_by_role("button", name="Brush", exact=True).click()
        hand.drag((30, 10), (34, 30))
        page.get_by_label("Turn and shift every picture").select_option("15")
        check_accessibility(page)
        page.screenshot(path=tmp_path / "regions.png", full_page=True)
        with expect_load(page):
            page.get_by_role("button", name="Keep it").click()
        expect(page.get_by_text("Zone label: 2.5 times the limit elsewhere.")).to_be_visible()
        check_accessibility(page)
        kept = client.get(f"/api/drafts/{draft}/regions").json()
        assert (kept["picture"], kept["degrees"]) == (5, 15)
        assert [one["kind"] for one in kept["look_at"] + kept["ignore"]] == ["rectangle"] * 2
        with expect_load(page):
            page.get_by_role("link", name="Draw where to look").click()
        page.get_by_role("button", name="Remove").click()
        page.get_by_role("button", name="Clear").click()
        with expect_load(page):
            page.get_by_role("button", name="Keep it").click()
        assert not errors
    kept = client.get(f"/api/drafts/{draft}/regions").json()
    assert (kept["look_at"], len(kept["ignore"]), kept["zones"]) == ([], 1, [])

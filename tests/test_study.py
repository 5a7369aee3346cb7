"""Studies of appraisers: a blind sample by command, and at the station by API and in a browser."""

import csv
import io
import json

import pytest
from browser_parts import check_accessibility, console_errors, expect, expect_load, new_context
from commands import golden
from conftest import part
from PIL import Image
from station_parts import open_station, run_station

from goldensample.datasets.items import make_item
from goldensample.qualification.blind import CALLS, KEY, PICTURES, Sample, draw, order, read_sample
from goldensample.report import pdf_pages

ENGINEER, OPERATOR = "an-engineer-s-token", "an-operator-s-token"
ADDRESS = "/api/products/part/studies"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folders of good parts and of defects, with equal names in both."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, defect in (("good", False), ("dents", True)):
        (folder / name).mkdir()
        for seed in range(8):
            path = folder / name / f"{seed}.png"
            Image.fromarray(part(800 + seed, defect=defect)).save(path)
    return folder


def items(count: int, kind: str, tmp_path):
    return [make_item(f"{kind}{k}", tmp_path / f"{k}.png", kind) for k in range(count)]


def test_a_sample_is_shuffled_by_its_seed_and_half_of_it_defects(tmp_path):
    good, defects = items(40, "good", tmp_path), items(30, "dent", tmp_path)
    drawn = draw(good, defects, 30, 1)
    assert sum(item.defect for item in drawn) == 15
    assert len({item.name for item in drawn}) == 30
    assert drawn == draw(good, defects, 30, 1) != draw(good, defects, 30, 2)
    flags = [item.defect for item in drawn]
    assert flags not in (sorted(flags), sorted(flags, reverse=True))
    assert sum(item.defect for item in draw(good, defects[:4], 30, 1)) == 4
    for count, bad in ((5, defects), (80, defects), (20, [])):
        with pytest.raises(ValueError, match="a sample must have"):
            draw(good, bad, count, 0)
    sample = Sample({f"{k:03}": item for k, item in enumerate(drawn, 1)}, 7)
    orders = [order(sample, who, trial) for who in ("Ann", "Bo") for trial in (1, 2)]
    assert all(sorted(one) == list(sample.items) for one in orders)
    assert len({tuple(one) for one in orders}) == 4
    assert orders[0] == order(sample, "Ann", 1)


@pytest.mark.skipif(not pdf_pages.found_fonts("en"), reason="no fonts (fonts-dejavu)")
def test_a_sample_by_command_is_called_and_qualified(product, pictures, tmp_path):
    folder = tmp_path / "study"
    given = ["--good", pictures / "good", "--defects", pictures / "dents"]
    ran = golden("qualify", product, *given, "--draw-sample", 12, "--seed", 3, "-o", folder)
    assert ran.returncode == 0, ran.stderr
    names = sorted(path.name for path in (folder / PICTURES).iterdir())
    assert names == [f"{number:03}.png" for number in range(1, 13)]
    assert {path.name for path in folder.iterdir()} == {PICTURES, KEY, CALLS}
    with (folder / CALLS).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["appraiser", "part", "trial", "call"]  # nothing tells what it is
    sample = read_sample(folder)
    with (folder / CALLS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        for row in rows:
            called = "defect" if sample.items[row["part"]].defect else "good"
            writer.writerow(["Kim", row["part"].lstrip("0"), 1, called])
    out = tmp_path / "out"
    calls = ["--appraisals", folder / CALLS, "--sample", folder, "--no-synthetic"]
    ran = golden("qualify", product, *given, *calls, "-o", out)
    assert ran.returncode == 0, ran.stderr
    values = json.loads((out / "qualification.json").read_text(encoding="utf-8"))["agreement"]
    assert values["Kim"]["kappa"] == 1
    assert values["the inspection"]["parts"] == 12
    again = golden("qualify", product, *given, "--draw-sample", 12, "-o", folder)
    assert "must be a new folder" in again.stderr
    wrong = golden("qualify", product, *given, "--appraisals", folder / CALLS, "--sample", out,
                   "-o", out)  # fmt: skip
    assert "--draw-sample has written" in wrong.stderr
    alone = golden("qualify", product, *given, "--sample", folder, "-o", out)
    assert "must go with --appraisals" in alone.stderr


def begin(client, trials: int = 2) -> str:
    """Begin a study, and return its address."""
    offered = {one["name"]: one["id"] for one in client.get("/api/drafts/folders").json()}
    wanted = {"good": offered["good"], "defects": offered["dents"], "parts": 10, "trials": trials}
    return f"{ADDRESS}/{client.post(ADDRESS, json=wanted).raise_for_status().json()['id']}"


def test_appraisers_call_blind_and_results_wait_for_the_end(product, pictures, tmp_path):
    tokens = {ENGINEER: "engineer", OPERATOR: "operator"}
    with open_station(tmp_path / "s", product, tokens=tokens, pictures=pictures) as client:
        eve = {"authorization": f"Bearer {ENGINEER}", "x-operator": "Eve"}
        ann, bo, nobody = (
            {"authorization": f"Bearer {OPERATOR}", "x-operator": name}
            for name in ("Ann", "Bo", "")
        )
        client.headers.update(eve)
        at = begin(client)
        assert client.post(ADDRESS, json={}, headers=ann).status_code == 403
        assert client.get(f"{at}/turn", headers=nobody).status_code == 422
        first = client.get(f"{at}/turn", headers=ann).json()
        assert (first["trial"], first["done"], first["total"]) == (1, 0, 20)
        shown = client.get(f"{at}/pictures/{first['part']}", headers=ann)
        assert shown.headers["content-type"] == "image/jpeg"
        assert "etag" not in shown.headers
        assert client.get(f"{at}/pictures/999", headers=ann).status_code == 404
        call = {"part": first["part"], "trial": 1, "call": "good"}
        second = client.post(f"{at}/calls", json=call, headers=ann).json()
        assert second["done"] == 1
        assert client.post(f"{at}/calls", json=call, headers=ann).status_code == 409
        assert client.delete(f"{at}/calls/last", headers=ann).json() == first
        turns = {}
        for who in (ann, bo):
            turn, turns[who["x-operator"]] = client.get(f"{at}/turn", headers=who).json(), []
            while turn["part"]:
                turns[who["x-operator"]].append(turn["part"])
                number = int(turn["part"])
                call = {"part": turn["part"], "trial": turn["trial"]}
                call["call"] = "defect" if number % 2 or who is bo else "good"
                turn = client.post(f"{at}/calls", json=call, headers=who).json()
        assert turns["Ann"] != turns["Bo"]
        assert turns["Ann"][:10] != turns["Ann"][10:]
        assert client.get(ADDRESS, headers=bo).json()[0]["appraisers"] == {"Bo": 20}
        assert client.get(ADDRESS).json()[0]["appraisers"] == {}
        assert client.get(f"{at}/calls.csv").status_code == 409
        assert "numbered pictures to call, blind" in client.get("/inbox", headers=ann).text
        assert client.post(f"{at}/close", headers=ann).status_code == 403
        assert client.post(f"{at}/close").json()["appraisers"] == {"Ann": 20, "Bo": 20}
        assert client.post(f"{at}/calls", json=call, headers=ann).status_code == 409
        rows = list(csv.DictReader(io.StringIO(client.get(f"{at}/calls.csv").text)))
        assert len(rows) == 40
        assert {row["reference"] for row in rows} == {"good", "defect"}
        page = client.get(f"/products/part/studies/{at.rsplit('/', 1)[1]}")
        assert "Fleiss" in page.text
        assert "none: one class alone was called" in page.text  # of Bo
        assert client.get("/products/part/studies/none").status_code == 404


@pytest.mark.parametrize(("language", "done"), [("en", "Thank you"), ("ko", "감사합니다")])
def test_a_study_in_a_browser_survives_a_reload(
    browser, product, pictures, tmp_path, language, done
):
    options = ["--pictures", str(pictures), "--language", language]
    with run_station(tmp_path / "station", [product], *options) as one:
        begin(one.client)
        context = new_context(browser, base_url=one.url)
        page = context.new_page()
        errors = console_errors(page)
        page.goto("/inbox")
        with expect_load(page):
            page.locator(".notice a").click()
        page.locator("#operator-name").fill("Ann")
        with expect_load(page):
            page.locator("#name-form button").click()
        count = page.locator("#study-count")
        expect(count).to_contain_text("20")
        check_accessibility(page)
        shown = page.locator("#study-picture")
        first = shown.get_attribute("src")
        page.keyboard.press("d")
        expect(page.locator("#study-bar")).to_have_js_property("value", 1)
        page.keyboard.press("z")
        expect(page.locator("#study-bar")).to_have_js_property("value", 0)
        expect(shown).to_have_attribute("src", first)
        for number in range(1, 6):
            page.keyboard.press("d" if number % 2 else "g")
            expect(page.locator("#study-bar")).to_have_js_property("value", number)
        page.screenshot(path=tmp_path / "study.png", full_page=True)
        page.reload()
        expect(page.locator("#study-bar")).to_have_js_property("value", 5)
        for number in range(6, 21):
            page.locator("[data-answer=good]").click()
            expect(page.locator("#study-bar")).to_have_js_property("value", number)
        expect(page.locator("#study-done")).to_contain_text(done)
        page.goto("/products/part/qualification")
        with expect_load(page):
            page.locator("[data-close]").click()
        expect(page.locator(".since table")).to_be_visible()
        check_accessibility(page)
        assert not errors
        context.close()

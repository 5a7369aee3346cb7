"""A product that has learned pictures no longer judges what is missing, and its pages say so."""

from pathlib import Path

import pytest
from conftest import fit, part
from station_parts import picture, run_station

from goldensample import PatchCore, Preparation, save
from goldensample.records import Picture

TEXTS = {
    "en": ("is not judged", "Judged by odd places alone"),
    "de": ("wird nicht beurteilt", "Nur nach auffälligen Stellen beurteilt"),
}


@pytest.fixture(scope="module")
def station(tiny, tmp_path_factory):
    """A station whose product judges what its pictures are composed of, too."""
    folder: Path = tmp_path_factory.mktemp("composed")
    inspector = fit(
        [Picture(f"good{seed}.png", part(seed)) for seed in range(60)],
        backbone=tiny,
        method=PatchCore(coreset=0.05, composition="on"),
        preparation=Preparation((48, 48)),
        calibration="split",
    )
    save(inspector, folder / "part.golden")
    with run_station(folder / "kept", [folder / "part.golden"]) as one:
        yield one


def inspect(station, name: str, defect: bool = False) -> dict:
    data = picture(300 + defect, defect=defect)
    answer = station.client.post("/api/inspect/part", params={"name": name}, content=data)
    assert answer.status_code == 200
    return answer.json()


def silent(station) -> bool:
    (product,) = station.client.get("/api/products").json()
    return product["composition_silent"]


def check_warned(browser, station, address: str) -> None:
    """Check that "good" asks before anything is learned, and learns nothing after a No."""
    from browser_parts import check_accessibility, console_errors, expect, new_context

    for language, words in (("en", "no longer does"), ("de", "nicht mehr")):
        with new_context(browser, base_url=station.url, locale=language) as context:
            page = context.new_page()
            complaints = console_errors(page)
            page.goto(address)
            page.locator("[data-answer=good]").click()
            page.locator("#who-dialog #asked-name").fill("Anna")
            page.locator("#who-dialog button[value=yes]").click()
            page.locator("#far-dialog button[value=yes]").click()  # it is far over the limit, too
            expect(page.locator("#silence-dialog")).to_be_visible()
            expect(page.locator("#silence-dialog")).to_contain_text(words)
            check_accessibility(page)
            page.locator("#silence-dialog button[value=no]").click()
            expect(page.locator("#silence-dialog")).to_be_hidden()
            assert not silent(station)
            assert not complaints


def test_learned_pictures_silence_the_composition_and_it_is_said(station, browser):
    from browser_parts import check_accessibility, console_errors, new_context

    before, odd = inspect(station, "before.png"), inspect(station, "odd.png", defect=True)
    assert (before["verdict"], odd["verdict"]) == ("good", "defect")
    assert not silent(station)
    for path in ("/products/part", f"/records/{before['id']}"):
        assert 'id="silent"' not in station.client.get(path).text
    for address in (f"/records/{odd['id']}", "/inbox?product=part"):
        check_warned(browser, station, address)
    told = {"record": odd["id"], "answer": "good"}
    answer = station.client.post("/api/feedback", json=told).json()
    assert answer["revision"] == 1
    assert silent(station)
    after = inspect(station, "after.png")
    assert after["verdict"] == "good"
    for language, (of_product, of_record) in TEXTS.items():
        with new_context(browser, base_url=station.url, locale=language) as context:
            page = context.new_page()
            complaints = console_errors(page)
            page.goto("/products/part")
            assert of_product in page.locator("#silent").inner_text()
            check_accessibility(page)
            page.goto(f"/records/{after['id']}")
            assert of_record in page.locator("#silent").inner_text()
            page.goto(f"/records/{before['id']}")  # it was judged then
            assert not page.locator("#silent").count()
            assert not complaints
    station.client.delete(f"/api/feedback/{answer['id']}")
    assert not silent(station)
    assert 'id="silent"' not in station.client.get("/products/part").text

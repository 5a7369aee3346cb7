"""Qualifications at the station: made in the background, kept, told when they are out of date."""

import shutil
from pathlib import Path
from typing import get_args

import pytest
from browser_parts import check_accessibility, console_errors, expect, expect_load, new_context
from conftest import part
from PIL import Image
from station_parts import picture, run_station, wait

from goldensample.locales.language import LANGUAGES
from goldensample.qualification.files import FILES
from goldensample.report import pdf_pages
from goldensample.station.web.qualification_api import FileName, QualificationRequest

ENGINEER, OPERATOR = "an-engineer-s-token", "an-operator-s-token"
pytestmark = pytest.mark.skipif(
    not pdf_pages.found_fonts("en"), reason="no font where fonts usually lie (fonts-dejavu)"
)
ADDRESS = "/api/products/part/qualifications"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folders of good parts and of defects."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, defect in (("tuesday", False), ("dents", True)):
        (folder / name).mkdir()
        for seed in range(12):
            path = folder / name / f"{seed}.png"
            Image.fromarray(part(700 + seed, defect=defect)).save(path)
    return folder


@pytest.fixture
def file(product, tmp_path):
    return shutil.copy(product, tmp_path / "part.golden")


def folders(client) -> dict[str, str]:
    """Return the ids of the folders that the station offers, by their names."""
    return {one["name"]: one["id"] for one in client.get("/api/drafts/folders").json()}


def newest(client):
    """Return the newest qualification once it has ended, else None."""
    one = client.get(ADDRESS).json()[0]
    return one if one["state"] != "working" else None


def test_the_api_offers_what_is_written():
    assert set(get_args(FileName)) == set(FILES)
    assert set(get_args(QualificationRequest.model_fields["language"].annotation)) == set(LANGUAGES)


def test_a_qualification_is_made_kept_and_out_of_date_after_a_revision(file, pictures, tmp_path):
    options = ["--pictures", str(pictures), "--token", f"engineer:{ENGINEER}"]
    options += ["--token", f"operator:{OPERATOR}"]
    with run_station(tmp_path / "station", [file], *options) as one:
        client = one.client
        client.headers.update({"authorization": f"Bearer {ENGINEER}", "x-operator": "Eve"})
        offered = folders(client)
        wanted = {"good": offered["tuesday"], "defects": offered["dents"], "language": "de"}
        as_operator = {"authorization": f"Bearer {OPERATOR}"}
        assert client.post(ADDRESS, json=wanted, headers=as_operator).status_code == 403
        refused = client.post(ADDRESS, json={"good": offered["tuesday"]})
        assert refused.status_code == 422
        assert "nobody has called a part" in refused.json()["error"]
        unknown = client.post(ADDRESS, json={**wanted, "good": "0" * 32})
        assert "must be one that is offered" in unknown.json()["error"]
        assert client.get(ADDRESS).json() == []
        begun = client.post(ADDRESS, json=wanted).json()
        assert (begun["state"], begun["by"], begun["good"]) == ("working", "Eve", "tuesday")
        made = wait(lambda: newest(client))
        assert made["state"] == "ready", made["error"]
        at = f"{ADDRESS}/{made['id']}"
        assert client.get(f"{at}/qualification.pdf").content.startswith(b"%PDF")
        paper = client.get(f"{at}/qualification.html", headers=as_operator)
        assert 'lang="de"' in paper.text
        assert "attachment" in paper.headers["content-disposition"]
        figures = client.get(f"{at}/qualification.json").json()
        assert figures["false_alarms"]["good"] == 12
        assert figures["detection"]["defects"] == 12
        assert client.get(f"{at}/part.golden").status_code == 422
        assert client.get(f"{ADDRESS}/other/qualification.pdf").status_code == 404
        kept = list((tmp_path / "station/qualifications/part").glob("*/*"))
        assert {path.name for path in kept} == {*FILES, "made.json", "fit.log"}
        page = client.get("/products/part/qualification").text
        assert "is of the file in use, revision 0" in page
        record = client.post("/api/inspect/part", content=picture(310, defect=True)).json()
        client.post("/api/feedback", json={"record": record["id"], "answer": "good"})
        page = client.get("/products/part/qualification").text
        assert "was made for an earlier file</b>, revision 0; revision 1 is in use" in page
        assert (
            "Qualify</h2>"
            not in client.get("/products/part/qualification", headers=as_operator).text
        )
        client.post("/api/feedback", json={"record": record["id"], "answer": "defect"})
        client.post(ADDRESS, json={"good": offered["tuesday"]}).raise_for_status()
        made = wait(lambda: newest(client))
        assert (made["state"], made["defects"]) == ("ready", "")


def test_a_kill_leaves_words_and_a_cancel_does(file, pictures, tmp_path):
    folder = tmp_path / "station"
    with run_station(folder, [file], "--pictures", str(pictures)) as one:
        offered = folders(one.client)
        wanted = {"good": offered["tuesday"], "defects": offered["dents"]}
        one.client.post(ADDRESS, json=wanted).raise_for_status()
        assert one.client.post(ADDRESS, json=wanted).status_code == 409
        one.client.post(f"{ADDRESS}/cancel", json={}).raise_for_status()
        assert newest(one.client)["error"] == "it was cancelled"
        one.client.post(ADDRESS, json=wanted).raise_for_status()
        one.kill()
    with run_station(folder, [file], "--pictures", str(pictures)) as one:
        assert newest(one.client)["error"] == "the station stopped meanwhile"


@pytest.mark.parametrize(("language", "words"), [("en", "Qualify"), ("de", "Qualifizieren")])
def test_an_engineer_qualifies_in_a_browser(browser, file, pictures, tmp_path, language, words):
    options = ["--pictures", str(pictures), "--language", language]
    with run_station(tmp_path / "station", [file], *options) as one:
        for seed in range(900, 970):
            one.client.post("/api/inspect/part", content=picture(seed)).raise_for_status()
        context = new_context(browser, accept_downloads=True, base_url=one.url)
        page = context.new_page()
        errors = console_errors(page)
        page.goto("/products/part")
        with expect_load(page):
            page.get_by_role("link", name="Qualifi").click()
        check_accessibility(page)
        page.locator("#good").select_option(label="tuesday (12)")
        page.locator("#defects").select_option(label="dents (12)")
        page.locator("#mm").fill("0,05")
        page.locator("#make").get_by_role("button", name=words).click()
        expect(page.locator("tr.used a").first).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("link", name="Excel").click()
        assert Path(download.value.path()).read_bytes().startswith(b"PK")
        expect(page.locator(".since svg").first).to_be_visible()
        check_accessibility(page)
        page.screenshot(path=tmp_path / "page.png", full_page=True)
        assert not errors
        context.close()

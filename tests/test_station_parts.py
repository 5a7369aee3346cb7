"""Parts of several views at the station: one request, one verdict, all of it kept or nothing."""

import sys
import threading
from contextlib import suppress

import httpx
import pytest
from browser_parts import axe, console_errors, expect, new_context
from commands import golden_in_process
from part_files import VIEWS, form, post_part, view_files
from station_parts import open_station, run_station, wait

from goldensample.station.records.parts import INTERRUPTED


def test_a_part_is_one_request_and_one_verdict(bracket, tmp_path):
    with open_station(tmp_path / "station", bracket) as client:
        products = [one["product"] for one in client.get("/api/products").json()]
        assert products == list(VIEWS)
        good = post_part(client, view_files(20), serial="A20", job="7")
        assert good.status_code == 200, good.text
        good = good.json()
        assert (good["verdict"], good["serial"], good["job"]) == ("good", "A20", "7")
        odd = post_part(client, dict(reversed(view_files(3, "left").items())), serial="A3").json()
        assert (odd["verdict"], odd["view"]) == ("defect", "left")
        assert list(odd["views"]) == list(VIEWS)
        for view, one in odd["views"].items():
            assert (one["part"], one["view"], one["serial"]) == (odd["id"], view, "A3")
            assert one["product"] == view
        assert client.get(f"/api/parts/bracket/{odd['id']}").json() == odd
        listed = client.get("/api/parts/bracket", params={"serial": "A20"}).json()["parts"]
        assert [one["id"] for one in listed] == [good["id"]]
        assert not client.get("/api/parts/bracket", params={"job": "8"}).json()["parts"]
        found = client.get("/api/records", params={"text": "A20"}).json()["records"]
        assert {one["view"] for one in found} == set(VIEWS)
        assert "A20" in client.get("/history?text=A20").text


def test_what_is_missing_or_broken_is_an_error_and_is_kept(bracket, tmp_path):
    with open_station(tmp_path / "station", bracket) as client:
        without = post_part(client, view_files(20, without="left"), serial="B1")
        assert without.status_code == 422
        assert (without.json()["verdict"], without.json()["note"]) == (
            "error",
            "view left missing",
        )
        views = without.json()["views"]
        assert [one["verdict"] == "error" for one in views.values()] == [False, True, False]
        assert (views["left"]["note"], views["left"]["serial"]) == ("view left missing", "B1")
        assert client.get(f"/records/{views['left']['id']}").is_success
        assert "B1_left" in client.get("/history?verdict=error").text
        broken = post_part(client, {**view_files(20), "left": b"no picture"}).json()
        assert broken["verdict"] == "error"
        assert broken["note"].startswith("view left: cannot read")
        assert broken["views"]["left"]["verdict"] == "error"
        none = client.post("/api/parts/bracket", files=[("left", ("left.png", b""))]).json()
        assert "view top missing" in none["note"]
        kept = client.get("/api/parts/bracket").json()["parts"]
        assert [one["verdict"] for one in kept] == ["error"] * 3


def test_a_form_of_other_views_is_refused_and_says_why(bracket, tmp_path):
    with open_station(tmp_path / "station", bracket) as client:
        for files in (
            [("side", ("a.png", b"x"))],
            [*form(view_files(20)), ("top", ("b.png", b"x"))],
        ):
            refused = client.post("/api/parts/bracket", files=files)
            assert refused.status_code == 422
            assert "must be named as a view, top, left, under, each once" in refused.json()["error"]
        alone = client.post("/api/parts/bracket", content=b"x")
        assert "-F VIEW=@FILE" in alone.json()["error"]
        assert client.post("/api/parts/none", content=b"x").status_code == 404
        kept = client.get("/api/parts/bracket").json()["parts"]
        assert [one["verdict"] for one in kept] == ["error"] * 3
        records = client.get("/api/records").json()["records"]
        assert [(one["verdict"], one["view"]) for one in records] == [
            ("error", view) for view in reversed(VIEWS)
        ] * 3
        assert "-F VIEW=@FILE" in records[0]["note"]
        assert not list((tmp_path / "station/pictures/coming").iterdir())


def test_a_view_that_learned_takes_the_rate_from_the_part_and_says_so(bracket, tmp_path):
    with open_station(tmp_path / "station", bracket) as client:
        first = post_part(client, view_files(3, "left")).json()
        assert first["note"] == ""
        said = {"record": first["views"]["left"]["id"], "answer": "good"}
        assert client.post("/api/feedback", json=said).is_success
        second = post_part(client, view_files(20)).json()
        assert "changed since the part's limits were set" in second["note"]
        assert "view left" in second["note"]


def test_a_single_picture_has_a_serial_number_too(bracket, tmp_path):
    with open_station(tmp_path / "station", bracket) as client:
        data = view_files(20)["top"]
        answer = client.post("/api/inspect/top?serial=C1&job=9", content=data).json()
        assert (answer["serial"], answer["job"], answer["part"]) == ("C1", "9", None)
        assert "C1" in client.get("/api/records.csv").text


def test_a_part_that_is_late_is_answered_in_time_and_its_views_follow(bracket, tmp_path):
    with open_station(tmp_path / "station", bracket, deadline_s=0.001) as client:
        late = post_part(client, view_files(20), serial="L1")
        assert (late.status_code, late.json()["verdict"]) == (422, "error")
        assert "late: no verdict within 1 ms" in late.json()["note"]
        number = late.json()["id"]

        def stored() -> list[dict]:
            records = client.get("/api/records").json()["records"]
            return [one for one in records if one["score"] is not None]

        wait(lambda: len(stored()) == 3)
        assert {(one["part"], one["view"]) for one in stored()} == {(number, v) for v in VIEWS}
        assert client.get(f"/api/parts/bracket/{number}").json()["verdict"] == "error"
        assert client.get(f"/records/{stored()[0]['id']}").is_success
        wait(lambda: not list((tmp_path / "station/pictures/coming").iterdir()))


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such signals")
def test_parts_are_kept_whole_or_answered_as_interrupted(bracket, tmp_path):
    answered: dict[str, dict] = {}

    def use(client: httpx.Client, number: int, seed: int) -> None:
        with suppress(httpx.TransportError):
            for turn in range(1000):
                serial = f"{seed}-{number}-{turn}"
                files = view_files(30 + turn % 5, "left" if turn % 3 == 2 else "")
                answer = post_part(client, files, serial=serial)
                if answer.status_code == 200:
                    answered[serial] = answer.json()

    folder, interrupted = tmp_path / "station", 0
    for seed in range(6):
        before = len(answered)
        with run_station(folder, [bracket]) as station:
            threads = [
                threading.Thread(target=use, args=(station.client, number, seed))
                for number in range(3)
            ]
            for thread in threads:
                thread.start()
            wait(lambda before=before, seed=seed: len(answered) >= before + 2 + seed)
            station.kill()
            for thread in threads:
                thread.join()
    with run_station(folder, [bracket]) as station:
        parts = station.client.get("/api/parts/bracket?limit=1000").json()["parts"]
        by_serial = {one["serial"]: one for one in parts}
        assert set(answered) <= set(by_serial)
        for serial, one in by_serial.items():
            whole = station.client.get(f"/api/parts/bracket/{one['id']}").json()
            if serial in answered:
                assert whole == answered[serial]
            if one["verdict"] == "error":
                assert one["note"] == INTERRUPTED
                assert {v["note"] for v in whole["views"].values()} == {INTERRUPTED}
                interrupted += 1
            assert list(whole["views"]) == list(VIEWS)
            if one["verdict"] != "error":
                for view in whole["views"].values():
                    picture = station.client.get(f"/api/records/{view['id']}/picture")
                    assert picture.status_code == 200
        assert interrupted
        words = [one["words"] for one in station.client.get("/api/changes").json()["changes"]]
        assert any("under way when the station stopped" in one for one in words)
        records = station.client.get("/api/records?limit=1000").json()["records"]
        assert len(records) == 3 * len(parts)


def test_pages_show_the_whole_part(browser, bracket, tmp_path):
    with (
        run_station(tmp_path / "station", [bracket]) as station,
        new_context(browser, base_url=station.url) as context,
    ):
        odd = post_part(station.client, view_files(3, "left"), serial="A3").json()
        with context.new_page() as page:
            said = console_errors(page)
            page.goto("/?product=top")
            expect(page.locator(".side > .verdict.large")).to_have_text("DEFECT")
            expect(page.locator("#newest .stage .name")).to_have_text("A3_left")
            whole = page.locator(".whole")
            expect(whole.get_by_role("heading")).to_contain_text("Part A3")
            expect(whole.locator("li bdi")).to_have_text(list(VIEWS))
            expect(whole.locator("a[aria-current]")).to_contain_text("looks oddest")
            good = post_part(station.client, view_files(20), serial="A20").json()
            expect(whole.get_by_role("heading")).to_contain_text("Part A20")
            expect(page.locator(".side > .verdict.large")).to_have_text("GOOD")
            whole.locator("li a").nth(2).click()
            expect(page).to_have_url(
                f"{station.url}/records/{good['views']['under']['id']}?product=under"
            )
            expect(page.locator(".whole a[aria-current] bdi")).to_have_text("under")
            expect(page.locator("dd", has_text="A20").first).to_be_visible()
            assert axe.Axe().run(page).violations_count == 0
            page.goto(f"/inbox?product=left&record={odd['views']['left']['id']}")
            expect(page.locator(".whole li bdi")).to_have_text(list(VIEWS))
            page.goto("/history?text=A3")
            expect(page.locator("table.history tbody tr")).to_have_count(3)
            assert said == []


def test_the_report_opens_in_a_browser(browser, bracket, tmp_path):
    for serial, seed, defect in (("A3", 3, "left"), ("A20", 20, "")):
        for view, data in view_files(seed, defect).items():
            (tmp_path / f"{serial}_{view}.png").write_bytes(data)
    words = ("part", "inspect", bracket, tmp_path / "*.png", "--report", tmp_path / "report")
    golden_in_process(*words)
    with new_context(browser) as context, context.new_page() as page:
        said = console_errors(page)
        page.goto((tmp_path / "report/report.html").as_uri())
        first = page.locator("section.part").first
        expect(first.get_by_role("heading", level=2)).to_contain_text("A3")
        boxes = [item.bounding_box() for item in first.locator("ol.cards > li").all()]
        assert len(boxes) == 3
        assert boxes[0]["width"] > 1.5 * boxes[1]["width"]
        assert boxes[1]["x"] > boxes[0]["x"]
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert said == []

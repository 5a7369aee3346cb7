"""Parts on the pages: among the products, in tables, and one answer for a part."""

import csv
import io

import pytest
from browser_parts import axe, console_errors, expect, new_context
from part_files import VIEWS, post_part, view_files
from station_parts import open_station, run_station, wait


def waiting(client, product: str) -> int:
    return client.get("/api/counts", params={"product": product}).json()["waits"]


def revisions(client) -> dict[str, int]:
    return {one["product"]: one["revision"] for one in client.get("/api/products").json()}


def test_a_table_has_a_row_a_part(bracket, tmp_path):
    with open_station(tmp_path / "kept", bracket) as client:
        post_part(client, view_files(20), serial="A20", job="7")
        odd = post_part(client, view_files(3, "left"), serial="=A3").json()
        post_part(client, view_files(20, without="left"), serial="B1")
        text = client.get("/api/parts/bracket/table.csv").text
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["serial"] for row in rows] == ["B1", "'=A3", "A20"]
        assert [row["verdict"] for row in rows] == ["error", "defect", "good"]
        assert rows[1]["left_verdict"] == "defect"
        assert int(rows[1]["left_record"]) == odd["views"]["left"]["id"]
        assert float(rows[1]["left_score"]) == odd["views"]["left"]["score"]
        assert (rows[0]["left_verdict"], rows[0]["left_score"]) == ("error", "")
        assert rows[0]["note"] == "view left missing"
        some = client.get("/api/parts/bracket/table.csv?text=A20").text
        assert [row["job"] for row in csv.DictReader(io.StringIO(some))] == ["7"]
        assert client.get("/api/parts/none/table.csv").status_code == 404
        assert (
            "/api/parts/bracket/table.csv?product=left" in client.get("/history?product=left").text
        )


def test_one_answer_is_for_the_part_and_each_view_learns_for_itself(bracket, tmp_path):
    with open_station(tmp_path / "kept", bracket) as client:
        odd = post_part(client, view_files(3, "left")).json()
        address = f"/api/parts/bracket/{odd['id']}/feedback"
        suspects = [v for v in VIEWS if odd["views"][v]["verdict"] != "good"]
        assert "left" in suspects
        for body, words in (
            ({"answer": "defect"}, "got none"),
            (
                {"answer": "defect", "views": ["side"]},
                "a defect must be shown by a view of the part",
            ),
        ):
            refused = client.post(address, json=body)
            assert refused.status_code == 422
            assert words in refused.json()["error"]
        saved = client.post(address, json={"answer": "defect", "views": ["left"]}).json()
        said = {one["record"]: one["answer"] for one in saved}
        assert said[odd["views"]["left"]["id"]] == "defect"
        assert set(said.values()) <= {"defect", "unsure"}, "nothing is learned of the others"
        assert all(waiting(client, view) == 0 for view in VIEWS)
        for one in saved:
            assert client.delete(f"/api/feedback/{one['id']}").is_success
        assert waiting(client, "left") == 1
        before = revisions(client)
        saved = client.post(address, json={"answer": "good"}).json()
        assert {one["answer"] for one in saved} == {"good"}
        assert len(saved) == 3
        after = revisions(client)
        changed = {view for view in VIEWS if after[view] != before[view]}
        assert changed == set(suspects), "each view that was called odd has learned its picture"
        assert (
            client.post("/api/parts/bracket/99/feedback", json={"answer": "good"}).status_code
            == 404
        )


def test_an_answer_that_one_view_cannot_learn_is_kept_for_none(bracket, tmp_path):
    with open_station(tmp_path / "kept", bracket) as client:
        both = {**view_files(3, "left"), "under": view_files(3, "under")["under"]}
        odd = post_part(client, both).json()
        assert odd["views"]["under"]["verdict"] == odd["views"]["left"]["verdict"] == "defect"
        before = revisions(client)
        (bracket.parent / "under.golden").write_bytes(b"damaged")
        refused = client.post(f"/api/parts/bracket/{odd['id']}/feedback", json={"answer": "good"})
        assert not refused.is_success
        for view in VIEWS:
            record = client.get(f"/api/records/{odd['views'][view]['id']}").json()
            assert record["answer"] is None, view
        assert waiting(client, "left") == waiting(client, "under") == 1
        assert revisions(client)["top"] == before["top"]


def test_parts_in_the_folder_of_the_station_are_served(bracket, tmp_path):
    folder = tmp_path / "kept"
    bracket.parent.rename(tmp_path / "products")
    folder.mkdir()
    (tmp_path / "products").rename(folder / "products")
    with run_station(folder, []) as station:
        assert post_part(station.client, view_files(20), serial="A20").json()["verdict"] == "good"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "A part of 3 views",
                "Where is the defect, if it is one?",
                "view under missing",
                "defect",
            ),
        ),
        (
            "de",
            (
                "Ein Teil mit 3 Ansichten",
                "Wo ist der Fehler, falls es einer ist?",
                "Ansicht under fehlt",
                "Fehler",
            ),
        ),
    ],
)
def test_parts_on_pages(browser, bracket, tmp_path, language, words):
    with (
        run_station(tmp_path / "kept", [bracket], "--language", language) as station,
        new_context(browser, base_url=station.url) as context,
        context.new_page() as page,
    ):
        said = console_errors(page)
        post_part(station.client, view_files(20), serial="A20")
        odd = post_part(station.client, view_files(3, "left"), serial="A3").json()
        post_part(station.client, view_files(20, without="under"), serial="B1")

        def check(name: str) -> None:
            found = axe.Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            page.screenshot(path=tmp_path / f"{name}-{language}.png", full_page=True)

        page.goto("/products")
        page.get_by_role("link", name="bracket").click()
        expect(page.get_by_text(words[0])).to_be_visible()
        table = page.locator("section[aria-labelledby=last-title] tbody tr")
        expect(table).to_have_count(3)
        expect(table.first).to_contain_text(words[2])
        check("product")
        page.goto("/products")
        check("products")
        page.goto("/?product=left")
        expect(page.locator(".whole li bdi")).to_have_text(list(VIEWS))
        expect(page.locator(".whole .notice")).to_have_text(words[2])
        check("live")
        page.goto("/?product=top")
        post_part(station.client, view_files(4, "left"), serial="A4")
        expect(page.locator("#news")).to_have_text(f"{words[3]}: A4_top")  # the part's verdict
        expect(page.locator(".side > .verdict.large.defect")).to_be_visible()
        number = odd["views"]["left"]["id"]
        page.goto(f"/inbox?product=left&record={number}")
        expect(page.get_by_text(words[1])).to_be_visible()
        expect(page.locator("[name=showing]:checked")).to_have_value("left")
        check("inbox")
        page.keyboard.press("d")
        expect(page.locator("#who-dialog")).to_be_visible()
        page.locator("#asked-name").fill("Mia")
        page.locator("#who-dialog button[value=yes]").click()
        wait(lambda: waiting(station.client, "left") == 1)
        record = station.client.get(f"/api/records/{number}").json()
        assert record["answer"] == "defect"
        expect(page.locator("#undo")).to_be_enabled()
        page.keyboard.press("z")
        wait(lambda: waiting(station.client, "left") == 2)
        page.goto("/history?product=left")
        check("history")
        assert said == []

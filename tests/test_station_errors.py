"""A picture that cannot be read is a verdict of its own, on every page and in every list."""

import csv
import io
from dataclasses import replace

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from station_parts import open_station, picture, run_station

from goldensample.station.records.ledger import Ledger
from goldensample.station.records.migration import SCRIPTS, open_database
from goldensample.station.records.rows import Filter
from goldensample.station.settings import RetentionLimits


def records(client, **query) -> list[dict]:
    return client.get("/api/records", params=query).json()["records"]


def send(client, data: bytes, name: str):
    return client.post("/api/inspect/part", params={"name": name}, content=data)


@pytest.fixture
def client(product, tmp_path):
    with open_station(tmp_path / "kept", product, limit_bytes=100_000) as client:
        yield client


def test_a_picture_cut_short_is_a_record_with_the_reason(client):
    assert send(client, picture(1), "good.png").json()["verdict"] == "good"
    answer = send(client, picture(2)[:900], "cut.png")
    assert answer.status_code == 422
    body = answer.json()
    assert (body["verdict"], body["score"], body["regions"]) == ("error", None, [])
    assert "cut.png" in body["error"]
    [record] = records(client, verdict="error")
    assert record["id"] == body["id"]
    assert record["note"] == body["error"]
    assert client.get(f"/api/records/{body['id']}").json()["verdict"] == "error"
    assert client.get("/api/counts", params={"product": "part"}).json() == {
        "good": 1,
        "review": 0,
        "defect": 0,
        "error": 1,
        "none": 0,
        "waits": 1,
    }


def test_an_upload_without_a_picture_is_a_record_too(client):
    too_large = send(client, bytes(200_000), "large.png")
    nothing = send(client, b"", "empty.png")
    assert (too_large.status_code, nothing.status_code) == (413, 422)
    assert [one["name"] for one in records(client, verdict="error")] == ["empty.png", "large.png"]
    assert all(one["note"] for one in records(client, verdict="error"))


def test_pages_and_tables_show_it(client):
    number = send(client, picture(3)[:500], "cut.png").json()["id"]
    for path in ("/", "/inbox", f"/records/{number}", "/history?verdict=error"):
        page = client.get(path)
        assert page.status_code == 200, path
        assert "ERROR" in page.text, path
        assert "cut.png" in page.text, path
        assert f"/api/records/{number}/picture" not in page.text, path
    assert "1 error" in client.get("/history").text
    assert "cut.png" not in client.get("/history?verdict=good").text
    [row] = csv.DictReader(io.StringIO(client.get("/api/records.csv").text))
    assert (row["verdict"], row["score"]) == ("error", "")
    assert "cut.png" in row["note"]
    assert client.get("/products/part").status_code == 200


def test_a_person_answers_for_the_part_and_nothing_is_learned(client):
    number = send(client, picture(3)[:500], "cut.png").json()["id"]
    answer = client.post("/api/feedback", json={"record": number, "answer": "good"})
    assert answer.status_code == 200
    assert answer.json()["revision"] is None
    assert client.get("/api/counts", params={"product": "part"}).json()["waits"] == 0


def test_limits_are_tried_on_scores_alone(client):
    send(client, picture(3)[:500], "cut.png")
    send(client, picture(4), "good.png")
    asked = {"false_alarms": 0.2, "review": 0.4}
    answer = client.get("/api/products/part/limits/preview", params=asked)
    assert answer.json()["records"] == 1


def test_a_database_of_the_first_version_opens_and_keeps_its_records(tmp_path):
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO records VALUES (7, 'part', 'a.png', 'api', '', 1.0, 2.0, 'good', 0.25,"
                " 0.5, 1.0, NULL, NULL, '[]', '', 4, 5, 0, 'f', 'p', 9, NULL, 1, NULL)"
            )
        )
        connection.execute(
            text("INSERT INTO feedback VALUES (1, 7, 3.0, 'ada', 'good', NULL, NULL)")
        )
    engine.dispose()
    ledger = Ledger(open_database(url))
    [record] = ledger.find(Filter())
    assert (record.id, record.score, record.width) == (7, 0.25, 5)
    assert ledger.labels.of(7)[0].operator == "ada"
    [stored] = ledger.add([replace(record, id=0, verdict="error", score=None)])
    assert stored.id == 8, "a number is never given twice"
    assert ledger.scores(Filter(), 10) == [0.25]
    ledger.close()


def test_a_disk_smaller_than_what_may_be_kept_is_told(product, tmp_path):
    limits = RetentionLimits(limit_bytes=10**18)
    with open_station(tmp_path / "kept", product, retention=limits) as client:
        words = client.get("/api/health").json()["troubles"]["disk"]
        assert "1000000000.0 GB" in words
    with run_station(tmp_path / "other", [product], "--keep-gb", "1000000000"):
        pass
    assert "--keep-gb" in (tmp_path / "other.log").read_text()

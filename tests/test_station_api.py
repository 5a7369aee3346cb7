"""The station's API: a picture in, a record out, an answer learned, and taken back."""

from pathlib import Path

import httpx
import pytest
from station_parts import picture, running, small_product


@pytest.fixture(scope="module")
def station(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("station")
    with running(folder / "kept", [small_product(tiny, folder)]) as one:
        yield one


def inspect(station, data: bytes, name: str = "a.png") -> httpx.Response:
    return httpx.post(
        f"{station.url}/api/inspect/part", params={"name": name}, content=data, timeout=60
    )


def test_a_false_alarm_is_learned_and_the_answer_taken_back(station):
    first = inspect(station, picture(200, defect=True)).json()
    assert first["verdict"] == "defect"
    assert first["regions"]
    said = httpx.post(
        f"{station.url}/api/feedback", json={"record": first["id"], "answer": "good"}, timeout=60
    ).json()
    assert said["revision"] == 1
    again = inspect(station, picture(200, defect=True)).json()
    assert again["verdict"] == "good"
    assert (again["revision"], again["picture_sha256"]) == (1, first["picture_sha256"])
    httpx.delete(f"{station.url}/api/feedback/{said['id']}", timeout=60)
    third = inspect(station, picture(200, defect=True)).json()
    assert (third["verdict"], third["score"]) == (first["verdict"], first["score"])


def test_what_is_no_picture_is_refused_and_leaves_nothing(station):
    answer = inspect(station, b"no picture", name="x.png")
    assert answer.status_code == 422
    assert "x.png" in answer.json()["error"]
    assert inspect(station, b"").status_code == 422
    assert httpx.post(f"{station.url}/api/inspect/none", content=b"a").status_code == 404


def test_pictures_and_maps_are_shown(station):
    record = inspect(station, picture(201, defect=True)).json()
    url = f"{station.url}/api/records/{record['id']}"
    assert httpx.get(f"{url}/picture").headers["content-type"] == "image/jpeg"
    assert httpx.get(f"{url}/heat").content.startswith(b"\x89PNG")
    assert httpx.get(url).json()["name"] == "a.png"


def test_kept_files_are_named_by_their_hash(station, tmp_path: Path):
    record = inspect(station, picture(202)).json()
    found = httpx.get(f"{station.url}/api/records", params={"limit": 1}).json()["records"]
    assert found[0]["id"] == record["id"]
    lines = httpx.get(f"{station.url}/api/records.csv").text.splitlines()
    assert lines[0].startswith("id,product,name")
    assert len(lines) > 1

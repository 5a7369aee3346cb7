"""The station's API: a picture in, a record out, an answer learned, and taken back."""

from collections.abc import Iterator

import httpx
import pytest
from station_parts import picture, run_station, small_product

from goldensample.station.web.answers import (
    ChangeList,
    Health,
    LimitChoices,
    ProductAnswer,
    RecordAnswer,
    RecordList,
    RecordWithLabels,
    RevisionAnswer,
    SavedLabel,
)


@pytest.fixture(scope="module")
def client(tiny, tmp_path_factory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("station")
    with run_station(folder / "kept", [small_product(tiny, folder)], fresh_process=True) as one:
        yield one.client


def inspect(client: httpx.Client, data: bytes, name: str = "a.png") -> httpx.Response:
    return client.post("/api/inspect/part", params={"name": name}, content=data)


def test_a_false_alarm_is_learned_and_the_answer_taken_back(client):
    first = inspect(client, picture(200, defect=True)).json()
    assert first["verdict"] == "defect"
    assert first["regions"]
    asked = {"record": first["id"], "answer": "good"}
    said = client.post("/api/feedback", json=asked).json()
    assert said["revision"] == 1
    again = inspect(client, picture(200, defect=True)).json()
    assert again["verdict"] == "good"
    assert (again["revision"], again["picture_sha256"]) == (1, first["picture_sha256"])
    client.delete(f"/api/feedback/{said['id']}")
    third = inspect(client, picture(200, defect=True)).json()
    assert (third["verdict"], third["score"]) == (first["verdict"], first["score"])


def test_what_is_no_picture_is_refused_and_leaves_nothing(client):
    answer = inspect(client, b"no picture", name="x.png")
    assert answer.status_code == 422
    assert "x.png" in answer.json()["error"]
    assert inspect(client, b"").status_code == 422
    assert client.post("/api/inspect/none", content=b"a").status_code == 404


def test_a_form_with_a_file_is_taken(client):
    data, url = picture(205, defect=True), "/api/inspect/part"
    plain = inspect(client, data).json()
    form = {"data": {"note": "of the night shift"}, "files": {"file": ("b.png", data)}}
    record = client.post(url, params={"name": "b.png"}, **form).json()
    assert record["picture_sha256"] == plain["picture_sha256"]
    assert (record["verdict"], record["score"]) == (plain["verdict"], plain["score"])
    empty = client.post(url, files={"note": (None, b"no file")})
    assert empty.status_code == 422
    assert "must have a file in it" in empty.json()["error"]
    broken = {"content-type": "multipart/form-data; boundary=a"}
    assert client.post(url, content=b"--b", headers=broken).status_code == 422


def test_answers_are_what_the_document_says(client):
    record = RecordAnswer.model_validate(inspect(client, picture(207, defect=True)).json())
    assert record.regions[0].nearest_good
    told = {"record": record.id, "answer": "defect"}
    said = SavedLabel.model_validate(client.post("/api/feedback", json=told).json())
    assert said.time.startswith("20")
    labels = RecordWithLabels.model_validate(client.get(f"/api/records/{record.id}").json())
    assert labels.answers[0].answer == "defect"
    RecordList.model_validate(client.get("/api/records").json())
    ChangeList.model_validate(client.get("/api/changes").json())
    LimitChoices.model_validate(client.get("/api/products/part/limits").json())
    RevisionAnswer.model_validate(client.get("/api/products/part/revisions").json()[0])
    assert Health.model_validate(client.get("/api/health").json()).products == 1
    (product,) = map(ProductAnswer.model_validate, client.get("/api/products").json())
    assert product.threshold
    document = client.get("/api/openapi.json").json()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["security"] == [{"HTTPBearer": []}]
            for kind, content in operation["responses"]["200"].get("content", {}).items():
                assert content.get("schema", kind != "application/json"), path
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    operations = [
        one["operationId"] for ways in document["paths"].values() for one in ways.values()
    ]
    assert len(operations) == len(set(operations))  # names that generated clients have
    schemas = document["components"]["schemas"]
    parts = [
        f"{name}{part.title().replace('_', '')}"
        for name, one in schemas.items()
        for part in one.get("properties", {})
    ]
    assert not schemas.keys() & set(parts)  # see findings/openapi_client_enum_names.sh


def test_the_original_is_given_back(client):
    data = picture(208)
    number = inspect(client, data, name="näh 1.png").json()["id"]
    found = client.get(f"/api/records/{number}/original")
    assert found.content == data
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["content-disposition"].startswith("attachment")


def test_pictures_and_maps_are_shown(client):
    record = inspect(client, picture(201, defect=True)).json()
    url = f"/api/records/{record['id']}"
    assert client.get(f"{url}/picture").headers["content-type"] == "image/jpeg"
    assert client.get(f"{url}/heat").content.startswith(b"\x89PNG")
    assert client.get(url).json()["name"] == "a.png"


def test_records_are_listed_in_json_and_as_a_table(client):
    record = inspect(client, picture(202)).json()
    found = client.get("/api/records", params={"limit": 1}).json()["records"]
    assert found[0]["id"] == record["id"]
    lines = client.get("/api/records.csv").text.splitlines()
    assert lines[0].startswith("id,product,name")
    assert len(lines) > 1

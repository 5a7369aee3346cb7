"""The records, on SQLite and on PostgreSQL: the same tables, the same answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from camera_parts import Gate, jpeg_camera
from output_parts import broker, hook, listener
from paho.mqtt import publish
from sqlalchemy import create_engine, inspect, text
from starlette.testclient import TestClient
from station_parts import free_port, open_station, picture, run_station, wait

from database_parts import TABLES, Server, all_rows, fill, run_server
from goldensample.errors import ArtifactError
from goldensample.station.connections import Connections, connect
from goldensample.station.line import storing
from goldensample.station.outputs.connect import OutputOptions, connect_outputs
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.migration import latest, migrate, open_database
from goldensample.station.records.tables import metadata
from goldensample.station.settings import Settings
from goldensample.station.station import Station
from goldensample.station.web.app import create_app


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with run_server() as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.sqlite'}"
    return request.getfixturevalue("server").url(f"d{abs(hash(request.node.name))}")


def check_tables(url: str) -> None:
    """Open a database; demand the tables that the code speaks of."""
    engine = open_database(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == latest()
    engine.dispose()


def test_migrations_give_the_tables_that_the_code_speaks_of(url):
    check_tables(url)


def test_migrating_again_changes_nothing(url):
    with closing(Ledger(open_database(url))) as ledger:
        ledger.refuse_file("a", "1", "no picture")
    engine = open_database(url)
    migrate(engine)
    with closing(Ledger(engine)) as ledger:
        assert list(ledger.seen_files(["a"])["a"]) == ["1"]


def test_a_database_of_a_later_version_is_refused(url):
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ArtifactError, match="a later one"):
        open_database(url)


def test_a_migration_is_done_whole_or_not_at_all(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE seen (mine INTEGER)"))  # in the way of the last table
    with pytest.raises(ArtifactError, match="cannot use the database"):
        open_database(url)
    assert set(inspect(engine).get_table_names()) == {"seen"}
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE seen"))
    engine.dispose()
    open_database(url).dispose()


def in_order(rows: list[dict]) -> list[dict]:
    """Rows by their key; PostgreSQL gives those that were changed last."""
    return sorted(rows, key=lambda row: str(row.get("id", row)))


def test_a_database_of_the_first_version_keeps_its_rows_and_gets_the_tables_of_today(url):
    before = all_rows(fill(url))
    assert [len(before[name]) for name in TABLES] == [4, 3, 1, 2]
    check_tables(url)
    after = all_rows(url)
    for name in TABLES:
        for old, new in zip(*map(in_order, (before[name], after[name])), strict=True):
            assert {key: new[key] for key in old} == old
    assert not any(one["proposed"] for one in after["feedback"])
    people = {one["id"]: one["answered_by"] for one in after["records"] if one["answer"]}
    assert people
    for number, person in people.items():
        said = [
            one for one in after["feedback"] if (one["record"], one["undone"]) == (number, None)
        ]
        assert person == said[-1]["operator"]


def test_a_station_goes_on_with_a_database_of_the_first_version(url, product, tmp_path):
    settings = Settings(folder=tmp_path / "kept", database=fill(url))
    before = {row["id"]: row for row in all_rows(url)["records"]}
    with (
        free_port() as port,
        hook(port) as receiver,
        closing(Station(settings, [product])) as station,
        TestClient(create_app(station), "http://localhost:8080") as client,
    ):
        connect_outputs(station, OutputOptions(webhook=f"http://127.0.0.1:{port}/"))
        found = client.get("/api/records").json()["records"]
        assert [one["id"] for one in found] == [4, 3, 2, 1]
        for one in found:
            row = before[one["id"]]
            regions = row["regions"]
            assert one["regions"] == (json.loads(regions) if isinstance(regions, str) else regions)
            names = ("name", "verdict", "score", "answer", "picture_sha256", "note")
            assert {name: one[name] for name in names} == {name: row[name] for name in names}
        assert [one["answer"] for one in client.get("/api/records/4").json()["answers"]]
        assert client.get("/history").is_success
        assert client.get("/inbox").is_success
        good = client.post("/api/inspect/part?name=new.png", content=picture(1)).json()
        assert good["id"] == 5
        assert client.post("/api/inspect/part", content=b"none").status_code == 422
        newest = client.get("/api/records").json()["records"][0]
        assert (newest["id"], newest["verdict"], newest["score"]) == (6, "error", None)
        said = client.post("/api/feedback", json={"record": 3, "answer": "good"})
        assert said.is_success, said.text
        wait(lambda: len(receiver.taken) == 2)
    assert [one["record"] for one in receiver.taken] == [5, 6]


def test_a_password_is_not_shown(server):
    with pytest.raises(ArtifactError) as error:
        open_database(f"postgresql+psycopg://golden:secret@/nobody?host={server.folder}")
    assert "secret" not in str(error.value)
    with pytest.raises(ValueError, match="SQLAlchemy URL"):
        open_database("nothing")


@pytest.fixture(scope="module")
def client(server, product, tmp_path_factory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("station") / "kept"
    with run_station(folder, [product], "--db", server.url("station")) as one:
        yield one.client


def post(client: httpx.Client, seed: int, **params) -> httpx.Response:
    data = picture(seed, defect=True)
    return client.post("/api/inspect/part", content=data, params=params)


def test_the_api_runs_on_postgresql(client):
    name = "a 'b' \"c\" ü 部品 %s.png"
    first = post(client, 200, name=name).json()
    assert (first["verdict"], first["name"]) == ("defect", name)
    said = client.post("/api/feedback", json={"record": first["id"], "answer": "good"}).json()
    assert said["revision"] == 1
    assert post(client, 200).json()["verdict"] == "good"
    asked = {"answer": "good", "verdict": "defect", "text": "'b'", "since": 0, "product": "part"}
    found = client.get("/api/records", params=asked).json()["records"]
    assert found == [{**first, "answer": "good", "answered_by": ""}]
    assert client.delete(f"/api/feedback/{said['id']}").json() == {"undone": said["id"]}
    one = client.get(f"/api/records/{first['id']}").json()
    assert one["answer"] is None
    assert one["answers"][0]["undone"]
    assert len(client.get("/api/records.csv").text.splitlines()) == 3
    for path in ("records", "records.csv"):
        assert client.get(f"/api/{path}", params={"text": "a\0b"}).status_code == 422
    assert post(client, 200, name="a\0b").status_code == 422


def test_a_database_that_is_away_for_a_moment_costs_nothing(server, product, tmp_path, monkeypatch):
    monkeypatch.setattr(storing, "RETRY_PAUSES_S", (0.1,) * 1200)  # however long it takes to start
    found: list[httpx.Response] = []
    with open_station(tmp_path / "kept", product, database=server.url("away")) as client:
        assert post(client, 201).status_code == 200
        server.stop()
        poster = threading.Thread(target=lambda: found.append(post(client, 202)))
        poster.start()
        away = client.get("/api/records")
        assert (away.status_code, away.headers["retry-after"]) == (503, "5")
        assert "database" in away.json()["error"]
        server.start()
        poster.join()
        assert found[0].status_code == 200
        assert len(client.get("/api/records").json()["records"]) == 2


def test_a_trigger_that_cannot_be_kept_is_refused_and_takes_no_picture(server, product, tmp_path):
    with (
        free_port() as port,
        broker(tmp_path, port),
        listener(port, "line/camera/front/answer") as messages,
        jpeg_camera(Gate().frame, 20) as url,
        open_station(tmp_path / "kept", product, database=server.url("triggers")) as client,
    ):
        outputs = OutputOptions(mqtt=f"mqtt://127.0.0.1:{port}/line")
        cameras = Connections(cameras=[f"front={url}"], every_s=0.0, outputs=outputs)
        connect(client.app.state.station, cameras)

        def ask() -> httpx.Response:
            return client.post("/api/cameras/front/trigger")

        def ask_broker() -> dict:
            count = len(messages)
            publish.single("line/camera/front/trigger", "7", 1, port=port)
            wait(lambda: len(messages) > count)
            return json.loads(messages[-1].payload)

        wait(lambda: ask().status_code == 200)
        states = lambda: client.get("/api/health").json()["connections"]  # noqa: E731
        wait(lambda: all(one["state"] == "working" for one in states()))
        before = len(client.get("/api/records").json()["records"])
        server.stop()
        refused = ask()
        assert refused.status_code == 503
        assert "the station's database must take parts" in refused.json()["error"]
        assert "the station's database must take parts" in ask_broker()["error"]
        server.start()
        assert ask().status_code == 200, "the camera is not left busy"
        assert ask_broker()["verdict"], "nor the broker unheard"
        assert len(client.get("/api/records").json()["records"]) == before + 2

"""What others do to a station that runs: files change, neighbours fail, people think again."""

import asyncio
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import part
from output_parts import connection
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient
from station_parts import free_port, open_station, picture, run_station, wait

from goldensample.learning.learn import learn
from goldensample.learning.revisions import Note
from goldensample.records import Picture
from goldensample.station.connections import Connections, check_disjoint, connect
from goldensample.station.inputs.camera import Camera
from goldensample.station.inputs.folder_target import SinglePictures
from goldensample.station.inputs.watched_folder import FolderWatch
from goldensample.station.line.controller_image import ControllerImage
from goldensample.station.line.jobs import Job
from goldensample.station.line.triggers import Triggers
from goldensample.station.outputs.opcua import OpcUa
from goldensample.station.outputs.opcua_security import OpcUaSecurity
from goldensample.station.products.products import Product
from goldensample.station.records import retention
from goldensample.station.setup.drafts import METADATA_FILE, Drafts
from goldensample.station.web import access
from goldensample.station.web.body_limits import MAX_BODY_BYTES

NOTE = Note("2026-01-01T00:00:00+00:00", "why")
PAGE = {"accept": "text/html"}


@pytest.fixture
def file(product, tmp_path) -> Path:
    return Path(shutil.copy(product, tmp_path / "part.golden"))


@pytest.fixture
def client(file, tmp_path) -> Iterator[TestClient]:
    with open_station(tmp_path / "kept", file) as one:
        yield one


def inspect(client: TestClient, seed: int, defect: bool = False) -> dict:
    answer = client.post("/api/inspect/part", content=picture(seed, defect))
    assert answer.status_code == 200
    return answer.json()


def told(client: TestClient, action: str) -> list[str]:
    changes = client.get("/api/changes").json()["changes"]
    return [one["words"] for one in changes if one["action"] == action]


def taught(file: Path, name: str) -> None:
    """Let another program learn a picture."""
    some = [Picture(name, part(900, defect=True))]
    Product(file).change(lambda inspector: learn(inspector, some, NOTE))


def test_a_file_that_another_program_changed_is_in_service_with_the_next_picture(client, file):
    assert inspect(client, 300)["revision"] == 0
    taught(file, "new.png")
    assert inspect(client, 301)["revision"] == 1
    [words] = told(client, "file")
    assert "another program; revision 1" in words
    taught(file, "newer.png")  # an engineer who looks at the page can act on what is there
    page = client.get("/products/part", headers=PAGE).text
    assert 'data-revision="2"' in page
    back = {"to": 0, "revision": 2}
    assert client.post("/api/products/part/revert", json=back).json()["revision"] == 3
    assert len(told(client, "file")) == 2  # its own changes are no news


def test_a_file_that_breaks_leaves_in_service_what_is_and_health_says_so(client, file, tmp_path):
    whole = file.read_bytes()
    for damaged in (whole[:-5], whole[:-6]):
        file.write_bytes(damaged)
        assert inspect(client, 302)["revision"] == 0
    trouble = client.get("/api/health").json()["troubles"]["part"]
    assert trouble.startswith("revision 0 stays: ")
    assert str(tmp_path) not in trouble
    assert "its file cannot be used" in client.get("/health", headers=PAGE).text
    file.unlink()
    assert inspect(client, 303)["revision"] == 0
    assert len(told(client, "file")) == 1
    file.write_bytes(whole)
    assert client.get("/api/health").json()["troubles"] == {}
    assert told(client, "file")[0] == "the file can be used again"


@pytest.mark.parametrize("damage", [b"", b"PK damaged", b"no archive"])
def test_a_damaged_watch_begins_anew_and_says_so(file, tmp_path, damage):
    kept = tmp_path / "kept" / "scene" / "part.npz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(damage)
    with open_station(tmp_path / "kept", file) as client:
        scene = client.get("/api/health").json()["scenes"]["part"]
        assert (scene["pictures"], scene["alarm"]) == (0, None)
        assert scene["lost"] in client.get("/health", headers=PAGE).text
        assert "began anew" in scene["lost"]
        inspect(client, 304)
    with open_station(tmp_path / "kept", file) as client:
        scene = client.get("/api/health").json()["scenes"]["part"]
        assert (scene["pictures"], scene["lost"]) == (1, "")


def test_what_another_station_learned_is_not_taken_for_a_record_of_ours(client, file):
    record = inspect(client, 305, defect=True)
    taught(file, f"record-{record['id']}-0123456789ab")
    page = client.get("/products/part", headers=PAGE).text
    assert "1 of them learned on the line" in page
    assert f"/records/{record['id']}" not in page.split("Good pictures")[1].split("</section>")[0]
    number = len(client.app.state.station.products.get("part").state.inspector.pictures) - 1
    assert client.get(f"/api/products/part/pictures/{number}").status_code == 404


def test_who_thinks_better_of_an_answer_makes_the_product_forget(client):
    first = inspect(client, 306, defect=True)

    def say(answer: str) -> dict:
        said = {"record": first["id"], "answer": answer}
        return client.post("/api/feedback", json=said).json()

    say("good")
    assert inspect(client, 306, defect=True)["verdict"] == "good"
    other = say("defect")
    assert inspect(client, 306, defect=True)["score"] == first["score"]
    client.delete(f"/api/feedback/{other['id']}")  # it was good, after all
    assert client.get(f"/api/records/{first['id']}").json()["answer"] == "good"
    assert inspect(client, 306, defect=True)["verdict"] == "good"


def test_a_session_ends_with_the_shift_whoever_kept_its_cookie(monkeypatch):
    sessions = access.Sessions({})
    secret = sessions.begin("Ada", "operator")
    assert sessions.find(secret) == access.Person("Ada", "operator")
    monkeypatch.setattr(access, "SESSION_S", 0)
    assert sessions.find(secret) is None


def test_a_body_that_is_no_picture_is_bounded_before_anybody_is_known(file, tmp_path):
    tokens = {"an-engineer-s-token": "engineer"}
    with open_station(tmp_path / "kept", file, tokens=tokens, host="0.0.0.0") as client:
        json = {"content-type": "application/json"}
        for size, status in ((MAX_BODY_BYTES, 422), (MAX_BODY_BYTES + 1, 413)):
            assert (
                client.post("/api/login", content=bytes(size), headers=json).status_code == status
            )


def test_another_site_neither_loads_parts_nor_uses_up_the_rate(file, tmp_path):
    with open_station(tmp_path / "kept", file, per_minute=5) as client:
        other = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}
        for _ in range(10):
            assert client.get("/api/products", headers=other).status_code == 403
        link = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}
        assert client.get("/", headers=link).status_code == 200


def test_inputs_and_sweeps_go_on_when_the_database_is_back(client, tmp_path, monkeypatch, caplog):
    station, folder = client.app.state.station, tmp_path / "line"
    folder.mkdir()
    engine = create_engine(station.settings.url)

    def rename(table: str, to: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {table} RENAME TO {to}"))

    rename("seen", "away")
    watch = FolderWatch(station, SinglePictures(station, station.products.get("part")), folder)
    station.add_input(watch)
    path = folder / "a.png"
    path.write_bytes(picture(307))
    wait(lambda: told(client, "trouble"))
    rename("away", "seen")
    wait(lambda: client.get("/api/records").json()["records"])
    path.unlink()
    wait(lambda: not watch._finished)  # what is gone is not kept in memory for ever
    monkeypatch.setattr(retention, "INTERVAL_S", 0.05)
    sweeps = retention.Retention(
        station.archive, station.ledger, station.settings.retention, station.line.run_exclusive, set
    )
    rename("records", "away")
    sweeps.start()
    wait(lambda: "could not go" in caplog.text)
    assert sweeps.last_sweep is None
    rename("away", "records")
    wait(lambda: sweeps.last_sweep)
    sweeps.close()
    engine.dispose()


def test_a_clock_that_is_set_back_makes_no_time_negative(client):
    station = client.app.state.station
    coming = station.archive.receive_bytes(picture(308))
    job = Job(station.products.get("part"), coming, "a.png", "api")
    record = station.line.submit(replace(job, accepted=time.time() + 3600)).result()
    assert record.milliseconds > 0


def test_a_camera_of_an_unknown_kind_is_told_of(client):
    station = client.app.state.station
    station.add_input(Camera(station, station.products.get("part"), "nothing://at/all", 1.0))
    wait(lambda: told(client, "camera"))


def test_a_folder_is_watched_once(client, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    check_disjoint([tmp_path / "a" / "b", tmp_path / "c"])
    asked = Connections(watch=[f"part={tmp_path / 'a'}", str(tmp_path / "a" / "b")])
    with pytest.raises(ValueError, match="apart from each other"):
        connect(client.app.state.station, asked)


def test_a_draft_that_cannot_be_read_keeps_its_pictures(tmp_path):
    broken, begun = tmp_path / ("0" * 32), tmp_path / ("1" * 32)
    for folder in (broken, begun):
        folder.mkdir()
    (broken / METADATA_FILE).write_text('{"of": "a later version"}')
    (broken / "00000.png").write_bytes(picture(1))
    assert list(Drafts(tmp_path)) == []
    assert (broken / "00000.png").exists()
    assert not begun.exists()


def test_who_calls_himself_admin_writes_no_verdict():
    from asyncua import Client

    async def write(endpoint: str) -> None:
        client = Client(endpoint)
        client.set_user("admin")
        async with client:
            space = await client.get_namespace_index("urn:goldensample:station")
            await client.get_node(f"ns={space};s=part.Verdict").write_value("good")

    triggers = Triggers()
    image = ControllerImage(triggers, SimpleNamespace(waiting=0, late=0), lambda: False)
    others = (OpcUaSecurity(), ["part"], lambda _: None, image, triggers)
    with (
        free_port() as port,
        closing(OpcUa(f"opc.tcp://127.0.0.1:{port}", *others)),
        pytest.raises(Exception, match=r"(?i)denied|writ|rejected"),
    ):
        asyncio.run(write(f"opc.tcp://127.0.0.1:{port}"))


def test_a_web_server_that_answers_nonsense_is_tried_again(product, tmp_path):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        answers = [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]

        def serve() -> None:
            for answer in answers:
                connected, _ = server.accept()
                with connected:
                    connected.recv(65536)
                    connected.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with run_station(tmp_path / "kept", [product], "--webhook", url) as station:
            assert station.client.post("/api/inspect/part", content=picture(309)).status_code == 200
            wait(lambda: connection(station.client, "webhook")["last_success"])
            assert connection(station.client, "webhook")["waiting"] == 0

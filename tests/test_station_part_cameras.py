"""One trigger photographs all views of a part, and has one answer."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from camera_parts import Scene, camera_options, part_cameras
from output_parts import broker, hook, listener
from paho.mqtt import publish
from part_files import VIEWS
from starlette.testclient import TestClient
from station_parts import free_port, open_station, run_station, wait

from goldensample.station.connections import Connections, connect
from goldensample.station.inputs import camera
from goldensample.station.outputs.connect import OutputOptions


@contextmanager
def watching(bracket, folder, port: int, **settings) -> Iterator[tuple[TestClient, Scene]]:
    scene = Scene()
    with part_cameras(scene) as urls, open_station(folder, bracket, **settings) as client:
        outputs = OutputOptions(webhook=f"http://127.0.0.1:{port}/")
        connections = Connections(cameras=urls, every_s=0.0, outputs=outputs)
        connect(client.app.state.station, connections)
        try:
            yield client, scene
        finally:
            scene.light()


def trigger(client: TestClient, **query: str):
    return client.post("/api/cameras/bracket/trigger", params=query)


def test_a_trigger_is_a_part_and_a_busy_camera_says_so(bracket, tmp_path):
    with (
        free_port() as port,
        hook(port) as receiver,
        watching(bracket, tmp_path / "kept", port) as (client, scene),
    ):
        wait(lambda: trigger(client).status_code == 200)  # cameras may be slow to open
        assert [one["camera"] for one in client.get("/api/cameras").json()] == ["bracket"]
        before = len(client.get("/api/parts/bracket").json()["parts"])
        scene.defect = "left"
        time.sleep(0.3)
        answer = trigger(client, serial="A17", job="4711")
        assert answer.status_code == 200, answer.text
        part = answer.json()
        assert (part["serial"], part["job"], part["source"]) == ("A17", "4711", "camera")
        assert (part["verdict"], part["view"]) == ("defect", "left")
        assert list(part["views"]) == list(VIEWS)
        assert {one["frame"]["trigger"] for one in part["views"].values()} == {"http"}
        wait(lambda: receiver.taken and receiver.taken[-1]["serial"] == "A17")
        assert list(receiver.taken[-1]["views"]) == list(VIEWS)
        scene.open["under"].clear()
        time.sleep(0.3)
        answers: list = []
        waiting = threading.Thread(target=lambda: answers.append(trigger(client, serial="A18")))
        waiting.start()
        counts = client.app.state.station.triggers.counts
        asked = counts()["bracket"].asked
        wait(lambda: counts()["bracket"].asked > asked or waiting.is_alive())
        wait(lambda: client.get("/api/parts/bracket?serial=A18").json()["parts"])
        busy = trigger(client, serial="A19")
        assert (busy.status_code, busy.json()["busy"]) == (409, counts()["bracket"].busy)
        scene.open["under"].set()
        waiting.join()
        assert answers[0].status_code == 200
        parts = client.get("/api/parts/bracket").json()["parts"]
        assert len(parts) == before + 2, "a trigger that was refused is no part"


def test_a_camera_that_gives_nothing_makes_the_part_an_error(bracket, tmp_path, monkeypatch):
    monkeypatch.setattr(camera, "TRIGGER_S", 1.0)
    with (
        free_port() as port,
        hook(port) as receiver,
        watching(bracket, tmp_path / "kept", port) as (client, scene),
    ):
        wait(lambda: trigger(client).status_code == 200)
        scene.open["top"].clear()
        time.sleep(0.3)
        answer = trigger(client, serial="B1")
        assert (answer.status_code, answer.json()["verdict"]) == (503, "error")
        assert answer.json()["error"] == "view top: no picture: none within 1 s"
        assert answer.json()["views"]["left"]["score"] is not None
        wait(lambda: receiver.taken[-1]["serial"] == "B1")
        assert receiver.taken[-1]["verdict"] == "error"


def test_a_part_that_is_late_is_answered_as_late(bracket, tmp_path):
    with (
        free_port() as port,
        hook(port) as receiver,
        watching(bracket, tmp_path / "kept", port, deadline_s=1.0) as (client, scene),
    ):
        wait(lambda: trigger(client).status_code == 200)
        scene.open["top"].clear()
        time.sleep(0.3)
        late = trigger(client, serial="L1")
        assert (late.status_code, late.json()["verdict"]) == (504, "error")
        assert "view top: late: no verdict within 1000 ms" in late.json()["error"]
        scene.open["top"].set()
        number = late.json()["id"]

        def stored() -> list[dict]:
            records = client.get("/api/records").json()["records"]
            return [one for one in records if one["part"] == number]

        wait(lambda: len(stored()) == 4)
        assert client.get(f"/api/parts/bracket/{number}").json()["verdict"] == "error"
        wait(lambda: [one for one in receiver.taken if one["serial"] == "L1"])
        assert len([one for one in receiver.taken if one["serial"] == "L1"]) == 1


def test_a_message_of_the_broker_triggers_the_part(bracket, tmp_path):
    with (
        free_port() as port,
        broker(tmp_path, port),
        listener(port, "line/#") as messages,
        part_cameras(Scene()) as urls,
    ):
        options = [*camera_options(*urls), "--mqtt", f"mqtt://127.0.0.1:{port}/line"]
        with run_station(tmp_path / "kept", [bracket], *options) as station:
            health = lambda: station.client.get("/api/health").json()["connections"]  # noqa: E731
            wait(
                lambda: any("(triggers)" in c["name"] and c["state"] == "working" for c in health())
            )

            def answered() -> list[dict]:
                return [json.loads(m.payload) for m in messages if m.topic.endswith("/answer")]

            def ask() -> bool:
                text = json.dumps({"serial": "M1", "job": "9"})
                count = len(answered())
                publish.single("line/camera/bracket/trigger", text, 1, port=port)
                wait(lambda: len(answered()) > count)
                return answered()[-1].get("verdict") in ("good", "defect")

            wait(ask)  # cameras may be slow to open
            answer = answered()[-1]
            assert (answer["product"], answer["serial"], answer["job"]) == ("bracket", "M1", "9")
            assert list(answer["views"]) == list(VIEWS)
            wait(lambda: any(one.topic == "line/bracket/verdict" for one in messages))
            assert not any(one.topic == "line/top/verdict" for one in messages)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--camera", "bracket/top=http://a/"], "cameras must be one a view as bracket/VIEW=URL"),
        (["--camera", "bracket=http://a/"], "got one without a name"),
        (
            [w for v in VIEWS for w in ("--camera", f"bracket/{v}=http://a/")],
            "must take pictures at a trigger of the station alone",
        ),
        (
            [w for v in VIEWS for w in ("--camera", f"bracket/{v}=genicam:1?trigger=Line1")]
            + ["--every", "0"],
            "no trigger at a line of a camera",
        ),
    ],
)
def test_cameras_that_are_no_views_are_refused(bracket, tmp_path, options, words):
    with (
        pytest.raises(AssertionError, match=words),
        run_station(tmp_path / "k", [bracket], *options),
    ):
        pass

"""A trigger is answered once: with a verdict, as an error, as late, or that the camera is busy."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from camera_parts import Gate, jpeg_camera
from output_parts import hook
from starlette.testclient import TestClient
from station_parts import free_port, open_station, picture, wait

from goldensample.cli.serve_options import parse_deadline
from goldensample.station.connections import Connections, connect
from goldensample.station.inputs import camera
from goldensample.station.line.triggers import Trigger
from goldensample.station.outputs.connect import OutputOptions
from goldensample.station.outputs.mqtt_triggers import read_trigger

JUDGED = ("good", "review", "defect")


def records(client) -> list[dict]:
    return client.get("/api/records", params={"limit": 1000}).json()["records"][::-1]


@contextmanager
def watched_camera(product, folder, port: int, **settings) -> Iterator[tuple[TestClient, Gate]]:
    """A station with a camera that takes triggers, and a web server; give client and gate."""
    gate = Gate()
    with (
        jpeg_camera(gate.frame, 20) as url,
        open_station(folder, product, **settings) as client,
    ):
        outputs = OutputOptions(webhook=f"http://127.0.0.1:{port}/")
        connections = Connections(cameras=[f"front={url}"], every_s=0.0, outputs=outputs)
        connect(client.app.state.station, connections)
        try:
            yield client, gate
        finally:
            gate.open.set()


def trigger(client: TestClient, **query: str):
    return client.post("/api/cameras/front/trigger", params=query)


def test_a_part_is_answered_once_and_a_busy_camera_says_so(product, tmp_path):
    with (
        free_port() as port,
        hook(port) as receiver,
        watched_camera(product, tmp_path / "kept", port) as (client, gate),
    ):
        assert records(client) == [], "no picture without a trigger"
        first = trigger(client, serial="A17", job="4711")
        assert (first.status_code, first.json()["verdict"] in JUDGED) == (200, True)
        assert (first.json()["serial"], first.json()["job"]) == ("A17", "4711")
        assert first.json()["frame"] == {"trigger": "http"}
        gate.open.clear()
        time.sleep(0.3)  # what is under way has come
        answers: list = []
        waiting = threading.Thread(target=lambda: answers.append(trigger(client)))
        waiting.start()
        cameras = client.app.state.station.triggers
        wait(lambda: cameras.counts()["front"].asked == 2)
        busy = trigger(client)
        assert (busy.status_code, busy.json()["busy"]) == (409, 1)
        assert "still busy" in busy.json()["error"]
        gate.open.set()
        waiting.join()
        assert answers[0].status_code == 200
        health = client.get("/api/health").json()
        assert health["cameras"] == {"front": {"asked": 3, "busy": 1}}
        assert len(records(client)) == 2
        wait(lambda: len(receiver.taken) == 2)


def test_a_late_part_is_an_error_and_its_verdict_is_recorded(product, tmp_path):
    with (
        free_port() as port,
        hook(port) as receiver,
        watched_camera(product, tmp_path / "kept", port, deadline_s=0.5) as (client, gate),
    ):
        wait(lambda: trigger(client).status_code == 200)  # the camera may be slow to open
        before = len(records(client))
        gate.open.clear()
        time.sleep(0.3)
        begun = time.monotonic()
        late = trigger(client)
        assert 0.4 < time.monotonic() - begun < 5
        assert (late.status_code, late.json()["verdict"]) == (504, "error")
        assert late.json()["error"].startswith("late: no verdict within 500 ms")
        assert trigger(client).status_code == 409
        gate.open.set()
        wait(lambda: len(records(client)) == before + 2)
        *_, answer, verdict = records(client)
        assert (answer["id"], answer["verdict"]) == (late.json()["id"], "error")
        assert (verdict["name"], verdict["verdict"] in JUDGED) == (answer["name"], True)
        assert verdict["note"].startswith(
            f"late: the part was answered before, as an error (record {answer['id']})"
        )
        assert client.get("/api/health").json()["late"] >= 1
        assert trigger(client).status_code == 200, "and the camera is ready again"
        newest = records(client)[-1]["id"]
        wait(lambda: receiver.taken and receiver.taken[-1]["record"] == newest)
        told = [one["record"] for one in receiver.taken]
        assert verdict["id"] not in told, "no part is answered twice"
        assert answer["id"] in told


def test_a_camera_that_gives_nothing_is_answered_as_an_error(product, tmp_path, monkeypatch):
    monkeypatch.setattr(camera, "TRIGGER_S", 0.5)
    with (
        free_port() as port,
        hook(port) as receiver,
        watched_camera(product, tmp_path / "kept", port) as (client, gate),
    ):
        wait(lambda: trigger(client).status_code == 200)
        gate.open.clear()
        time.sleep(0.3)
        answer = trigger(client)
        assert (answer.status_code, answer.json()["verdict"]) == (503, "error")
        assert answer.json()["error"] == "no picture: none within 0.5 s"
        wait(lambda: receiver.taken[-1]["record"] == answer.json()["id"])
        before = len(records(client))
        gate.open.set()
        time.sleep(0.5)  # the frame comes, and nobody asks for it any more
        assert len(records(client)) == before


def test_the_api_is_held_to_the_deadline_and_people_are_not(product, tmp_path):
    with open_station(tmp_path / "kept", product, deadline_s=0.0001) as client:
        late = client.post("/api/inspect/part?name=a.png", content=picture(1))
        assert (late.status_code, late.json()["verdict"]) == (504, "error")
        page = client.post("/api/inspect/part?name=b.png&source=page", content=picture(2))
        assert page.json()["verdict"] in JUDGED
        wait(lambda: sum(one["verdict"] in JUDGED for one in records(client)) == 2)


@pytest.mark.parametrize(("text", "seconds"), [("800ms", 0.8), ("1.5s", 1.5), ("2", 2.0)])
def test_a_deadline_as_people_write_it(text, seconds):
    assert parse_deadline(text) == pytest.approx(seconds)


def test_a_deadline_that_is_no_time_is_refused():
    with pytest.raises(ValueError, match="--deadline must be a time such as 800ms"):
        parse_deadline("soon")


def test_what_a_message_says_of_the_part():
    assert read_trigger(b"part 77") == read_trigger(b"7") == Trigger("mqtt")
    assert read_trigger(b'{"serial": "A17", "job": "4"}') == Trigger("mqtt", "A17", "4")
    for payload, words in (
        (b'{"serial": 17}', "serial must be a text in quotes; got 17"),
        (json.dumps({"job": "4" * 65}).encode(), "job must have 64 characters at most"),
    ):
        with pytest.raises(ValueError, match=words):
            read_trigger(payload)

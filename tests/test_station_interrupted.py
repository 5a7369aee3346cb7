"""What a kill interrupts between trigger and verdict is answered once, at every receiver."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from camera_parts import Gate, Scene, camera_options, jpeg_camera, part_cameras
from controller_parts import block_of, modbus_client, read_modbus, request_s7, write_texts
from output_parts import connection, hook
from part_files import VIEWS
from station_parts import StationProcess, free_port, open_station, run_station, wait

from goldensample.station.line.controller_words import ERRORS, VERDICTS, read_fields
from goldensample.station.records.parts import INTERRUPTED, PartRecord
from receiver_parts import Receivers, answer_of, has_delivered, opcua_reader

LAST = VIEWS[-1]


@contextmanager
def front_camera() -> Iterator[tuple[list[str], threading.Event]]:
    """A camera that is of no part, and its light."""
    gate = Gate()
    with jpeg_camera(gate.frame, 20) as url:
        try:
            yield [f"front={url}"], gate.open
        finally:
            gate.open.set()


@contextmanager
def bracket_cameras() -> Iterator[tuple[list[str], threading.Event]]:
    """A camera for each view of a part, and the light of the last."""
    scene = Scene()
    with part_cameras(scene) as urls:
        yield urls, scene.open[LAST]


def records(station: StationProcess) -> list[tuple[int, str | None, str]]:
    """Number, serial number and note of each record, the oldest first."""
    found = station.client.get("/api/records", params={"limit": 1000}).json()["records"][::-1]
    return [(one["id"], one["serial"], one["note"]) for one in found]


@pytest.mark.parametrize(
    ("key", "file", "cameras", "count"),
    [
        ("part", "product", front_camera, 0),
        ("bracket", "bracket", bracket_cameras, len(VIEWS)),
    ],
)
def test_a_trigger_that_a_kill_interrupts_is_told_to_all(
    key, file, cameras, count, request, tmp_path
):
    file = request.getfixturevalue(file)
    with ExitStack() as stack:
        receivers = Receivers(stack, tmp_path, key)
        urls, light = stack.enter_context(cameras())
        options = [*receivers.options, *camera_options(*urls)]
        with (
            run_station(tmp_path / "kept", [file], *options) as station,
            modbus_client(receivers.modbus_port) as controller,
        ):
            wait(lambda: read_modbus(controller).bit(0))
            write_texts(controller, b"A1", b"1")
            assert not controller.write_coil(0, True, device_id=1).isError()
            first = wait(lambda: (one := read_modbus(controller)).number and one)
            light.clear()
            time.sleep(0.3)  # what is under way has come
            wait(lambda: read_modbus(controller).bit(0) and has_delivered(station))
            request_s7(receivers.block, 7, 0, b"A2", b"2")
            wait(lambda: block_of(receivers.block).requested == 7)
            before = records(station)
            station.kill()
        light.set()
        assert {serial for _, serial, _ in before} == {"A1"}
        with (
            run_station(tmp_path / "kept", [file], *options) as station,
            modbus_client(receivers.modbus_port) as controller,
        ):
            shown = read_modbus(controller)
            assert shown.number > first.number, "a new number"
            assert (shown.verdict, shown.error) == (VERDICTS["error"], ERRORS["interrupted"])
            assert (shown.serial.rstrip(b"\0"), shown.job.rstrip(b"\0")) == (b"A2", b"2")
            assert [view[:2] for view in shown.each_view] == [(4, 4)] * count
            assert shown.milliseconds > 0, "since the trigger"
            assert shown.bit(2), "new"
            wait(lambda: block_of(receivers.block).number == shown.number)
            assert answer_of(block_of(receivers.block)) == answer_of(shown)
            assert block_of(receivers.block).requested == 7, "it is not taken once more"
            told = [(first.number, "A1"), (shown.number, "A2")]
            with opcua_reader(receivers.endpoint, key) as reader:
                wait(lambda: reader.seen and has_delivered(station))
            assert reader.seen == [(shown.number, "error", "A2")]
            assert [(number, serial) for number, _, serial in receivers.published()] == told
            assert receivers.posted() == receivers.published()
            assert receivers.posted()[-1:] == reader.seen
            added = records(station)[len(before) :]
            assert [one[1:] for one in added] == [("A2", INTERRUPTED)] * max(count, 1)
            wait(lambda: read_modbus(controller).bit(0))
            station.kill()
        with (
            run_station(tmp_path / "kept", [file], *options) as station,
            modbus_client(receivers.modbus_port) as controller,
        ):
            shown = read_modbus(controller)
            assert (shown.error, shown.bit(2)) == (ERRORS["interrupted"], False), "not new"
            assert records(station) == [*before, *added], "it is answered once"
            assert len(receivers.published()) == len(receivers.posted()) == 2


def under_way(folder: Path) -> set[str]:
    """Serial numbers of the triggers that a killed station has left without an answer."""
    with closing(sqlite3.connect(folder / "records.sqlite")) as database:
        return {serial for (serial,) in database.execute("SELECT serial FROM parts")}


def test_no_trigger_is_lost_or_told_twice_in_kills(product, tmp_path):
    """Two cameras, three kills: what the database keeps without an answer is told, nothing else."""
    answered: dict[str, int] = {}
    interrupted: set[str] = set()

    def use(station: StationProcess, camera: str, turn: int) -> None:
        with suppress(httpx.TransportError):
            for number in range(1000):
                serial = f"{turn}-{camera}-{number}"
                address = f"{station.url}/api/cameras/{camera}/trigger"
                answer = httpx.post(address, params={"serial": serial}, timeout=120)
                answered[serial] = answer.json()["id"]

    with ExitStack() as stack:
        port = stack.enter_context(free_port())
        receiver = stack.enter_context(hook(port))
        gates = {name: Gate() for name in ("front", "rear")}
        urls = [
            f"{name}={stack.enter_context(jpeg_camera(gate.frame, 20))}"
            for name, gate in gates.items()
        ]
        for gate in gates.values():
            stack.callback(gate.open.set)  # a camera that waits for light does not close
        options = ["--webhook", f"http://127.0.0.1:{port}/", *camera_options(*urls)]
        for turn in range(3):
            before = len(answered)
            with run_station(tmp_path / "kept", [product], *options) as station:
                threads = [
                    threading.Thread(target=use, args=(station, camera, turn))
                    for camera in ("front", "rear")
                ]
                for thread in threads:
                    thread.start()
                wait(lambda before=before, turn=turn: len(answered) > before + turn)
                if turn == 2:  # one kill is sure to come between trigger and verdict
                    for gate in gates.values():
                        gate.open.clear()
                    wait(lambda: under_way(tmp_path / "kept"))
                station.kill()
                for thread in threads:
                    thread.join()
            interrupted |= under_way(tmp_path / "kept")
        for gate in gates.values():
            gate.open.set()
        with run_station(tmp_path / "kept", [product], *options) as station:
            wait(lambda: not connection(station.client, "webhook")["waiting"])
            kept = [(serial, number) for number, serial, _ in records(station)]
    told = {one["record"]: one for one in receiver.taken}  # at least once may be twice
    assert [(one["serial"], number) for number, one in sorted(told.items())] == kept
    assert len(dict(kept)) == len(kept), "a trigger has one number, and so one answer"
    assert set(answered.items()) <= set(kept)
    assert {one["serial"] for one in told.values() if one["note"] == INTERRUPTED} == interrupted
    assert under_way(tmp_path / "kept") == set()


def test_a_trigger_that_was_answered_as_late_is_not_answered_once_more(product, tmp_path):
    with front_camera() as (urls, light):
        options = [*camera_options(*urls), "--deadline", "2s"]
        with run_station(tmp_path / "kept", [product], *options) as station:
            address = "/api/cameras/front/trigger"
            wait(lambda: station.client.post(address).status_code == 200)
            light.clear()
            time.sleep(0.3)  # what is under way has come
            assert station.client.post(address).status_code == 504
            answered = records(station)
            station.kill()
        with run_station(tmp_path / "kept", [product], *options) as station:
            assert records(station) == answered


def test_a_clock_that_was_set_back_and_a_product_that_is_gone(bracket, tmp_path):
    """A computer without a battery for its clock begins anew in the past."""
    with open_station(tmp_path / "kept", bracket) as client:
        station = client.app.state.station
        for key in ("bracket", "top", "gone"):
            station.ledger.parts.begin(
                PartRecord(
                    product=key,
                    serial=f"{key}1",
                    job="",
                    operator="",
                    source="camera",
                    time=time.time() + 3600,
                )
            )
        for _ in range(2):  # a second start has nothing to answer
            station.answer_interrupted()
            found = client.get("/api/records").json()["records"][::-1]
            assert [one["serial"] for one in found] == [*["bracket1"] * len(VIEWS), "top1"]
            assert {one["note"] for one in found} == {INTERRUPTED}
        for key in ("bracket", "top"):
            shown = read_fields(station.image.words(key))
            assert (shown["error"], shown["milliseconds"]) == (ERRORS["interrupted"], 0)
        words = [one["words"] for one in client.get("/api/changes").json()["changes"]]
        assert words == ["3 parts under way when the station stopped: no verdict"]

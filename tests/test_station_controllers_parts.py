"""Parts through real cameras, a real station and real receivers: each is answered once."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from asyncua import Client
from camera_parts import jpeg_camera
from controller_parts import (
    Block,
    acknowledge,
    block_of,
    modbus_client,
    read_modbus,
    request_s7,
    s7_controller,
    write_texts,
)
from genicam_parts import virtual_producer
from output_parts import broker, listener
from part_files import VIEWS, fit_views, make_part, view_pixels
from station_parts import StationProcess, free_port, run_station, wait

from goldensample.images.codec import encode_jpeg
from goldensample.station.line.controller_words import ERRORS, VERDICTS
from goldensample.station.records.parts import INTERRUPTED

PARTS = 12


@pytest.fixture(scope="module")
def views(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    fit_views(tiny, folder)
    return folder


@pytest.fixture
def bracket(views, tmp_path):
    return make_part(views, tmp_path / "files")


class Scene:
    """What the cameras see: a good part, or one with a defect in a view; views may be dark."""

    def __init__(self) -> None:
        self.defect, self.light = "", threading.Event()
        self.light.set()

    def frame(self, view: str, number: int) -> bytes:
        if view == VIEWS[-1]:
            self.light.wait()
        return encode_jpeg(view_pixels(view, 20 + number % 100, view == self.defect), 95)


@contextmanager
def cameras(scene: Scene) -> Iterator[list[str]]:
    """Run a camera for each view; give the options of the command line."""
    with ExitStack() as stack:
        options = ["--every", "0"]
        for view in VIEWS:
            frames = jpeg_camera(lambda number, view=view: scene.frame(view, number), 20)
            options += ["--camera", f"bracket/{view}={stack.enter_context(frames)}"]
        try:
            yield options
        finally:
            scene.light.set()


class OpcUaReader(threading.Thread):
    """A client that subscribes to the number of the part; notes number, verdict and serial."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(daemon=True)
        self._endpoint, self._ended = endpoint, threading.Event()
        self.seen: list[tuple[int, str, str]] = []

    def run(self) -> None:
        asyncio.run(self._read())

    async def _read(self) -> None:
        async with Client(self._endpoint) as client:
            space = await client.get_namespace_index("urn:goldensample:station")
            node = client.get_node(f"ns={space};s=bracket.Message")
            subscription = await client.create_subscription(20, self)
            await subscription.subscribe_data_change(node, queuesize=100)
            await asyncio.to_thread(self._ended.wait)

    def datachange_notification(self, node, value, data) -> None:
        if value:
            told = json.loads(value)
            self.seen.append((told["record"], told["verdict"], told["serial"]))

    def close(self) -> None:
        self._ended.set()
        self.join()


class Receivers:
    """A Modbus client, an S7 controller, an OPC UA client and a subscriber of a broker."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        ports = [stack.enter_context(free_port()) for _ in range(4)]
        self.modbus_port, s7, opcua, mqtt = ports
        self.endpoint = f"opc.tcp://127.0.0.1:{opcua}"
        self.block = stack.enter_context(s7_controller(s7))
        stack.enter_context(broker(folder, mqtt))
        self.messages = stack.enter_context(listener(mqtt, "line/bracket/verdict"))
        self.options = ["--modbus", f"modbus://127.0.0.1:{self.modbus_port}"]
        self.options += ["--s7", f"s7://127.0.0.1:{s7}/DB10", "--opcua", self.endpoint]
        self.options += ["--mqtt", f"mqtt://127.0.0.1:{mqtt}/line"]

    def published(self) -> list[tuple[int, str, str]]:
        """What the broker got: number, verdict and serial number."""
        told = [json.loads(one.payload) for one in self.messages]
        return [(one["record"], one["verdict"], one["serial"]) for one in told]


def answer_of(block: Block) -> tuple[int, int, int, bytes, tuple]:
    """What a controller reads of a part."""
    return block.number, block.verdict, block.error, block.serial, block.each_view


def parts_of(station: StationProcess) -> list[dict]:
    """The station's records of parts, the oldest first."""
    answer = station.client.get("/api/parts/bracket", params={"limit": 1000}).json()
    return answer["parts"][::-1]


def test_each_part_is_one_answer_at_every_controller(bracket, tmp_path):
    """A controller triggers one part after the other, and reads verdict and views of each."""
    scene, seen = Scene(), []
    with ExitStack() as stack:
        receivers = Receivers(stack, tmp_path)
        options = [*receivers.options, *stack.enter_context(cameras(scene))]
        station = stack.enter_context(run_station(tmp_path / "kept", [bracket], *options))
        controller = stack.enter_context(modbus_client(receivers.modbus_port))
        reader = OpcUaReader(receivers.endpoint)
        reader.start()
        stack.callback(reader.close)
        wait(lambda: read_modbus(controller).bit(0))
        for number in range(1, PARTS + 1):
            scene.defect = "left" if number % 4 == 0 else ""
            serial, before = f"S{number}".encode(), read_modbus(controller).number
            if number % 2:
                write_texts(controller, serial, b"J")
                assert not controller.write_coil(0, True, device_id=1).isError()
            else:
                request_s7(receivers.block, number, 0, serial, b"J")
            shown = wait(lambda b=before: (one := read_modbus(controller)).number != b and one)
            wait(lambda n=shown.number: block_of(receivers.block).number == n)
            assert answer_of(block_of(receivers.block)) == answer_of(shown)
            assert answer_of(read_modbus(controller, 100)) == answer_of(shown), "the part's block"
            acknowledge(controller, shown.number)
            seen.append((shown.number, shown.verdict, shown.serial.rstrip(b"\0").decode()))
            assert (shown.views, shown.job.rstrip(b"\0")) == (len(VIEWS), b"J")
            assert shown.verdict in (VERDICTS["good"], VERDICTS["defect"])
            assert all(error == 0 and score > 0 for _, error, score in shown.each_view)
        wait(lambda: len(receivers.published()) == len(reader.seen) == PARTS)
        blocks = station.client.get("/api/controller").json()["blocks"]
        assert [one["product"] for one in blocks] == ["", "bracket", *VIEWS]
        scores = [view["score"] for view in blocks[1]["each_view"]]
        assert scores == [score for _, _, score in shown.each_view]
        page = station.client.get("/controllers", headers={"accept": "text/html"}).text
        assert "<code>view 3 score</code>" in page
        assert "<code>view 4 score</code>" not in page
        records = parts_of(station)
        assert [one["serial"] for one in records] == [f"S{n}" for n in range(1, PARTS + 1)]
        told = [(number, VERDICTS[verdict], serial) for number, verdict, serial in reader.seen]
        assert told == seen, "no part without an answer, none answered twice"
        assert receivers.published() == reader.seen
        assert [VERDICTS[one["verdict"]] for one in records] == [verdict for _, verdict, _ in seen]
        assert {verdict for _, verdict, _ in seen} == {1, 3}


def test_industrial_cameras_take_the_views_of_a_part(bracket, tmp_path):
    """Virtual GenICam cameras, one a view; a controller triggers them at once."""
    options = ["--every", "0", "--producer", str(virtual_producer())]
    for number, view in enumerate(VIEWS):
        options += ["--camera", f"bracket/{view}=genicam:{number}"]
    with ExitStack() as stack:
        receivers, seen = Receivers(stack, tmp_path), []
        options += receivers.options
        station = stack.enter_context(run_station(tmp_path / "kept", [bracket], *options))
        controller = stack.enter_context(modbus_client(receivers.modbus_port))
        reader = OpcUaReader(receivers.endpoint)
        reader.start()
        stack.callback(reader.close)
        wait(lambda: station.client.post("/api/cameras/bracket/trigger").status_code == 200)
        wait(lambda: reader.seen)
        before = len(parts_of(station))
        for number in range(4):
            serial, last = f"V{number}".encode(), read_modbus(controller).number
            write_texts(controller, serial, b"")
            assert not controller.write_coil(0, True, device_id=1).isError()
            shown = wait(lambda b=last: (one := read_modbus(controller)).number != b and one)
            wait(lambda n=shown.number: block_of(receivers.block).number == n)
            assert answer_of(block_of(receivers.block)) == answer_of(shown)
            seen.append((shown.number, shown.serial.rstrip(b"\0").decode()))
        wait(lambda: len(receivers.published()) == before + 4)
        wait(lambda: receivers.published()[-1] == reader.seen[-1])
        assert [(number, serial) for number, _, serial in reader.seen[-4:]] == seen
        assert [(number, serial) for number, _, serial in receivers.published()[-4:]] == seen
        part = parts_of(station)[-1]
        views = station.client.get(f"/api/parts/bracket/{part['id']}").json()["views"]
        assert [one["frame"]["camera"] for one in views.values()] == ["0", "1", "2"]
        assert part["verdict"] in ("good", "defect")


def test_a_part_that_a_kill_interrupts_is_told_to_controllers(bracket, tmp_path):
    """kill -9 between trigger and verdict; after the restart the controllers have an answer."""
    scene = Scene()
    with ExitStack() as stack:
        receivers = Receivers(stack, tmp_path)
        options = [*receivers.options, *stack.enter_context(cameras(scene))]
        with (
            run_station(tmp_path / "kept", [bracket], *options) as station,
            modbus_client(receivers.modbus_port) as controller,
        ):
            wait(lambda: read_modbus(controller).bit(0))
            write_texts(controller, b"A1", b"1")
            assert not controller.write_coil(0, True, device_id=1).isError()
            first = wait(lambda: (one := read_modbus(controller)).number and one)
            scene.light.clear()
            wait(lambda: read_modbus(controller).bit(0))
            request_s7(receivers.block, 7, 0, b"A2", b"2")
            wait(lambda: block_of(receivers.block).requested == 7)
            wait(lambda: parts_of(station)[-1]["serial"] == "A2")
            station.kill()
        scene.light.set()
        with (
            run_station(tmp_path / "kept", [bracket], *options) as station,
            modbus_client(receivers.modbus_port) as controller,
        ):
            shown = read_modbus(controller)
            assert shown.number > first.number, "a new number"
            assert (shown.verdict, shown.error) == (VERDICTS["error"], ERRORS["interrupted"])
            assert (shown.serial.rstrip(b"\0"), shown.job.rstrip(b"\0")) == (b"A2", b"2")
            assert [view[:2] for view in shown.each_view] == [(4, 4)] * len(VIEWS)
            assert shown.bit(2), "new"
            wait(lambda: block_of(receivers.block).number == shown.number)
            assert answer_of(block_of(receivers.block)) == answer_of(shown)
            assert block_of(receivers.block).requested == 7, "it is not taken once more"
            reader = OpcUaReader(receivers.endpoint)
            reader.start()
            wait(lambda: reader.seen)
            wait(lambda: len(receivers.published()) == 2)
            assert reader.seen == receivers.published()[-1:] == [(shown.number, "error", "A2")]
            reader.close()
            records = parts_of(station)
            assert [one["verdict"] == "error" for one in records] == [False, True]
            assert records[-1]["note"] == INTERRUPTED
            wait(lambda: read_modbus(controller).bit(0))
            assert len(parts_of(station)) == 2
            station.kill()
        with (
            run_station(tmp_path / "kept", [bracket], *options),
            modbus_client(receivers.modbus_port) as controller,
        ):
            shown = read_modbus(controller)
            assert (shown.error, shown.bit(2)) == (ERRORS["interrupted"], False), "not new"
            assert len(receivers.published()) == 2, "it is answered once"


def test_a_part_whose_view_is_late_keeps_the_views_that_were_in_time(bracket, tmp_path):
    """One answer, "late", counted once; the late view gets a record of its own."""
    scene = Scene()
    with ExitStack() as stack:
        port = stack.enter_context(free_port())
        options = ["--modbus", f"modbus://127.0.0.1:{port}", "--deadline", "4s"]
        options += stack.enter_context(cameras(scene))
        station = stack.enter_context(run_station(tmp_path / "kept", [bracket], *options))
        controller = stack.enter_context(modbus_client(port))
        wait(lambda: station.client.post("/api/cameras/bracket/trigger").status_code == 200)
        before = read_modbus(controller)
        scene.light.clear()
        wait(lambda: read_modbus(controller).bit(0))
        assert not controller.write_coil(0, True, device_id=1).isError()
        shown = wait(lambda: (one := read_modbus(controller)).number != before.number and one)
        assert (shown.verdict, shown.error) == (VERDICTS["error"], ERRORS["late"])
        assert shown.late == before.late + 1, "a part, not its views"
        assert [error for _, error, _ in shown.each_view] == [0, 0, ERRORS["late"]]
        part = parts_of(station)[-1]
        views = station.client.get(f"/api/parts/bracket/{part['id']}").json()["views"]
        assert [one["verdict"] == "error" for one in views.values()] == [False, False, True]
        picture = f"/api/records/{views['top']['id']}/original"
        assert station.client.get(picture).is_success, "its picture is kept"
        scene.light.set()
        newest = wait(
            lambda: (
                (one := station.client.get("/api/records").json()["records"][0])["id"]
                > shown.number
                and one
            )
        )
        assert (newest["verdict"] in ("good", "defect"), newest["view"]) == (True, VIEWS[-1])
        assert newest["note"].startswith("late: the part was answered before")
        assert read_modbus(controller).number == shown.number, "it is answered once"

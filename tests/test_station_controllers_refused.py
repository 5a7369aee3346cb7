"""Triggers that find the camera busy, and what no controller should send: each has an answer."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from asyncua import Client, ua
from camera_parts import Gate, jpeg_camera
from controller_parts import (
    block_of,
    modbus_client,
    read_modbus,
    request_s7,
    s7_controller,
    write_texts,
)
from output_parts import broker, connection, listener
from paho.mqtt import publish
from part_files import view_files
from pymodbus.client import ModbusTcpClient
from station_parts import StationProcess, free_port, open_station, run_station, wait

from goldensample.station.connections import Connections, connect
from goldensample.station.outputs.s7_requests import RESULTS

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3


@pytest.fixture
def ports() -> Iterator[list[int]]:
    with ExitStack() as stack:
        yield [stack.enter_context(free_port()) for _ in range(4)]


async def call_trigger(endpoint: str, *values: object) -> None:
    """Call the method that takes a picture."""
    async with Client(endpoint, timeout=30) as client:
        space = await client.get_namespace_index("urn:goldensample:station")
        method = client.get_node(f"ns={space};s=Trigger")
        await client.get_node(f"ns={space};s=GoldenSample").call_method(method, *values)


def count_records(station: StationProcess) -> int:
    return len(station.client.get("/api/records").json()["records"])


def test_every_way_to_trigger_hears_that_the_camera_is_busy(product, tmp_path, ports):
    modbus, s7, opcua, mqtt = ports
    endpoint, gate = f"opc.tcp://127.0.0.1:{opcua}", Gate()
    options = ["--modbus", f"modbus://127.0.0.1:{modbus}", "--opcua", endpoint]
    options += ["--s7", f"s7://127.0.0.1:{s7}/DB10", "--mqtt", f"mqtt://127.0.0.1:{mqtt}/line"]
    with (
        s7_controller(s7) as block,
        broker(tmp_path, mqtt),
        jpeg_camera(gate.frame, 20) as url,
        run_station(
            tmp_path / "kept", [product], *options, "--camera", f"front={url}", "--every", "0"
        ) as station,
        listener(mqtt, "line/camera/front/answer") as messages,
        modbus_client(modbus) as controller,
    ):
        wait(lambda: connection(station.client, "mqtt")["state"] == "working")
        wait(lambda: station.client.post("/api/cameras/front/trigger").status_code == 200)
        before = count_records(station)
        refused = read_modbus(controller).refused
        gate.open.clear()
        wait(lambda: read_modbus(controller).bit(0))
        answers: list[int] = []
        address = "/api/cameras/front/trigger?serial=A1"

        def first() -> None:
            answers.append(station.client.post(address).status_code)

        waiting = threading.Thread(target=first)
        waiting.start()
        wait(lambda: read_modbus(controller).bit(1))
        busy = station.client.post("/api/cameras/front/trigger")
        assert (busy.status_code, busy.json()["busy"]) == (409, refused + 1)
        write_texts(controller, b"A2", b"")
        assert controller.write_coil(0, True, device_id=1).exception_code == 6
        kept = controller.read_holding_registers(7000, count=1, device_id=1).registers
        assert kept == [int.from_bytes(b"A2", "big")], "for the next try"
        with pytest.raises(ua.UaStatusCodeError, match="BadInvalidState"):
            asyncio.run(call_trigger(endpoint, "front", "A3", ""))
        request_s7(block, 1, 0, b"A4", b"")
        wait(lambda: block_of(block).requested == 1)
        assert block_of(block).result == RESULTS["busy"]
        publish.single("line/camera/front/trigger", '{"serial": "A5"}', 1, port=mqtt)
        wait(lambda: messages)
        told = json.loads(messages[0].payload)
        assert (told["busy"], told["request"]) == (refused + 5, '{"serial": "A5"}')
        assert read_modbus(controller).refused == refused + 5, "each is counted"
        gate.open.set()
        waiting.join()
        assert answers == [200]
        assert count_records(station) == before + 1, "those that were refused are no part"


def send_raw(port: int, data: bytes) -> bytes:
    """Send bytes to the Modbus server; return what it answers until it is silent for a while."""
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
        one.settimeout(2)
        try:
            return one.recv(4096)
        except (TimeoutError, ConnectionError):
            return b""


def exception_of(client: ModbusTcpClient, function: int, rest: bytes) -> int:
    """Send one well-framed request; return the code of the exception that answers it."""
    head = struct.pack(">HHHBB", 7, 0, 2 + len(rest), 1, function)
    answer = send_raw(client.comm_params.port, head + rest)
    assert answer[7] & 0x80, answer  # pymodbus leaves out the function where it cannot read it
    return answer[8]


def test_what_no_controller_should_send_is_refused_and_the_station_lives(product, tmp_path, ports):
    with (
        jpeg_camera(Gate().frame, 20) as url,
        run_station(
            *(tmp_path / "kept", [product], "--modbus", f"modbus://127.0.0.1:{ports[0]}"),
            *("--camera", f"front={url}", "--every", "0"),
        ) as station,
        modbus_client(ports[0]) as controller,
    ):
        wait(lambda: read_modbus(controller).bit(0))

        def write(address: int, *words: int) -> int:
            return controller.write_registers(address, list(words), device_id=1).exception_code

        for address in (0, 98, 100, 199, 6400, 7032, 7099, 7100, 13_399, 65_535):
            assert write(address, 1) == ILLEGAL_ADDRESS, address
        assert write(98, 1, 2, 3) == write(7031, 1, 2) == write(99, 1, 2) == ILLEGAL_ADDRESS
        for coils in ([True, True], [False, False, True]):
            code = controller.write_coils(0, coils, device_id=1).exception_code
            assert code == ILLEGAL_ADDRESS, "one camera, one coil"
        for address in (13_350, 65_535):
            found = controller.read_input_registers(address, count=60, device_id=1)
            assert found.exception_code == ILLEGAL_ADDRESS
        assert not any(controller.read_input_registers(6400, count=99, device_id=1).registers)
        for serial in (b"\xff\xfe", b"A\0B", "Ä1".encode()):
            write_texts(controller, serial, b"")
            assert controller.write_coil(0, True, device_id=1).exception_code == ILLEGAL_VALUE
        assert count_records(station) == 0
        for count in (0, 126, 65_535):
            assert exception_of(controller, 4, struct.pack(">HH", 0, count))
        assert exception_of(controller, 99, b"") == ILLEGAL_FUNCTION
        for data in (
            b"GET / HTTP/1.1\r\n\r\n" * 50,
            bytes(range(256)) * 64,
            struct.pack(">HHHBB", 1, 0, 65_535, 1, 16) + bytes(70_000),  # longer than allowed
            struct.pack(">HHHBB", 1, 7, 6, 1, 4) + bytes(4),  # another protocol
            struct.pack(">HHHB", 1, 0, 6, 1),  # broken off
            struct.pack(">HHHBBHHB", 1, 0, 7, 1, 16, 7000, 4, 8),  # fewer bytes than it says
        ):
            send_raw(ports[0], data)
        for _ in range(200):
            send = socket.create_connection(("127.0.0.1", ports[0]), 5)
            send.close()
        write_texts(controller, b"A9", b"7 ")
        assert not controller.write_coil(0, True, device_id=1).isError()
        shown = wait(lambda: (one := read_modbus(controller)).number and one)
        assert (shown.serial.rstrip(b"\0"), shown.job.rstrip(b"\0")) == (b"A9", b"7")
        assert station.client.get("/api/health").json()["connections"]


def test_an_s7_request_that_cannot_be_is_answered(product, tmp_path, ports):
    """One that was written while the station was away is not taken: its part may be gone."""
    options = ("--s7", f"s7://127.0.0.1:{ports[1]}/DB10", "--every", "0")
    with s7_controller(ports[1]) as block, jpeg_camera(Gate().frame, 20) as url:
        request_s7(block, 5, 0, b"A1", b"")
        with run_station(
            tmp_path / "kept", [product], *options, "--camera", f"front={url}"
        ) as station:
            for number, camera, serial, result in (
                (5, 0, b"A1", "not now"),
                (6, 0, b"\xc4", "text"),
                (7, 1, b"", "no camera"),
            ):
                request_s7(block, number, camera, serial, b"")
                wait(lambda n=number: block_of(block).requested == n)
                assert block_of(block).result == RESULTS[result]
            assert count_records(station) == 0
            wait(lambda: station.client.post("/api/cameras/front/trigger").status_code == 200)
            request_s7(block, 65_535, 0, b"A2", b"")
            wait(lambda: block_of(block).serial.rstrip(b"\0") == b"A2")
            assert (block_of(block).requested, block_of(block).result) == (65_535, 1)


def test_hostile_parts_and_triggers_are_refused_in_words(bracket, tmp_path):
    with (
        jpeg_camera(Gate().frame, 20) as url,
        open_station(tmp_path / "kept", bracket, limit_bytes=1 << 20) as client,
    ):
        connections = Connections(cameras=[f"top/front={url}"], every_s=0.0)
        connect(client.app.state.station, connections)

        def post(path: str, **values) -> int:
            answer = client.post(path, **values)
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            assert answer.json().get("error") or answer.json().get("note"), answer.text
            return answer.status_code

        front = "/api/cameras/front/trigger"
        assert post(f"{front}?serial={'x' * 256}") == post(f"{front}?job={'x' * 65}") == 422
        assert post("/api/cameras/none/trigger") == post("/api/cameras/%2e%2e/trigger") == 404
        good = view_files(20)
        parts = "/api/parts/bracket"
        form = [(view, (f"{view}.png", data)) for view, data in good.items()]
        assert post("/api/parts/none", files=form) == 404
        assert post(f"{parts}?serial={'x' * 256}", files=form) == 422
        assert post(parts, json={"top": 1}) in (400, 415, 422)
        assert (
            post(parts, content=b"--b\r\n", headers={"content-type": "multipart/form-data"}) < 500
        )
        unknown = [("side", ("side.png", good["top"]))]
        assert post(parts, files=unknown) in (400, 422)
        twice = [*form, form[0]]
        assert post(parts, files=twice) in (400, 422)
        texts = dict.fromkeys(good, "no file")
        assert post(parts, data=texts) in (400, 415, 422)
        assert post(parts, files=[("top", ("top.png", bytes(2 << 20)))]) == 422
        assert "bytes at most" in client.get(parts).json()["parts"][0]["note"]
        assert post(parts, files=[(view, ("a.png", b"no picture")) for view in good]) == 422
        answer = client.post(parts, files=form)
        assert (answer.status_code, answer.json()["verdict"]) == (200, "good")
        under_way = client.get(parts).json()["parts"]
        assert all(one["verdict"] for one in under_way), "none is left half done"

"""Every controller reads the same verdict with the same number, whoever gave the trigger."""

import asyncio
import json
import re
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from asyncua import Client, ua
from camera_parts import Gate, jpeg_camera
from controller_parts import (
    acknowledge,
    block_of,
    modbus_client,
    read_modbus,
    request_s7,
    s7_controller,
    text_of,
    write_texts,
)
from output_parts import broker, connection, hook, inspect, listener, records_of
from paho.mqtt import publish
from station_parts import free_port, run_station, wait

from goldensample.station.line.controller_image import ControllerImage, heartbeat
from goldensample.station.line.controller_words import (
    ACKNOWLEDGE,
    ERRORS,
    FIELDS,
    VERDICTS,
    error_code,
    read_fields,
    verdict_bytes,
)
from goldensample.station.line.triggers import Trigger, TriggerBusyError, Triggers
from goldensample.station.outputs.modbus import Modbus
from goldensample.station.outputs.s7 import S7
from goldensample.station.records.parts import INTERRUPTED, PartRecord, whole_part
from goldensample.station.records.rows import Record
from goldensample.station.troubles import Trouble


@pytest.fixture
def ports() -> Iterator[list[int]]:
    with ExitStack() as stack:
        yield [stack.enter_context(free_port()) for _ in range(4)]


async def opcua_values(endpoint: str) -> dict[str, object]:
    """Read what the OPC UA server says of the product and of the station."""
    names = ["part.Record", "part.Verdict", "Heartbeat", "State", "AutomaticModeState", "Ready"]
    async with Client(endpoint) as client:
        space = await client.get_namespace_index("urn:goldensample:station")
        nodes = [client.get_node(f"ns={space};s={name}") for name in names]
        return dict(zip(names, [await node.read_value() for node in nodes], strict=True))


async def opcua_trigger(endpoint: str, *values: object) -> dict[str, object]:
    """Call the method that takes a picture."""
    async with Client(endpoint, timeout=30) as client:
        space = await client.get_namespace_index("urn:goldensample:station")
        method = client.get_node(f"ns={space};s=Trigger")
        answer = await client.get_node(f"ns={space};s=GoldenSample").call_method(method, *values)
        arguments = await (await method.get_child("0:OutputArguments")).read_value()
        return {one.Name: value for one, value in zip(arguments, answer, strict=True)}


def test_all_controllers_read_the_same_verdict_with_the_same_number(product, tmp_path, ports):
    modbus, s7, opcua, mqtt = ports
    endpoint = f"opc.tcp://127.0.0.1:{opcua}"
    options = ["--modbus", f"modbus://127.0.0.1:{modbus}", "--opcua", endpoint]
    options += ["--s7", f"s7://127.0.0.1:{s7}/DB10", "--mqtt", f"mqtt://127.0.0.1:{mqtt}/line"]
    with (
        s7_controller(s7) as block,
        broker(tmp_path, mqtt),
        jpeg_camera(Gate().frame, 20) as url,
        run_station(
            tmp_path / "kept", [product], *options, "--camera", f"front={url}", "--every", "0"
        ) as station,
        listener(mqtt, "line/#") as messages,
        modbus_client(modbus) as controller,
    ):

        def check(number: int) -> None:
            """All outputs show a record."""
            verdict = station.client.get(f"/api/records/{number}").json()["verdict"]
            code = VERDICTS[verdict]
            wait(lambda: records_of(messages)[-1:] == [number])
            told = json.loads(
                [one.payload for one in messages if one.topic == "line/part/verdict"][-1]
            )
            assert told["verdict"] == verdict
            for start in (0, 100):  # the station's block, and the product's
                shown = read_modbus(controller, start)
                assert (shown.number, shown.verdict, shown.error) == (number, code, 0)
                assert shown.score == pytest.approx(told["score"], rel=1e-6)
                assert told["name"].encode()[-32:] == shown.name.rstrip(b"\0")
            wait(lambda: block_of(block).number == number)
            assert (block_of(block).verdict, block_of(block).name) == (code, shown.name)
            values = wait(
                lambda: (v := asyncio.run(opcua_values(endpoint)))["part.Record"] == number and v
            )
            assert values["part.Verdict"] == verdict

        assert read_modbus(controller).number == 0
        assert read_modbus(controller).verdict == 0
        bad = inspect(station, 314, defect=True)
        check(bad["id"])
        good = station.client.post("/api/cameras/front/trigger").json()
        check(good["id"])
        assert good["frame"]["trigger"] == "http"
        write_texts(controller, b"A75", b"4709")
        assert not controller.write_coil(0, True, device_id=1).isError()
        wait(lambda: not controller.read_coils(0, count=1, device_id=1).bits[0])
        check(good["id"] + 1)
        shown = read_modbus(controller)
        assert (text_of(shown.serial), text_of(shown.job)) == ("A75", "4709")
        emptied = controller.read_holding_registers(7000, count=32, device_id=1).registers
        assert not any(emptied), "the next part does not get them"
        called = asyncio.run(opcua_trigger(endpoint, "front", "A76", "4710"))
        assert (called["Serial"], called["Job"], called["Error"]) == ("A76", "4710", 0)
        check(called["Record"])
        request_s7(block, 1, 0, b"A78", b"4712 ")
        wait(lambda: block_of(block).requested == 1)
        assert block_of(block).result == 1, "taken"
        wait(lambda: block_of(block).number == called["Record"] + 1)
        check(called["Record"] + 1)
        assert (text_of(block_of(block).serial), text_of(block_of(block).job)) == ("A78", "4712")
        request_s7(block, 2, 5, b"", b"")
        wait(lambda: block_of(block).requested == 2)
        assert block_of(block).result == 3, "there is no such camera"
        wait(lambda: connection(station.client, "opcua")["state"] == "working")
        text = json.dumps({"serial": "A77", "job": "4711"})
        publish.single("line/camera/front/trigger", text, 1, port=mqtt)
        wait(lambda: any(one.topic.endswith("/answer") for one in messages))
        answer = json.loads(
            next(one.payload for one in messages if one.topic == "line/camera/front/answer")
        )
        assert (answer["request"], answer["product"]) == (text, "part")
        assert (answer["serial"], answer["job"]) == ("A77", "4711")
        check(answer["record"])
        with pytest.raises(ua.UaStatusCodeError, match="BadNotFound"):
            asyncio.run(opcua_trigger(endpoint, "rear", "", ""))
        assert controller.write_coil(7, True, device_id=1).exception_code == 2
        found = station.client.get("/api/records").json()["records"][::-1]
        ways = [(one["frame"] or {}).get("trigger") for one in found]
        assert ways == [None, "http", "modbus", "opcua", "s7", "mqtt"]
        numbers = [one["id"] for one in found]
        assert records_of(messages) == numbers, "no part without an answer, none answered twice"
        wait(lambda: asyncio.run(opcua_values(endpoint))["AutomaticModeState"] == "Ready")
        first = asyncio.run(opcua_values(endpoint))
        assert (first["State"], first["Ready"]) == ("Operational", True)
        wait(lambda: asyncio.run(opcua_values(endpoint))["Heartbeat"] != first["Heartbeat"])
        wait(lambda: connection(station.client, "s7")["state"] == "working")
        assert connection(station.client, "modbus")["state"] == "working"


def test_the_handshake_of_a_controller(product, tmp_path, ports):
    """Trigger, busy, verdict, acknowledge, ready; a second trigger meanwhile is refused."""
    gate = Gate()
    with (
        jpeg_camera(gate.frame, 20) as url,
        run_station(
            *(tmp_path / "kept", [product], "--modbus", f"modbus://127.0.0.1:{ports[0]}"),
            *("--camera", f"front={url}", "--every", "0"),
        ) as station,
        modbus_client(ports[0]) as controller,
    ):
        wait(lambda: read_modbus(controller).bit(0))
        gate.open.clear()
        assert not controller.write_coil(0, True, device_id=1).isError()
        shown = read_modbus(controller)
        assert (shown.bit(0), shown.bit(1)) == (False, True), "busy, not ready"
        assert controller.read_coils(0, count=1, device_id=1).bits[0]
        refused = controller.write_coil(0, True, device_id=1)
        assert refused.exception_code == 6, "the server is busy"
        assert read_modbus(controller).refused == 1
        gate.open.set()
        shown = wait(lambda: (one := read_modbus(controller)).number and one)
        assert (shown.bit(0), shown.bit(1), shown.bit(2)) == (True, False, True)
        flags = [shown.bit(bit) for bit in (4, 5, 6, 7)]
        assert flags == [shown.verdict == code for code in (1, 2, 3, 4)]
        bits = controller.read_discrete_inputs(0, count=8, device_id=1).bits
        assert bits == [shown.bit(bit) for bit in range(8)]
        acknowledge(controller, shown.number)
        assert not read_modbus(controller).bit(2)
        assert not controller.write_coil(0, True, device_id=1).isError()
        shown = wait(lambda: (one := read_modbus(controller)).bit(2) and one)
        assert not shown.bit(0), "not ready before the verdict is acknowledged"
        acknowledge(controller, shown.number)
        assert read_modbus(controller).bit(0)
        assert controller.write_register(3, 1, device_id=1).exception_code == 2
        assert len(station.client.get("/api/records").json()["records"]) == 2


def test_a_controller_that_is_away_is_told_and_gets_the_last_verdict(product, tmp_path, ports):
    with run_station(
        tmp_path / "kept", [product], "--s7", f"s7://127.0.0.1:{ports[1]}/10?slot=2"
    ) as station:
        wait(lambda: connection(station.client, "s7")["state"] == "trouble")
        record = inspect(station, 7)
        with s7_controller(ports[1]) as block:
            wait(lambda: block_of(block).number == record["id"])
            assert block_of(block).bit(2)
            block[198:200] = struct.pack(">H", record["id"])
            wait(lambda: not block_of(block).bit(2))


def record(**values) -> Record:
    texts = {"product": "part", "name": "a.png", "source": "api", "operator": "", "note": ""}
    limits = {"limit_score": 2.0, "limit_review": None, "limit_pixel": None, "p_value": None}
    facts = {"regions": [], "height": 1, "width": 1, "revision": 0, "picture_bytes": 0}
    files = {"file_sha256": "", "picture_sha256": "", "heat_sha256": None}
    common = {"id": 70_000, "time": 0.0, "milliseconds": 31.4, "verdict": "good", "score": 1.5}
    return Record(**{**texts, **limits, **facts, **files, **common, **values})


@pytest.mark.parametrize(
    ("values", "code", "error", "score"),
    [
        ({}, 1, 0, 1.5),
        ({"verdict": "review"}, 2, 0, 1.5),
        ({"verdict": "defect", "score": 3.25}, 3, 0, 3.25),
        ({"verdict": None}, 5, 0, 1.5),
        ({"verdict": "error", "score": None, "note": "no picture: none"}, 4, 2, -1.0),
        ({"verdict": "error", "score": None, "note": "late: no verdict"}, 4, 3, -1.0),
        ({"verdict": "error", "score": None, "note": "it is damaged"}, 4, 1, -1.0),
    ],
)
def test_the_words_of_a_verdict(values, code, error, score):
    words = struct.unpack(">11H", verdict_bytes(record(**values)))
    assert (words[0] << 16 | words[1], words[2], words[3]) == (70_000, code, error)
    assert struct.unpack(">f", struct.pack(">HH", *words[4:6])) == (score,)
    assert words[8] << 16 | words[9] == 31


def test_the_image_is_of_each_product_and_of_any():
    image = ControllerImage(Triggers(), SimpleNamespace(waiting=0, late=3), lambda: False)
    assert image.words()[2:5] == [0, 0, 0]
    image.answer(record(name="front of the part with a long name, number 4711.png"))
    image.answer(record(id=70_001, product="lid", verdict="defect"))
    assert image.words()[2:5] == image.words("lid")[2:5] == [1, 4465, 3]
    assert image.words("part")[2:5] == [1, 4464, 1]
    assert image.words()[14] == 3
    name = struct.pack(">16H", *image.words("part")[16:32])
    assert name == b"a long name, number 4711.png".rjust(32, b" ") or name.endswith(b"4711.png")
    assert image.words("other")[4] == 0
    assert abs(image.words()[0] - heartbeat()) <= 1


def idle_image() -> ControllerImage:
    return ControllerImage(Triggers(), SimpleNamespace(waiting=0, late=0), lambda: False)


def test_a_verdict_waits_for_the_acknowledgement_of_the_one_before():
    """Of two that come at once, a controller that acknowledges reads both, in order."""
    image = idle_image()
    image.answer(record(id=70_001))
    image.answer(record(id=70_002))
    assert read_fields(image.words())["number"] == 70_002, "nobody has acknowledged before"
    image.acknowledge(70_002 & 0xFFFF)
    for number in (70_003, 70_004, 70_005):
        image.answer(record(id=number))
    for number in (70_003, 70_004, 70_005):
        assert read_fields(image.words())["number"] == number
        assert image.signals().ready is False
        image.acknowledge(1)
        assert read_fields(image.words())["number"] == number, "another number says nothing"
        image.acknowledge(number & 0xFFFF)
    assert (image.signals().ready, image.shown) == (True, 5)
    for number in range(80_000, 80_102):
        image.answer(record(id=number))
    assert read_fields(image.words())["number"] == 80_101, "it is not held for ever"
    assert (image.signals().ready, image.shown) == (True, 107)


def test_addresses_of_controllers_are_checked():
    image, trouble = idle_image(), Trouble
    for url in ("s7://host", "s7://host/DBx", "s7://host/DB1?rak=1", "http://host/DB1"):
        with pytest.raises(ValueError, match="--s7 must be s7://host"):
            S7(url, image, Triggers(), trouble("", lambda _: None, lambda *_: None))
    with pytest.raises(ValueError, match="--modbus must be modbus://host:port"):
        Modbus("tcp://host", image, Triggers(), list)


def test_many_triggers_at_once_are_each_answered_once():
    """One camera, many who ask: one picture, all others hear that it is busy."""
    triggers, taken = Triggers(), []

    def take(by: str):
        if taken:
            raise TriggerBusyError("front")
        taken.append(by)
        return

    triggers.add("front", take, lambda: bool(taken))
    triggers.add("front", take, lambda: False)
    assert triggers.cameras == ["front", "front 2"]

    def fire(_: int) -> bool:
        try:
            triggers.fire("front", Trigger("http"))
        except TriggerBusyError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(fire, range(200)))
    assert sum(answers) == len(taken) == 1
    count = triggers.counts()["front"]
    assert (count.asked, count.busy) == (200, 199)


def test_the_table_of_words_in_the_documentation_is_what_is_sent():
    page = Path(__file__).parent.parent / "docs/how-to/controllers.md"
    rows = re.findall(r"^\| (\d+)[^|]*\| (\d+) \| (\w+) \|", page.read_text("utf-8"), re.MULTILINE)
    told = {name: (int(word), int(byte)) for word, byte, name in rows}
    sent = {name: (word, 2 * word) for name, (word, _) in FIELDS.items()}
    assert told == {**sent, "acknowledge": (ACKNOWLEDGE, 2 * ACKNOWLEDGE)}
    image = idle_image()
    image.answer(record())
    found = read_fields(image.words())
    assert (found["number"], found["name"], found["limit"]) == (70_000, "a.png", 2.0)
    assert {name: struct.calcsize(kind) // 2 for name, (_, kind) in FIELDS.items()}["name"] == 16


def test_a_test_reaches_each_receiver_and_is_no_record(product, tmp_path, ports):
    modbus, s7, opcua, web = ports
    endpoint = f"opc.tcp://127.0.0.1:{opcua}"
    options = ["--modbus", f"modbus://127.0.0.1:{modbus}", "--opcua", endpoint]
    options += ["--s7", f"s7://127.0.0.1:{s7}/DB10", "--webhook", f"http://127.0.0.1:{web}/"]
    with (
        s7_controller(s7) as block,
        hook(web) as receiver,
        run_station(tmp_path / "kept", [product], *options) as station,
        modbus_client(modbus) as controller,
    ):
        record = inspect(station, 5)
        wait(lambda: len(receiver.taken) == 1)
        for kind in ("webhook", "modbus", "s7", "opcua"):
            assert station.client.post(f"/api/outputs/{kind}/test").json() == {"tested": 1}
        wait(lambda: len(receiver.taken) == 2)
        told = receiver.taken[-1]
        assert (told["record"], told["verdict"]) == (0, "error")
        assert told["note"].startswith("test: no part, sent by")
        shown = read_modbus(controller)
        assert (shown.number, shown.verdict, shown.error) == (0, 4, 9)
        wait(lambda: block_of(block).error == 9)
        wait(lambda: asyncio.run(opcua_values(endpoint))["part.Record"] == 0)
        assert station.client.post("/api/outputs/mqtt/test").status_code == 404
        blocks = station.client.get("/api/controller").json()["blocks"]
        assert [(one["product"], one["error"]) for one in blocks] == [("", 9), ("part", 9)]
        page = station.client.get("/controllers").text
        assert page.count("data-test=") == 4
        next_record = inspect(station, 6)
        assert next_record["id"] == record["id"] + 1, "a test has no record"
        wait(lambda: block_of(block).number == next_record["id"])
        assert station.client.get("/health").is_success


def test_the_page_shows_what_controllers_read_and_tests_an_output(
    product, tmp_path, ports, browser
):
    from browser_parts import check_accessibility, console_errors, expect, new_context

    address = f"http://127.0.0.1:{ports[3]}/"
    with (
        hook(ports[3]) as receiver,
        run_station(tmp_path / "kept", [product], "--webhook", address) as station,
        new_context(browser, base_url=station.url) as context,
    ):
        page = context.new_page()
        complaints = console_errors(page)
        page.goto("/health")
        page.get_by_role("link", name="What controllers read, and tests of outputs").click()
        expect(page).to_have_url(f"{station.url}/controllers")
        row = page.get_by_role("row").filter(has_text="number")
        expect(row.get_by_role("cell").last).to_have_text("0")
        record = inspect(station, 9)
        expect(row.get_by_role("cell").last).to_have_text(str(record["id"]))  # by itself
        check_accessibility(page)
        page.get_by_role("button", name=f"Test {address}").click()
        expect(page.locator("#said")).to_have_text("A test is under way: look at the receiver.")
        wait(lambda: [one["record"] for one in receiver.taken] == [record["id"], 0])
        page.screenshot(path=tmp_path / "controllers.png", full_page=True)
        assert not complaints


def test_a_part_of_several_views_is_one_answer():
    image = idle_image()
    views = [record(id=5, view="top", score=0.5), record(id=6, view="side", score=3.0)]
    views = [replace(view, serial="A7", job="J9") for view in views]
    views[1] = replace(views[1], verdict="defect")
    part = PartRecord(product="box", serial="A7", job="J9", operator="", time=0.0, verdict="defect")
    part = replace(part, view="side", milliseconds=80.0)
    image.answer(whole_part(part, views))
    found = read_fields(image.words())
    assert (found["number"], found["verdict"], found["score"]) == (6, 3, 3.0)
    assert (found["serial"], found["job"], found["milliseconds"]) == ("A7", "J9", 80)
    assert found["each_view"] == [
        {"verdict": 1, "error": 0, "score": 0.5},
        {"verdict": 3, "error": 0, "score": 3.0},
    ]
    assert image.words("box") == image.words()


@pytest.mark.parametrize(
    ("notes", "error"),
    [
        (["", INTERRUPTED], "interrupted"),
        (["late: no verdict within 5 ms", "view b missing"], "view missing"),
        (["", "late: no verdict within 5 ms"], "late"),
        (["no picture: none within 10 s", ""], "no picture"),
        (["it is damaged", ""], "picture"),
    ],
)
def test_the_error_of_a_part_is_that_of_a_view(notes, error):
    views = [
        record(id=number, view=view, note=note, verdict="error" if note else "good")
        for number, (view, note) in enumerate(zip("ab", notes, strict=True), 1)
    ]
    part = PartRecord(product="box", serial="", job="", operator="", time=0.0, verdict="error")
    assert error_code(whole_part(part, views)) == ERRORS[error]


def test_a_part_of_more_views_than_there_is_room_for_counts_them():
    image = idle_image()
    views = [record(id=number, view=f"v{number}", score=float(number)) for number in range(1, 12)]
    part = PartRecord(product="box", serial="", job="", operator="", time=0.0, verdict="good")
    image.answer(whole_part(replace(part, view="v11"), views))
    found = read_fields(image.words())
    assert found["views"] == 11
    assert [view["score"] for view in found["each_view"]] == [1, 2, 3, 4, 5, 6, 7, 8]

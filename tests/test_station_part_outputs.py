"""A part of several views is one answer at every output, also after a kill: with real receivers."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from asyncua import Client
from output_parts import broker, hook, last, listener
from part_files import VIEWS, post_part, view_files
from station_parts import StationProcess, free_port, run_station, wait

from goldensample.station.records.parts import INTERRUPTED
from test_station_opcua import verdict_of

SINGLE = {"record", "product", "name", "serial", "job", "part", "view", "time", "verdict", "score"}
SINGLE |= {"threshold", "p_value", "regions", "note", "revision", "file_sha256", "picture_sha256"}


@pytest.fixture
def ports() -> Iterator[list[int]]:
    with free_port() as one, free_port() as two, free_port() as three:
        yield [one, two, three]


def number_of(part: dict) -> int:
    """The number of a part at outputs: that of its last record."""
    return max(one["id"] for one in part["views"].values())


def check(message: dict, part: dict) -> None:
    """A message says what the API has answered."""
    assert set(message) == {*SINGLE, "views"}
    assert (message["product"], message["record"]) == ("bracket", number_of(part))
    for name in ("serial", "job", "verdict", "p_value", "note"):
        assert (message[name] or "") == (part[name] or ""), name
    assert list(message["views"]) == list(VIEWS)
    for view, one in message["views"].items():
        assert set(one) == SINGLE
        assert (one["record"], one["view"]) == (part["views"][view]["id"], view)
        assert one["verdict"] == part["views"][view]["verdict"]
    if part["verdict"] != "error":
        assert message["score"] == message["views"][message["view"]]["score"]
        assert message["view"] == part["view"]
    else:
        assert message["score"] is None


def told(messages: list, topic: str = "line/bracket/verdict") -> list[dict]:
    return [json.loads(one.payload) for one in messages if one.topic == topic]


async def read(endpoint: str, names: list[str]) -> dict:
    async with Client(endpoint) as client:
        space = await client.get_namespace_index("urn:goldensample:station")
        nodes = [client.get_node(f"ns={space};s={name}") for name in names]
        return dict(zip(names, await client.read_values(nodes), strict=True))


async def ask(endpoint: str, number: int) -> dict:
    async with Client(endpoint) as client:
        return await verdict_of(client, number)


def test_a_part_is_one_message_with_its_views_at_every_output(bracket, tmp_path, ports):
    web, mqtt, opcua = ports
    endpoint = f"opc.tcp://127.0.0.1:{opcua}"
    options = ["--webhook", f"http://127.0.0.1:{web}/", "--opcua", endpoint]
    options += ["--mqtt", f"mqtt://127.0.0.1:{mqtt}/line"]
    with (
        broker(tmp_path, mqtt),
        listener(mqtt, "line/#") as messages,
        hook(web) as receiver,
    ):
        with run_station(tmp_path / "kept", [bracket], *options) as station:
            parts = [
                post_part(station.client, view_files(20), serial="A20", job="7").json(),
                post_part(station.client, view_files(3, "left"), serial="A3").json(),
                post_part(station.client, view_files(20, without="under"), serial="B1").json(),
                post_part(
                    station.client, {**view_files(20), "top": b"no picture"}, serial="B2"
                ).json(),
            ]
            assert [one["verdict"] for one in parts] == ["good", "defect", "error", "error"]
            wait(lambda: len(receiver.taken) == len(told(messages)) == 4)
            for taken, published, part in zip(receiver.taken, told(messages), parts, strict=True):
                assert taken == published
                check(taken, part)
            assert receiver.taken[2]["views"]["under"]["note"] == "view under missing"
            names = ["Record", "Verdict", "Message", "PValue", "Product"]
            newest = number_of(parts[-1])
            shown = wait(
                lambda: (
                    (one := asyncio.run(read(endpoint, [f"bracket.{name}" for name in names])))[
                        "bracket.Record"
                    ]
                    == newest
                    and one
                )
            )
            assert shown["bracket.Verdict"] == "error"
            assert json.loads(shown["bracket.Message"]) == receiver.taken[-1]
            single = station.client.post("/api/inspect/top", content=view_files(20)["top"]).json()
            wait(lambda: receiver.taken[-1]["record"] == single["id"])
            assert set(receiver.taken[-1]) == SINGLE, "a picture alone is told as ever"
            assert told(messages, "line/top/verdict")[0]["part"] is None
            station.kill()
        with run_station(tmp_path / "kept", [bracket], *options):
            answer = asyncio.run(ask(endpoint, number_of(parts[1])))
            assert (answer["Product"], answer["Verdict"]) == ("bracket", "defect")
            assert json.loads(answer["Message"]) == receiver.taken[1]
            first_view = asyncio.run(ask(endpoint, parts[1]["views"]["top"]["id"]))
            assert first_view["Product"] == "top"


def test_a_part_that_waits_for_its_receiver_is_one_message_after_a_kill(bracket, tmp_path, ports):
    options = ("--webhook", f"http://127.0.0.1:{ports[0]}/")
    with run_station(tmp_path / "kept", [bracket], *options) as station:
        part = post_part(station.client, view_files(3, "left"), serial="A3").json()
        station.kill()
    with hook(ports[0]) as receiver, run_station(tmp_path / "kept", [bracket], *options):
        wait(lambda: receiver.taken)
    assert len(receiver.taken) == 1
    check(receiver.taken[0], part)


def test_a_part_that_a_kill_interrupts_is_answered_after_the_restart(bracket, tmp_path, ports):
    web, mqtt, _ = ports
    options = ["--webhook", f"http://127.0.0.1:{web}/", "--mqtt", f"mqtt://127.0.0.1:{mqtt}/line"]
    go_on = threading.Event()
    head = '--b\r\ncontent-disposition: form-data; name="top"; filename="t.png"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield head.encode() + view_files(20)["top"]
        go_on.wait(120)

    def send(url: str) -> None:
        kind = {"content-type": "multipart/form-data; boundary=b"}
        with suppress(httpx.TransportError):
            address = f"{url}/api/parts/bracket?serial=A9&job=12"
            httpx.post(address, content=body(), headers=kind, timeout=120)

    with broker(tmp_path, mqtt), listener(mqtt, "line/#") as messages, hook(web) as receiver:
        with run_station(tmp_path / "kept", [bracket], *options) as station:
            sender = threading.Thread(target=send, args=(station.url,))
            sender.start()
            under_way = wait(lambda: station.client.get("/api/parts/bracket").json()["parts"])
            assert under_way[0]["verdict"] is None
            station.kill()
            go_on.set()
            sender.join()
        assert receiver.taken == []
        with run_station(tmp_path / "kept", [bracket], *options) as station:
            wait(lambda: receiver.taken and told(messages))
            part = station.client.get(f"/api/parts/bracket/{under_way[0]['id']}").json()
            assert (part["serial"], part["job"], part["verdict"]) == ("A9", "12", "error")
            assert part["note"] == INTERRUPTED
            check(receiver.taken[0], part)
            assert json.loads(last(messages, "line/bracket/verdict")) == receiver.taken[0]
            station.kill()
        with run_station(tmp_path / "kept", [bracket], *options) as station:
            post_part(station.client, view_files(20), serial="A10")
            wait(lambda: len(receiver.taken) == 2)
    assert [one["serial"] for one in receiver.taken] == ["A9", "A10"], "each is answered once"


def test_no_part_is_lost_or_told_twice_in_kills(bracket, tmp_path, ports):
    """Four kills in the middle of parts: every part that was begun is told, with its verdict."""
    options = ("--webhook", f"http://127.0.0.1:{ports[0]}/")
    answered: dict[str, dict] = {}

    def use(station: StationProcess, number: int, seed: int) -> None:
        with suppress(httpx.TransportError):
            for turn in range(1000):
                serial = f"{seed}-{number}-{turn}"
                part = post_part(station.client, view_files(30 + turn % 5), serial=serial).json()
                answered[serial] = part

    with hook(ports[0]) as receiver:
        for seed in range(4):
            before = len(answered)
            with run_station(tmp_path / "kept", [bracket], *options) as station:
                threads = [
                    threading.Thread(target=use, args=(station, number, seed))
                    for number in range(3)
                ]
                for thread in threads:
                    thread.start()
                wait(lambda before=before, seed=seed: len(answered) > before + seed)
                station.kill()
                for thread in threads:
                    thread.join()
        with run_station(tmp_path / "kept", [bracket], *options) as station:
            parts = station.client.get("/api/parts/bracket?limit=1000").json()["parts"]
            numbers = {one["id"] for one in parts}
            wait(lambda: {one["part"] for one in receiver.taken} == numbers)
    told_first = {one["record"]: one for one in receiver.taken}  # at least once may be twice
    assert len(told_first) == len(parts), "a part has one number, and so one answer"
    by_part = {one["part"]: one for one in told_first.values()}
    for part in parts:
        assert by_part[part["id"]]["verdict"] == part["verdict"]
        assert by_part[part["id"]]["note"] == part["note"]
    assert {one["serial"] for one in parts} >= set(answered)
    assert INTERRUPTED in {one["note"] for one in parts}, "kills came in the middle of parts"

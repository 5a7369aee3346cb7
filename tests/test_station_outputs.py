"""Verdicts reach other machines: a web server, a real broker, a real OPC UA client."""

import asyncio
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from station_parts import TIMEOUT_S, free_port, picture, run_station, wait


@pytest.fixture
def port() -> Iterator[int]:
    with free_port() as number:
        yield number


def inspect(station, seed: int, defect: bool = False) -> dict:
    address = f"/api/inspect/part?name={seed}.png"
    return station.client.post(address, content=picture(seed, defect)).json()


class Hook(HTTPServer):
    """Takes posts, and refuses the first ones."""

    def __init__(self, port: int, refuse: int) -> None:
        self.taken: list[dict] = []
        self.refuse = refuse
        super().__init__(("127.0.0.1", port), HookRequest)


class HookRequest(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.refuse -= 1
        if self.server.refuse < 0:
            self.server.taken.append(json.loads(body))
        self.send_response(200 if self.server.refuse < 0 else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_webhook_gets_every_verdict_in_order_even_after_it_was_away(product, tmp_path, port):
    hook = f"http://127.0.0.1:{port}/verdicts"
    with run_station(tmp_path / "kept", [product], "--webhook", hook) as station:
        first = inspect(station, 310)  # nobody listens yet
        server = Hook(port, refuse=1)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        second = inspect(station, 311, defect=True)
        wait(lambda: len(server.taken) >= 2)
        server.shutdown()
        server.server_close()
    assert [one["record"] for one in server.taken] == [first["id"], second["id"]]
    assert server.taken[1]["verdict"] == "defect"
    assert server.taken[1]["regions"]
    assert server.taken[1]["picture_sha256"] == second["picture_sha256"]


@pytest.fixture
def broker(tmp_path, port) -> Iterator[int]:
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        pytest.skip("the MQTT broker mosquitto is not installed")
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)

    def answers() -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    wait(answers)
    yield port
    process.terminate()
    process.wait()


def test_a_broker_gets_every_verdict_and_keeps_the_last(product, tmp_path, broker):
    from paho.mqtt import client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion

    def listen() -> tuple[mqtt.Client, list[dict]]:
        got: list[dict] = []
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.on_message = lambda c, u, m: got.append({m.topic: json.loads(m.payload)})
        subscribed = threading.Event()
        client.on_connect = lambda c, *_: c.subscribe("golden/#", qos=1)
        client.on_subscribe = lambda *_: subscribed.set()
        client.connect("127.0.0.1", broker)
        client.loop_start()
        assert subscribed.wait(TIMEOUT_S)
        return client, got

    client, got = listen()
    with run_station(
        tmp_path / "kept", [product], "--mqtt", f"mqtt://127.0.0.1:{broker}"
    ) as station:
        inspect(station, 312)
        last = inspect(station, 313, defect=True)
        wait(lambda: len(got) >= 2)
    assert got[1]["golden/part/verdict"]["record"] == last["id"]
    late, kept = listen()
    wait(lambda: kept)
    assert kept[0]["golden/part/verdict"]["verdict"] == "defect"
    for one in (client, late):
        one.disconnect()
        one.loop_stop()


def test_a_controller_reads_the_last_verdict(product, tmp_path, port):
    from asyncua import Client

    endpoint = f"opc.tcp://127.0.0.1:{port}"

    async def read() -> dict[str, object]:
        async with Client(endpoint) as client:
            space = await client.get_namespace_index("urn:goldensample:station")
            names = ("Verdict", "Score", "Name", "Record", "Regions")
            nodes = [client.get_node(f"ns={space};s=part.{name}") for name in names]
            return dict(zip(names, [await node.read_value() for node in nodes], strict=True))

    async def write() -> None:
        async with Client(endpoint) as client:
            space = await client.get_namespace_index("urn:goldensample:station")
            await client.get_node(f"ns={space};s=part.Verdict").write_value("good")

    with run_station(tmp_path / "kept", [product], "--opcua", endpoint) as station:
        assert asyncio.run(read())["Verdict"] == ""
        record = inspect(station, 314, defect=True)
        wait(lambda: asyncio.run(read())["Record"] == record["id"])
        found = asyncio.run(read())
        assert found["Verdict"] == "defect"
        assert found["Name"] == "314.png"
        assert found["Score"] == pytest.approx(record["score"])
        assert found["Regions"] == len(record["regions"])
        with pytest.raises(Exception, match=r"(?i)denied|writ"):
            asyncio.run(write())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--webhook", "ftp://a"], "--webhook must be"),
        (["--mqtt", "a:1"], "--mqtt must be"),
        (["--opcua", "opc.tcp://a"], "--opcua must be"),
        (["--watch", "/nowhere/at/all"], "a folder to watch must be there"),
        (["--every", "0", "--camera", "x"], "--every must be"),
    ],
)
def test_wrong_addresses_are_refused_in_words(product, tmp_path, options, words):
    with (
        pytest.raises(AssertionError, match=words),
        run_station(tmp_path / "k", [product], *options),
    ):
        pass

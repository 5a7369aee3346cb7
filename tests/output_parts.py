"""Receivers of verdicts for tests: a web server that answers as told, and a real broker."""

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import httpx
import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from station_parts import TIMEOUT_S, StationProcess, picture, wait


def inspect(station: StationProcess, seed: int, defect: bool = False) -> dict:
    """Have a station judge a picture."""
    address = f"/api/inspect/part?name={seed}.png"
    return station.client.post(address, content=picture(seed, defect)).json()


def connection(client: httpx.Client, kind: str) -> dict:
    """Return the state of an output, as a monitor reads it."""
    found = client.get("/api/health").json()["connections"]
    return next(one for one in found if one["kind"] == kind)


def journal(client: httpx.Client) -> list[str]:
    """Return what the station says of its outputs, the oldest first."""
    return [one["words"] for one in reversed(client.get("/api/changes").json()["changes"])]


class Hook(ThreadingHTTPServer):
    """Takes posts, and answers the first ones as told: a status, and perhaps headers.

    A post whose answer is 0 is taken, and its connection ends unanswered when `go_on` is set.
    """

    def __init__(self, port: int, *answers: int | tuple[int, dict[str, str]]) -> None:
        self.go_on = threading.Event()
        self.taken: list[dict] = []
        self.asked: list[tuple[int, str, str]] = []
        self.answers = list(answers)
        super().__init__(("127.0.0.1", port), HookRequest)


class HookRequest(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        answer = self.server.answers.pop(0) if self.server.answers else 200
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        self.server.asked.append((status, self.path, self.headers.get("authorization", "")))
        if 200 <= status < 300 or not status:
            self.server.taken.append(json.loads(body))
        if not status:
            self.server.go_on.wait(TIMEOUT_S)
            return
        self.send_response(status)
        for name, value in {"content-length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:  # what following a redirect would make of a post
        self.server.asked.append((0, self.path, ""))
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hook(port: int, *answers: int | tuple[int, dict[str, str]]) -> Iterator[Hook]:
    """Run a web server."""
    server = Hook(port, *answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Broker:
    """A mosquitto at a port, that can be started and stopped."""

    def __init__(self, folder: Path, port: int, *lines: str) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        if program is None:
            pytest.skip("the MQTT broker mosquitto is not installed")
        self.port, self.config = port, folder / "mosquitto.conf"
        self.command = [program, "-c", str(self.config)]
        if not any("allow_anonymous" in line for line in lines):
            lines = ("allow_anonymous true", *lines)
        if os.name != "nt" and os.geteuid() == 0:
            lines = ("user root", *lines)  # else it may not read what a test writes
        self.config.write_text("\n".join([f"listener {port} 127.0.0.1", *lines, ""]))
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Run until it answers."""
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        wait(self.answers)

    def answers(self) -> bool:
        """Tell whether it listens."""
        assert self.process is not None
        assert self.process.poll() is None, self.config.read_text()
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """Kill it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def broker(folder: Path, port: int, *lines: str) -> Iterator[Broker]:
    """Run a broker, with more lines in its configuration."""
    one = Broker(folder, port, *lines)
    one.start()
    try:
        yield one
    finally:
        one.stop()


class ReusingServer(ThreadingTCPServer):
    """A server at a port that a test holds."""

    allow_reuse_address, daemon_threads = True, True


@contextmanager
def old_broker(port: int, target_port: int) -> Iterator[list[int]]:
    """Stand before a broker as one of MQTT 3.1.1 does; give the versions that clients asked for.

    A client of a later version is answered and left as 3.1.1 demands (section 3.1.2.2).
    """
    versions: list[int] = []

    class Client(BaseRequestHandler):
        def handle(self) -> None:
            start = self.request.recv(4096)
            at = start.index(b"\0\4MQTT") + 6
            versions.append(start[at])
            if start[at] != 4:
                self.request.sendall(b"\x20\2\0\1")
                return
            with socket.create_connection(("127.0.0.1", target_port)) as target:
                target.sendall(start)
                back = threading.Thread(target=pipe, args=(target, self.request))
                back.start()
                pipe(self.request, target)
                back.join()

    with ReusingServer(("127.0.0.1", port), Client) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield versions
        finally:
            server.shutdown()


def pipe(source: socket.socket, target: socket.socket) -> None:
    """Pass on all that comes, and its end."""
    with suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def listener(port: int, topic: str = "#") -> Iterator[list[mqtt.MQTTMessage]]:
    """Subscribe; give what comes."""
    got: list[mqtt.MQTTMessage] = []
    subscribed = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_message = lambda _, __, message: got.append(message)
    client.on_connect = lambda one, *_: one.subscribe(topic, qos=1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert subscribed.wait(TIMEOUT_S)
        yield got
    finally:
        client.disconnect()
        client.loop_stop()


def last(messages: list[mqtt.MQTTMessage], topic: str) -> str:
    """Return the last payload of a topic, or ""."""
    return next((one.payload.decode() for one in reversed(messages) if one.topic == topic), "")


def records_of(messages: list[mqtt.MQTTMessage]) -> list[int]:
    """Return the numbers of the records that came, as they came."""
    verdicts = [one.payload for one in messages if one.topic.endswith("/verdict")]
    return [json.loads(payload)["record"] for payload in verdicts]


def first_times(numbers: list[int]) -> list[int]:
    """Return each number once, in the order of its first coming: at least once may be twice."""
    return list(dict.fromkeys(numbers))


def quiet_close(client: httpx.Client) -> None:
    """Close a client whose station was killed."""
    with suppress(httpx.HTTPError):
        client.close()

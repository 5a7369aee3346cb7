"""Delivery under kill -9: `python benchmarks/station_delivery.py`.

A station with a webhook and an MQTT broker judges pictures, and is killed with SIGKILL at a random
time, 20 times. Meanwhile the web server and the broker (mosquitto) go up and down at random, and
the server answers 503 now and then. In the end all are up: every record that the station answered
must have reached both, the first times in order.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from goldensample.demo import write_dataset

RESULTS = Path(__file__).parent / "results"
GOLDEN = [sys.executable, "-m", "goldensample.cli"]
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
LIMIT_S = 300
"""Seconds for anything that must happen, however busy the machine is."""


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait(poll) -> None:
    """Wait until a function gives something true."""
    end = time.monotonic() + LIMIT_S
    while not poll():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


class WebServer:
    """Takes posts while it is up, and answers some of them 503."""

    def __init__(self, port: int, luck: random.Random) -> None:
        self.port, self.taken, self.steady = port, [], False
        self._server: ThreadingHTTPServer | None = None
        outer = self

        class Request(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                is_taken = outer.steady or luck.random() < 0.9
                if is_taken:
                    outer.taken.append(json.loads(body)["record"])
                self.send_response(200 if is_taken else 503)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._request = Request

    def start(self) -> None:
        """Go up."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._request)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Go down."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class Broker:
    """A mosquitto that keeps what it acknowledged when it is stopped, and a lasting subscriber."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.taken, self.repeated = port, [], 0
        lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0"]
        lines += ["persistence true", f"persistence_location {folder}/"]
        lines += ["user root"] if os.geteuid() == 0 else []
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self._command = [MOSQUITTO, "-c", str(folder / "mosquitto.conf")]
        self._process: subprocess.Popen | None = None
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "listener", protocol=mqtt.MQTTv5)
        self._client.on_message = self._note
        self._client.reconnect_delay_set(1, 1)

    def listen(self) -> None:
        """Subscribe for good: the broker keeps what comes while the subscriber is away."""
        subscribed = threading.Event()
        how = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        self._client.on_connect = lambda one, *_: one.subscribe("golden/+/verdict", options=how)
        self._client.on_subscribe = lambda *_: subscribed.set()
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", self.port, clean_start=False, properties=properties)
        self._client.loop_start()
        assert subscribed.wait(LIMIT_S)

    def start(self) -> None:
        """Go up."""
        if self._process is None:
            self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
            wait(self._answers)

    def stop(self) -> None:
        """Go down."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End subscriber and broker."""
        self._client.disconnect()
        self._client.loop_stop()
        self.stop()

    def _note(self, _: mqtt.Client, __: object, message: mqtt.MQTTMessage) -> None:
        """Note a verdict, and whether the broker itself sends it again after it was down."""
        self.taken.append(json.loads(message.payload)["record"])
        self.repeated += message.dup

    def _answers(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0


def toggle(receiver: WebServer | Broker, luck: random.Random, stop: threading.Event) -> None:
    """Take a receiver down and up at random times, until told to stop; it is up then."""
    while not stop.wait(luck.uniform(0.2, 2.0)):
        receiver.stop()
        stop.wait(luck.uniform(0.1, 2.0))
        receiver.start()


def ask(port: int, method: str, path: str, body: bytes = b"") -> dict | None:
    """Return the answer of the station, or None where it gives none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    with closing(connection), suppress(OSError, http.client.HTTPException):
        connection.request(method, path, body)
        response = connection.getresponse()
        text = response.read()
        return json.loads(text) if response.status == 200 else None
    return None


class Station:
    """A station in a process of its own."""

    def __init__(self, product: Path, folder: Path, port: int, options: list[str]) -> None:
        self.port, self._log = port, folder.parent / f"{folder.name}.log"
        words = ["serve", str(product), "--folder", str(folder), "--port", str(port), *options]
        self._command = [*GOLDEN, *words]
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Run until it answers."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait(lambda: self.health() is not None)

    def health(self) -> dict | None:
        """Return its health."""
        assert self.process is not None
        assert self.process.poll() is None, self._log.read_text()
        return ask(self.port, "GET", "/api/health")

    def is_done(self) -> bool:
        """Tell whether nothing waits for a receiver."""
        connections = (self.health() or {})["connections"]
        return not any(one["waiting"] or one["failed"] for one in connections)


def judge_until_killed(station: Station, picture: bytes, end_s: float) -> list[int]:
    """Post pictures until the station is killed, after so many seconds; return what it answered."""
    killer = threading.Timer(end_s, station.process.kill)
    killer.start()
    answered = []
    name = station.product
    while (answer := ask(station.port, "POST", f"/api/inspect/{name}?name=a.png", picture)) or (
        station.process.poll() is None
    ):
        answered += [answer["id"]] if answer else []
    killer.join()
    station.process.wait()
    return answered


def first_times(numbers: list[int]) -> list[int]:
    """Return each number once, in the order of its first coming."""
    return list(dict.fromkeys(numbers))


def deliver(product: Path, picture: bytes, folder: Path, rounds: int, seed: int) -> dict:
    """Kill a station in each of several rounds; return what it answered and what arrived."""
    luck = random.Random(seed)
    web = WebServer(free_port(), random.Random(seed + 1))
    broker = Broker(free_port(), folder)
    options = ["--webhook", f"http://127.0.0.1:{web.port}/"]
    options += ["--mqtt", f"mqtt://127.0.0.1:{broker.port}"]
    station = Station(product, folder / "kept", free_port(), options)
    station.product = product.stem
    stop, togglers, answered = threading.Event(), [], []
    try:
        web.start()
        broker.start()
        broker.listen()
        for index, receiver in enumerate((web, broker)):
            arguments = (receiver, random.Random(seed + 2 + index), stop)
            togglers.append(threading.Thread(target=toggle, args=arguments))
            togglers[-1].start()
        for _ in range(rounds):
            station.start()
            answered += judge_until_killed(station, picture, luck.uniform(0.5, 4.0))
        stop.set()
        for thread in togglers:
            thread.join()
        web.steady = True
        station.start()
        wait(station.is_done)
        wait(lambda: set(answered) <= set(broker.taken))
        station.process.terminate()
        exit_code = station.process.wait()
    finally:
        stop.set()
        for thread in togglers:
            thread.join()
        if station.process is not None and station.process.poll() is None:
            station.process.kill()
        broker.close()
        web.stop()
    figures = summary(rounds, answered, web.taken, broker.taken, exit_code)
    figures["broker"]["sent again by the broker itself"] = broker.repeated
    return figures


def summary(
    rounds: int, answered: list[int], posted: list[int], published: list[int], exit_code: int
) -> dict:
    """Return the figures."""
    figures = {"rounds": rounds, "answered": len(answered), "exit code": exit_code}
    for name, numbers in (("webhook", posted), ("broker", published)):
        once = first_times(numbers)
        figures[name] = {
            "arrived": len(once),
            "lost": len(set(answered) - set(once)),
            "out of order": sum(a > b for a, b in pairwise(once)),
            "arrived again": len(numbers) - len(once),
        }
    return figures


def make_product(folder: Path) -> tuple[Path, bytes]:
    """Render parts, learn them; return the file and a picture."""
    write_dataset(folder / "parts", ["cap"], 40, 1, 1, print)
    good = folder / "parts" / "cap" / "train" / "good"
    product = folder / "part.golden"
    words = ["fit", str(good), "-o", str(product), "--coreset", "0.02"]
    subprocess.run([*GOLDEN, *words], check=True)
    return product, next(good.iterdir()).read_bytes()


def main() -> None:
    """Run all rounds, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        figures = deliver(*make_product(folder), folder, options.rounds, 17)
    print(json.dumps(figures, indent=1))
    (RESULTS / "station_delivery.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Parts on a line, answered to four receivers: `python benchmarks/controllers_load.py`.

Three views (circuit, washer and cap of the demo, 60 good pictures each, defaults) are one part.
A station judges parts one after another first: that is its capacity. Then 200 parts come evenly at
60 % of it, each on its time whether or not those before are answered, with a deadline of 800 ms. A
Modbus client (which acknowledges), an S7 controller's data block, an OPC UA subscription and a
subscriber of a real MQTT broker each note every number they are shown. Counted are parts without an
answer, answered twice and late, and the milliseconds from the time a part was due to each receiver.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
from asyncua import Client

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from controller_parts import acknowledge, block_of, modbus_client, read_modbus, s7_controller
from output_parts import broker, listener
from station_parts import free_port, wait

from goldensample.demo import write_dataset

RESULTS = Path(__file__).parent / "results"
GOLDEN = [sys.executable, "-m", "goldensample.cli"]
FAMILIES, GOOD, FIRST = ("circuit", "washer", "cap"), 60, 30
LOAD, DEADLINE_MS = 0.6, 800


class Receiver:
    """Notes when each number of a verdict was first shown, and which came again."""

    def __init__(self) -> None:
        self.shown_s: dict[int, float] = {}
        self.again: list[int] = []
        self._last = 0

    def note(self, number: int) -> bool:
        """Take the number that is shown now; tell whether it is another than before."""
        is_new = bool(number) and number != self._last
        if is_new:
            self._last = number
            if number in self.shown_s:
                self.again.append(number)
            self.shown_s.setdefault(number, time.monotonic())
        return is_new


def poll(stop: threading.Event, every_s: float, look: Callable[[], None]) -> threading.Thread:
    """Look again and again in a thread of its own."""

    def run() -> None:
        while not stop.wait(every_s):
            look()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def watch_opcua(endpoint: str, receiver: Receiver, stop: threading.Event) -> threading.Thread:
    """Subscribe to the record of the part."""

    class Handler:
        def datachange_notification(self, _: object, value: int, __: object) -> None:
            receiver.note(value)

    async def subscribe() -> None:
        async with Client(endpoint) as client:
            space = await client.get_namespace_index("urn:goldensample:station")
            subscription = await client.create_subscription(20, Handler())
            node = client.get_node(f"ns={space};s=bracket.Record")
            await subscription.subscribe_data_change(node, queuesize=100, sampling_interval=0)
            while not stop.is_set():
                await asyncio.sleep(0.1)

    thread = threading.Thread(target=asyncio.run, args=(subscribe(),))
    thread.start()
    return thread


def make_part(folder: Path) -> tuple[Path, list[dict[str, bytes]]]:
    """Fit three views, and return the part's file and new good parts by view."""
    write_dataset(folder, FAMILIES, GOOD, 40, 1, lambda *_: None)
    views = []
    for name in FAMILIES:
        file = folder / f"{name}.golden"
        subprocess.run([*GOLDEN, "fit", folder / name / "train/good", "-o", file], check=True)
        views += ["--view", f"{name}={file}"]
    file = folder / "bracket.golden-part"
    subprocess.run([*GOLDEN, "part", "new", file, *views, "--false-alarms", "0.15"], check=True)
    tests = [sorted((folder / name / "test/good").iterdir()) for name in FAMILIES]
    return file, [
        {name: path.read_bytes() for name, path in zip(FAMILIES, paths, strict=True)}
        for paths in zip(*tests, strict=True)
    ]


def post(client: httpx.Client, files: dict[str, bytes], serial: str) -> tuple[dict, float]:
    """Give a part to the station; return its answer, and when it came."""
    form = [(view, (f"{view}.png", data)) for view, data in files.items()]
    answer = client.post("/api/parts/bracket", params={"serial": serial}, files=form)
    assert answer.status_code in (200, 422), answer.text  # 422: the verdict is "error", as if late
    return answer.json(), time.monotonic()


def drive(client: httpx.Client, parts: list[dict[str, bytes]], count: int) -> dict:
    """Give parts one after another, then evenly at LOAD of what was reached so."""
    before = [post(client, parts[k % len(parts)], f"warm {k}") for k in range(5)]
    start = time.monotonic()
    before += [post(client, parts[k % len(parts)], f"first {k}") for k in range(FIRST)]
    service_s = (time.monotonic() - start) / FIRST
    interval_s, due, answers = service_s / LOAD, [], []
    with ThreadPoolExecutor(16) as pool:
        begin = time.monotonic() + 0.2
        for k in range(count):
            due.append(begin + k * interval_s)
            time.sleep(max(0.0, due[k] - time.monotonic()))
            answers.append(pool.submit(post, client, parts[k % len(parts)], f"part {k}"))
        results = [one.result() for one in answers]
    times = {"service_s": service_s, "interval_s": interval_s, "due": due}
    return {**times, "results": results, "before": {number_of(part) for part, _ in before}}


def number_of(part: dict) -> int:
    """Return the number of a part at outputs: that of its last record."""
    return max(view["id"] for view in part["views"].values())


def spread(milliseconds: list[float]) -> dict[str, float]:
    """Return quantiles of times."""
    values = np.array(milliseconds)
    named = {"median": 0.5, "95 %": 0.95, "99 %": 0.99, "most": 1.0}
    return {name: round(float(np.quantile(values, q)), 1) for name, q in named.items()}


def figures(driven: dict, receivers: dict[str, Receiver]) -> dict:
    """Return what was measured."""
    numbers = [number_of(part) for part, _ in driven["results"]]
    due = driven["due"]
    late = sum("late" in (part["note"] or "") for part, _ in driven["results"])
    rows = {
        "the call": {
            "milliseconds": spread(
                [1e3 * (end - at) for (_, end), at in zip(driven["results"], due, strict=True)]
            )
        }
    }
    for name, receiver in receivers.items():
        seen = [n for n in numbers if n in receiver.shown_s]
        rows[name] = {
            "without an answer": len(numbers) - len(seen),
            "answered twice": len(receiver.again),
            "numbers of no part": len(set(receiver.shown_s) - driven["before"] - set(numbers)),
            "milliseconds": spread(
                [
                    1e3 * (receiver.shown_s[n] - at)
                    for n, at in zip(numbers, due, strict=True)
                    if n in receiver.shown_s
                ]
            ),
        }
    return {
        "parts": len(numbers),
        "views": len(FAMILIES),
        "milliseconds of a part, one after another": round(1e3 * driven["service_s"], 1),
        "milliseconds between parts": round(1e3 * driven["interval_s"], 1),
        "deadline, ms": DEADLINE_MS,
        "late": late,
        "within the deadline": round(1 - late / len(numbers), 4),
        "verdicts": {
            verdict: sum(part["verdict"] == verdict for part, _ in driven["results"])
            for verdict in ("good", "look again", "defect", "error")
        },
        "receivers": rows,
    }


def measure(folder: Path, count: int) -> dict:
    """Run station, receivers and parts."""
    file, parts = make_part(folder)
    stop, receivers = threading.Event(), {n: Receiver() for n in ("Modbus", "S7", "OPC UA", "MQTT")}
    with ExitStack() as stack:
        web, modbus, s7, opcua, mqtt = (stack.enter_context(free_port()) for _ in range(5))
        endpoint = f"opc.tcp://127.0.0.1:{opcua}"
        options = ["--modbus", f"modbus://127.0.0.1:{modbus}", "--opcua", endpoint, "--s7"]
        options += [f"s7://127.0.0.1:{s7}/DB10", "--mqtt", f"mqtt://127.0.0.1:{mqtt}/line"]
        block = stack.enter_context(s7_controller(s7))
        stack.enter_context(broker(folder, mqtt))
        words = ["serve", file, "--folder", folder / "kept", "--port", str(web), *options]
        words += ["--deadline", f"{DEADLINE_MS}ms"]
        log = stack.enter_context((folder / "station.log").open("wb"))
        station = subprocess.Popen([*GOLDEN, *map(str, words)], stdout=log, stderr=log)
        stack.callback(station.wait)
        stack.callback(station.terminate)
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{web}", timeout=60))

        def is_up() -> bool:
            assert station.poll() is None, (folder / "station.log").read_text()
            try:
                found = client.get("/api/health").json()["connections"]
            except httpx.TransportError:
                return False
            return len(found) >= 4 and all(one["state"] != "trouble" for one in found)

        wait(is_up)
        messages = stack.enter_context(listener(mqtt, "line/bracket/verdict"))
        controller = stack.enter_context(modbus_client(modbus))

        def look_modbus() -> None:
            number = read_modbus(controller).number
            if receivers["Modbus"].note(number):
                acknowledge(controller, number)

        def look_mqtt() -> None:
            while len(messages) > taken[0]:
                receivers["MQTT"].note(json.loads(messages[taken[0]].payload)["record"])
                taken[0] += 1

        taken = [0]
        threads = [
            poll(stop, 0.005, look_modbus),
            poll(stop, 0.002, lambda: receivers["S7"].note(block_of(bytes(block)).number)),
            poll(stop, 0.005, look_mqtt),
            watch_opcua(endpoint, receivers["OPC UA"], stop),
        ]
        try:
            driven = drive(client, parts, count)
            time.sleep(3)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        return figures(driven, receivers)


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=200)
    parser.add_argument("--output", type=Path, default=RESULTS / "controllers_load.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.parts)
    options.output.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

"""Parts on a line, answered to four receivers: `python benchmarks/controllers_load.py`.

A part has three views, of three virtual GenICam cameras (60 pictures of each to learn from,
defaults). A controller writes a serial number and triggers them by a Modbus coil, one part after
another first: that is the station's capacity. Then 200 parts come evenly at 60 % of it, each on its
time whether or not those before are answered, with a deadline of 800 ms. A Modbus client, an S7
controller's data block (which acknowledges), an OPC UA subscription and a subscriber of a real MQTT
broker each note every number they are shown, with the serial number. Counted are parts without an
answer, answered twice and late, and the milliseconds from the time a part was due to each receiver.
What else the machine does shows beside it: the load average, and how long 100 ms of computing took.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import genicam
import httpx
import numpy as np
from asyncua import Client
from pymodbus.client import ModbusTcpClient

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from controller_parts import (
    acknowledge_s7,
    block_of,
    modbus_client,
    read_modbus,
    s7_controller,
    text_of,
    write_texts,
)
from output_parts import broker, listener
from station_parts import free_port, wait

from goldensample.images.codec import encode_png
from goldensample.station.inputs.genicam import GenicamCamera

RESULTS = Path(__file__).parent / "results"
GOLDEN = [sys.executable, "-m", "goldensample.cli"]
VIEWS, GOOD, FIRST = ("red", "green", "blue"), 60, 30
LOAD, DEADLINE_MS, CYCLE_S = 0.6, 800, 0.02
"""Share of the capacity, the deadline, and the cycle of a controller."""
YARDSTICK = """
import time
def work(n):
    start = time.monotonic()
    for _ in range(n):
        pass
    return time.monotonic() - start
n = int(100_000 * 0.1 / min(work(100_000) for _ in range(50)))
while True:
    print(1000 * work(n), flush=True)
    time.sleep(0.5)
"""
"""Computing that takes 100 ms of a core, again and again, and how long it took by the clock."""


class Receiver:
    """Notes when each part was first shown, by its serial number, and with which number."""

    def __init__(self) -> None:
        self.shown_s: dict[str, float] = {}
        self.numbers: dict[str, int] = {}
        self.again: list[str] = []
        self._last = 0

    def note(self, number: int, serial: str) -> bool:
        """Take what is shown now; tell whether it is another number than before."""
        is_new = bool(number) and number != self._last
        if is_new:
            self._last = number
            if serial in self.shown_s:
                self.again.append(serial)
            self.shown_s.setdefault(serial, time.monotonic())
            self.numbers.setdefault(serial, number)
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
    """Subscribe to the message of the part."""

    class Handler:
        def datachange_notification(self, _: object, value: str | None, __: object) -> None:
            if value:
                told = json.loads(value)
                receiver.note(told["record"], told["serial"])

    async def subscribe() -> None:
        async with Client(endpoint) as client:
            space = await client.get_namespace_index("urn:goldensample:station")
            subscription = await client.create_subscription(20, Handler())
            node = client.get_node(f"ns={space};s=bracket.Message")
            await subscription.subscribe_data_change(node, queuesize=100, sampling_interval=0)
            while not stop.is_set():
                await asyncio.sleep(0.1)

    thread = threading.Thread(target=asyncio.run, args=(subscribe(),))
    thread.start()
    return thread


def producer() -> Path:
    """Return the driver of the virtual cameras."""
    return Path(genicam.__file__).parent / "viky.cti"


def photograph(camera: int, folder: Path) -> None:
    """Keep pictures of a camera, over as many seconds as a fifth of their count."""
    folder.mkdir(parents=True)
    stop = threading.Event()
    for number, frame in enumerate(GenicamCamera(f"genicam:{camera}", 0.2, stop, [producer()])):
        (folder / f"{number:03d}.png").write_bytes(encode_png(frame.pixels))
        if number + 1 == GOOD:
            stop.set()
            return


def make_part(folder: Path) -> Path:
    """Fit three views, and return the part's file."""
    words = []
    for number, name in enumerate(VIEWS):
        photograph(number, folder / name)
        file = folder / f"{name}.golden"
        subprocess.run([*GOLDEN, "fit", folder / name, "-o", file], check=True)
        words += ["--view", f"{name}={file}"]
    file = folder / "bracket.golden-part"
    subprocess.run([*GOLDEN, "part", "new", file, *words, "--false-alarms", "0.15"], check=True)
    return file


def fire(controller: ModbusTcpClient, serial: str) -> None:
    """Trigger a part; a camera that is busy is asked again at once."""
    while True:
        write_texts(controller, serial.encode(), b"")
        written = controller.write_coil(0, True, device_id=1)
        if not written.isError():
            return
        assert written.exception_code == 6, written


def drive(controller: ModbusTcpClient, receiver: Receiver, count: int) -> dict:
    """Trigger parts one after another, then evenly at LOAD of what was reached so."""

    def run(serials: list[str]) -> float:
        begin = time.monotonic()
        for serial in serials:
            fire(controller, serial)
            wait(lambda name=serial: name in receiver.shown_s)
        return (time.monotonic() - begin) / len(serials)

    run([f"warm {k}" for k in range(5)])
    service_s = run([f"first {k}" for k in range(FIRST)])
    interval_s, due = service_s / LOAD, {}
    begin = time.monotonic() + 0.2
    for k in range(count):
        due[f"part {k}"] = at = begin + k * interval_s
        time.sleep(max(0.0, at - time.monotonic()))
        fire(controller, f"part {k}")
    wait(lambda: due.keys() <= receiver.shown_s.keys())
    return {"service_s": service_s, "interval_s": interval_s, "due": due}


def spread(milliseconds: list[float]) -> dict[str, float]:
    """Return quantiles of times."""
    values = np.array(milliseconds)
    named = {"median": 0.5, "95 %": 0.95, "99 %": 0.99, "most": 1.0}
    return {name: round(float(np.quantile(values, q)), 1) for name, q in named.items()}


def figures(
    driven: dict, receivers: dict[str, Receiver], client: httpx.Client, yardstick: list[float]
) -> dict:
    """Return what was measured."""
    due = driven["due"]
    kept = client.get("/api/parts/bracket", params={"limit": 1000}).json()["parts"]
    parts = [part for part in kept if part["serial"] in due]
    late = sum(part["note"].startswith("view") and "late: " in part["note"] for part in parts)
    rows = {}
    first = next(iter(receivers.values()))
    for name, receiver in receivers.items():
        seen = [serial for serial in due if serial in receiver.shown_s]
        rows[name] = {
            "without an answer": len(due) - len(seen),
            "answered twice": len(receiver.again),
            "another number than Modbus": sum(
                receiver.numbers[serial] != first.numbers[serial] for serial in seen
            ),
            "milliseconds": spread([1e3 * (receiver.shown_s[one] - due[one]) for one in seen]),
        }
    return {
        "parts": len(due),
        "views": len(VIEWS),
        "records of parts": len(parts),
        "milliseconds of a part, one after another": round(1e3 * driven["service_s"], 1),
        "milliseconds between parts": round(1e3 * driven["interval_s"], 1),
        "deadline, ms": DEADLINE_MS,
        "late": late,
        "within the deadline": round(1 - late / len(due), 4),
        "milliseconds of late answers from the trigger": spread(
            [p["milliseconds"] for p in parts if "late: " in p["note"]] or [0.0]
        ),
        "verdicts": dict(Counter(part["verdict"] for part in parts)),
        "refused triggers": client.get("/api/cameras").json()[0]["busy"],
        "receivers": rows,
        "100 ms of computing, ms": spread(yardstick),
        "load average": [round(one, 1) for one in os.getloadavg()],
        "cores": os.cpu_count(),
    }


def measure(folder: Path, count: int) -> dict:
    """Run station, receivers and parts."""
    file = make_part(folder)
    stop, receivers = threading.Event(), {n: Receiver() for n in ("Modbus", "S7", "OPC UA", "MQTT")}
    with ExitStack() as stack:
        web, modbus, s7, opcua, mqtt = (stack.enter_context(free_port()) for _ in range(5))
        endpoint = f"opc.tcp://127.0.0.1:{opcua}"
        options = ["--modbus", f"modbus://127.0.0.1:{modbus}", "--opcua", endpoint, "--s7"]
        options += [f"s7://127.0.0.1:{s7}/DB10", "--mqtt", f"mqtt://127.0.0.1:{mqtt}/line"]
        block = stack.enter_context(s7_controller(s7))
        stack.enter_context(broker(folder, mqtt))
        words = ["serve", file, "--folder", folder / "kept", "--port", str(web), *options]
        words += ["--deadline", f"{DEADLINE_MS}ms", "--every", "0", "--producer", producer()]
        for number, view in enumerate(VIEWS):
            words += ["--camera", f"bracket/{view}=genicam:{number}"]
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
            return len(found) >= 7 and all(one["state"] != "trouble" for one in found)

        wait(is_up)
        messages = stack.enter_context(listener(mqtt, "line/bracket/verdict"))
        controller = stack.enter_context(modbus_client(modbus))
        asking = stack.enter_context(modbus_client(modbus))

        def look_modbus() -> None:
            shown = read_modbus(controller)
            receivers["Modbus"].note(shown.number, text_of(shown.serial))

        def look_s7() -> None:
            shown = block_of(bytes(block))
            receivers["S7"].note(shown.number, text_of(shown.serial))
            acknowledge_s7(block, shown.number)

        def look_mqtt() -> None:
            while len(messages) > taken[0]:
                told = json.loads(messages[taken[0]].payload)
                receivers["MQTT"].note(told["record"], told["serial"])
                taken[0] += 1

        taken = [0]
        threads = [
            poll(stop, CYCLE_S, look_modbus),
            poll(stop, CYCLE_S, look_s7),
            poll(stop, CYCLE_S, look_mqtt),
            watch_opcua(endpoint, receivers["OPC UA"], stop),
        ]
        work = subprocess.Popen(
            [sys.executable, "-c", YARDSTICK], stdout=subprocess.PIPE, text=True
        )
        try:
            driven = drive(asking, receivers["Modbus"], count)
            time.sleep(3)
        finally:
            stop.set()
            work.terminate()
            for thread in threads:
                thread.join()
        yardstick = [float(line) for line in work.communicate()[0].split()]
        return figures(driven, receivers, client, yardstick)


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

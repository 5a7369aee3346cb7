"""A GenICam camera in a process of its own: `python -m ...genicam_process URL EVERY_S PRODUCER...`.

A maker's driver that crashes or hangs takes no station with it. Each line of stdin asks for a
frame; its end stops the process. To stdout go messages: the length of their JSON in four bytes, the
JSON, and as many bytes as its "bytes" says.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from goldensample.errors import GoldenError
from goldensample.records import Array
from goldensample.station.inputs.frame import TIMEOUT_S, FrameClock
from goldensample.station.inputs.genicam_address import SOFTWARE, GenicamAddress, parse_genicam
from goldensample.station.inputs.genicam_device import Device, open_producers

POLL_S = 0.2
"""Seconds between two looks at what stdin says."""


class Requests:
    """What the station asks for: frames, and the end."""

    def __init__(self) -> None:
        self._wanted, self.ended = threading.Semaphore(0), threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def take(self) -> bool:
        """Tell whether a frame is asked for, and not yet taken."""
        return self._wanted.acquire(blocking=False)

    def _listen(self) -> None:
        while sys.stdin.buffer.readline():
            self._wanted.release()
        self.ended.set()


def main() -> None:
    """Take frames until stdin ends, or until the camera is away."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a driver prints must not get between the messages
    url, every_s, *producers = sys.argv[1:]
    requests = Requests()
    try:
        address = parse_genicam(url)
        with open_producers([Path(name) for name in producers]) as harvester:
            device = Device(harvester, address)
            write(output, {"camera": device.about})
            try:
                for message, data in frames(device, address, float(every_s), requests):
                    write(output, message, data)
            finally:
                device.close()
    except BrokenPipeError:  # the station wants no more
        pass
    except (OSError, ValueError, GoldenError) as error:
        write(output, {"error": str(error)})
    os._exit(0)  # a driver may hang at its end


def frames(
    device: Device, address: GenicamAddress, every_s: float, requests: Requests
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Give the message of each frame that is due.

    Raises:
        OSError: the camera is away, or gives nothing.
    """
    clock, last = FrameClock(every_s, live=True), time.monotonic()
    while not requests.ended.is_set():
        asked, due = requests.take(), False
        if address.trigger == SOFTWARE:
            if not (asked or clock.is_due(None)):
                requests.ended.wait(0.002)
                continue
            device.trigger()
            found = device.fetch(TIMEOUT_S)
            due = True
        else:
            found = device.fetch(POLL_S if not asked else TIMEOUT_S)
            due = address.has_line or asked or (found is not None and clock.is_due(None))
        if found is None and (asked or not address.has_line):
            if asked or address.trigger or time.monotonic() - last > TIMEOUT_S:
                raise OSError(f"the camera gives no frame within {TIMEOUT_S:g} s")
        elif found is not None:
            last = time.monotonic()
            if due:
                yield message_of(found, asked)


def message_of(
    found: tuple[Array, dict[str, Any]] | str, requested: bool
) -> tuple[dict[str, Any], bytes]:
    """Return the message of a frame, or of one that is not whole."""
    if isinstance(found, str):
        return {"damaged": found, "requested": requested}, b""
    pixels, facts = found
    message = {"shape": pixels.shape, "dtype": str(pixels.dtype), "facts": facts}
    return {**message, "requested": requested}, pixels.tobytes()


def write(output: BinaryIO, message: dict[str, Any], data: bytes = b"") -> None:
    """Write a message."""
    text = json.dumps({**message, "bytes": len(data)}).encode()
    output.write(len(text).to_bytes(4, "big") + text + data)
    output.flush()


if __name__ == "__main__":
    main()

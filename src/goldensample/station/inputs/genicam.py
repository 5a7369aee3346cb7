"""GenICam cameras: frames of a process that holds the camera, see `genicam_process`."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np

from goldensample.station.inputs.frame import CameraError, DamagedFrame, Frame, with_missing
from goldensample.station.inputs.genicam_address import find_producers, parse_genicam

MODULE = "goldensample.station.inputs.genicam_process"
END_S = 3.0
"""Seconds that a process gets to let the camera go."""


def check_genicam() -> None:
    """Refuse cameras that the extra is missing for.

    Raises:
        ValueError: it is not installed.
    """
    if find_spec("harvesters") is None:
        raise ValueError(
            'a GenICam camera must have the extra [genicam]; pip install "goldensample[genicam]"'
        )


class GenicamCamera:
    """A source of frames of a GenICam camera, opened from scratch each time; a `FrameSource`.

    Args:
        url: see `parse_genicam`.
        every_s: seconds between two frames; 0 for those asked for alone. A camera that a line
            triggers gives all its frames.
        stop: ends it.
        producers: files of drivers; none for those that are installed.

    Raises:
        ValueError: the address is invalid, or the extra is missing.
    """

    def __init__(
        self, url: str, every_s: float, stop: threading.Event, producers: Sequence[Path] = ()
    ) -> None:
        check_genicam()
        self.address = parse_genicam(url)
        self._url, self._every_s, self._stop, self._producers = url, every_s, stop, producers
        self._process: subprocess.Popen[bytes] | None = None

    def __iter__(self) -> Iterator[Frame | DamagedFrame]:
        """Open the camera, and give its frames.

        A signal at a line waits for an answer: where its frame is lost on the way, as the numbers
        of frames tell, there is a damaged one in its place.

        Raises:
            CameraError: it cannot be opened, or is away.
        """
        return with_missing(self._frames()) if self.address.has_line else self._frames()

    def _frames(self) -> Iterator[Frame | DamagedFrame]:
        producers = [str(path) for path in find_producers(self._producers)]
        command = [sys.executable, "-m", MODULE, self._url, str(self._every_s), *producers]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        self._process = process
        watcher = threading.Thread(target=self._end_at_stop, args=[process], daemon=True)
        watcher.start()
        assert process.stdout, "a pipe"
        try:
            while not self._stop.is_set() and (message := _read(process.stdout)):
                values, data = message
                if reason := values.get("error"):
                    raise CameraError(reason)
                if "camera" not in values:
                    yield _frame(values, data)
            if not self._stop.is_set():
                code = process.wait()
                raise CameraError(
                    f"the driver of the camera's maker has crashed (exit code {code})"
                )
        finally:
            self._process = None
            process.stdout.close()  # it may be waiting to write
            _end(process)

    def request(self) -> None:
        """Ask for a frame: by a software trigger where the camera has one, else the next one."""
        process = self._process
        if process and process.stdin:
            with suppress(OSError):  # it has ended: so has the iteration, with its reason
                process.stdin.write(b"\n")
                process.stdin.flush()

    def _end_at_stop(self, process: "subprocess.Popen[bytes]") -> None:
        """End the process when the camera shall stop."""
        while process.poll() is None:
            if self._stop.wait(0.5):
                _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Close the input of a process, which ends it; kill one that does not."""
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Return the next message, or None where there is none any more."""
    size = int.from_bytes(stream.read(4), "big")
    text = stream.read(size)
    if not size or len(text) < size:
        return None
    values = json.loads(text)
    data = stream.read(values["bytes"])
    return (values, data) if len(data) == values["bytes"] else None


def _frame(values: dict[str, Any], data: bytes) -> Frame | DamagedFrame:
    """Return the frame of a message."""
    if reason := values.get("damaged"):
        return DamagedFrame(b"", reason, values["requested"])
    pixels = np.frombuffer(data, values["dtype"]).reshape(values["shape"])
    return Frame(pixels, values["facts"], values["requested"])

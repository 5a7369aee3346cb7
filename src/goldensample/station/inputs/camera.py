"""Camera input: frames of a camera or video at an interval. The only module that uses PyAV."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from goldensample.errors import ImageError
from goldensample.images.codec import encode_png
from goldensample.records import Array
from goldensample.station.connection_state import ConnectionState
from goldensample.station.line.jobs import BusyError, Job, StoppingError
from goldensample.station.products.products import Product
from goldensample.station.station import Station

RETRY_S = 5.0
"""Seconds between attempts to connect to a camera."""
TIMEOUT_S = 10.0


class Camera:
    """Reads frames of a camera or a video, and submits them to the line.

    A frame of a live camera is dropped when the line is full. The frames of a video file wait for
    the line, so that all are inspected.

    Args:
        station: inspects the frames.
        product: which product they show.
        url: source that FFmpeg opens: rtsp://, http://, a device such as /dev/video0, or a file.
        every_s: seconds between two frames, by the stream's clock.

    Raises:
        ValueError: the interval is out of its range.
    """

    def __init__(self, station: Station, product: Product, url: str, every_s: float) -> None:
        if not 0 < every_s < 86400:
            raise ValueError(f"--every must be in (0, 86400) seconds; got {every_s:g}")
        self._station, self._product, self._url, self._every_s = station, product, url, every_s
        self._is_file = Path(url).is_file()
        self._message, self._since = "", time.time()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="station-camera", daemon=True)
        self._thread.start()

    def state(self) -> ConnectionState:
        """Return how the camera is read now."""
        state, words = ("trouble", self._message) if self._message else ("working", "read")
        return ConnectionState("camera", "camera", state, self._since, None, 0, 0, 0, words)

    def close(self) -> None:
        """Stop reading frames."""
        self._stop.set()
        self._thread.join(TIMEOUT_S + 1)

    def _run(self) -> None:
        last_message = ""
        while not self._stop.is_set():
            try:
                for number, pixels in enumerate(read_frames(self._url, self._every_s, self._stop)):
                    last_message = ""
                    self._submit(number, pixels)
                message = "the video has ended" if self._is_file else "the camera has stopped"
            except StoppingError:
                return
            except (OSError, ValueError, ImageError, av.FFmpegError) as error:
                message = f"no frames are taken from the camera: {_error_message(error)}"
            if message != last_message and not self._stop.is_set():
                self._station.log_change(self._product.key, "", "camera", None, message)
            self._message, self._since = message, time.time()
            last_message = message
            if self._is_file:
                return
            self._stop.wait(RETRY_S)

    def _submit(self, number: int, pixels: Array) -> None:
        """Submit one frame to the line."""
        height, width = pixels.shape[:2]
        if height * width > self._station.settings.limit_px:
            limit = self._station.settings.limit_px
            raise ImageError(f"a frame must have {limit:,} pixels at most; it has {height}x{width}")
        incoming = self._station.archive.receive_bytes(encode_png(pixels))
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        job = Job(self._product, incoming, f"camera-{stamp}-{number}.png", "camera")
        while True:
            try:
                self._station.line.submit(job)
                return
            except BusyError:
                if not self._is_file or self._stop.wait(0.2):
                    break
            except StoppingError:
                self._station.archive.discard(incoming)
                raise
        self._station.archive.discard(incoming)


def read_frames(url: str, every_s: float, stop: threading.Event) -> Iterator[Array]:
    """Give frames of a stream, (H, W, 3) uint8 RGB, at an interval by the stream's clock.

    Raises:
        FFmpegError: FFmpeg cannot open or read it.
        ValueError: it has no video.
    """
    device = url.startswith("/dev/")
    options = {"rtsp_transport": "tcp"} if url.startswith("rtsp") else {}
    with av.open(
        url, format="v4l2" if device else None, options=options, timeout=TIMEOUT_S
    ) as container:
        if not container.streams.video:
            raise ValueError("a camera must give video; it gives none")
        due = -np.inf
        for frame in container.decode(video=0):
            if stop.is_set():
                return
            if frame.time is None or frame.time >= due:
                due = (frame.time or 0.0) + every_s - 1e-6
                pixels: Array = frame.to_ndarray(format="rgb24")
                yield pixels


def _error_message(error: Exception) -> str:
    """Return the message of an error without the URL, which may hold a password."""
    message = getattr(error, "strerror", None) or str(error)
    return str(message).splitlines()[0][:200] if message else type(error).__name__

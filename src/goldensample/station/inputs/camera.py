"""Cameras and videos: a frame now and then is inspected. The only room that knows PyAV."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from goldensample.errors import ImageError
from goldensample.images.codec import encode_png
from goldensample.records import Array
from goldensample.station.line.jobs import BusyError, Job, StoppingError
from goldensample.station.products.products import Product
from goldensample.station.station import Station

AGAIN_S = 5.0
"""Seconds until a camera that is away is asked again."""
OPEN_S = 10.0


class Camera:
    """Takes frames from a camera or a video, and hands them to the line.

    A live camera is never waited for: a frame that finds the line full is left out. A video in a
    file waits, so that all its frames are judged, and ends.

    Args:
        station: takes the frames.
        product: what judges them.
        url: what FFmpeg opens: rtsp://, http://, a device such as /dev/video0, or a file.
        every_s: seconds of the stream between two frames.

    Raises:
        ValueError: the time is not above 0.
    """

    def __init__(self, station: Station, product: Product, url: str, every_s: float) -> None:
        if not 0 < every_s < 86400:
            raise ValueError(f"--every must be in (0, 86400) seconds; got {every_s:g}")
        self._station, self._product, self._url, self._every_s = station, product, url, every_s
        self._is_file = Path(url).is_file()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="station-camera", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more frames."""
        self._stop.set()
        self._thread.join(OPEN_S + 1)

    def _run(self) -> None:
        told = ""
        while not self._stop.is_set():
            try:
                for number, pixels in enumerate(frames(self._url, self._every_s, self._stop)):
                    told = ""
                    self._submit(number, pixels)
                words = "the video has ended" if self._is_file else "the camera has stopped"
            except StoppingError:
                return
            except (OSError, ValueError, ImageError, av.FFmpegError) as error:
                words = f"no frames are taken from the camera: {_reason(error)}"
            if words != told and not self._stop.is_set():
                self._station.note(self._product.key, "", "camera", None, words)
            told = words
            if self._is_file:
                return
            self._stop.wait(AGAIN_S)

    def _submit(self, number: int, pixels: Array) -> None:
        """Hand on one frame."""
        height, width = pixels.shape[:2]
        if height * width > self._station.settings.limit_px:
            limit = self._station.settings.limit_px
            raise ImageError(f"a frame must have {limit:,} pixels at most; it has {height}x{width}")
        coming = self._station.archive.take(encode_png(pixels))
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        job = Job(self._product, coming, f"camera-{stamp}-{number}.png", "camera")
        while True:
            try:
                self._station.line.submit(job)
                return
            except BusyError:
                if not self._is_file or self._stop.wait(0.2):
                    break
            except StoppingError:
                self._station.archive.discard(coming)
                raise
        self._station.archive.discard(coming)


def frames(url: str, every_s: float, stop: threading.Event) -> Iterator[Array]:
    """Give frames of a stream, (H, W, 3) uint8 RGB, at least a time apart by the stream's clock.

    Raises:
        FFmpegError: FFmpeg cannot open or read it.
        ValueError: it has no video.
    """
    device = url.startswith("/dev/")
    options = {"rtsp_transport": "tcp"} if url.startswith("rtsp") else {}
    with av.open(
        url, format="v4l2" if device else None, options=options, timeout=OPEN_S
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


def _reason(error: Exception) -> str:
    """Return an error's words without the address, which may hold a password."""
    words = getattr(error, "strerror", None) or str(error)
    return str(words).splitlines()[0][:200] if words else type(error).__name__

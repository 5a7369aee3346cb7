"""Camera input: frames of a camera or video at an interval."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from goldensample.images.codec import encode_png
from goldensample.records import Array
from goldensample.station.connection_state import ConnectionState
from goldensample.station.inputs.frames import (
    TIMEOUT_S,
    DamagedFrame,
    read_frames,
)
from goldensample.station.line.jobs import BusyError, Job, StoppingError
from goldensample.station.products.products import Product
from goldensample.station.station import Station

RETRY_S = 5.0
"""Seconds between attempts to connect to a camera."""
FROZEN_FRAMES, FROZEN_S = 3, 0.5
"""Frames in a row that are equal to one before them, and for a live camera seconds since that one,
from which on its picture is frozen: no two pictures of a sensor are equal."""
FROZEN_ERRORS, FROZEN_PAUSE_S = 60, 60.0
"""Frames of a frozen picture that are recorded as errors; then one in so many seconds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CameraSource:
    """Where frames come from.

    Args:
        url: source that FFmpeg opens: rtsp://, http://, a device such as /dev/video0, or a file.
        name: for people; empty for the URL without password and query.
        options: of FFmpeg, by name.
    """

    url: str
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown_name(self) -> str:
        """Its name, or its address without what is secret."""
        parts = urlsplit(self.url)
        address = f"{parts.hostname or ''}{parts.path}" if parts.hostname else self.url
        return self.name or (Path(self.url).name if Path(self.url).is_file() else address)


class Camera:
    """Reads frames of a camera or a video, and submits them to the line.

    A frame that is not whole, or equal to those before it, is a record with the verdict "error".
    A frame of a live camera is dropped when the line is full. The frames of a video file wait for
    the line, so that all are inspected.

    Args:
        station: inspects the frames.
        product: which product they show.
        source: where they come from, or its URL.
        every_s: seconds between two frames, see `frames.read_frames`.

    Raises:
        ValueError: the interval is out of its range.
    """

    def __init__(
        self, station: Station, product: Product, source: CameraSource | str, every_s: float
    ) -> None:
        if not 0 < every_s < 86400:
            raise ValueError(f"--every must be in (0, 86400) seconds; got {every_s:g}")
        source = CameraSource(source) if isinstance(source, str) else source
        self._station, self._product, self._source = station, product, source
        self._every_s = every_s
        self._is_file = Path(source.url).is_file()
        self._trouble = station.trouble(f"camera {source.shown_name}", product.key, "camera")
        self._last_frame: float | None = None
        self._digest, self._repeats, self._new_at, self._error_at = b"", 0, 0.0, 0.0
        self._lost, self._ended = 0, False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="station-camera", daemon=True)
        self._thread.start()

    def state(self) -> ConnectionState:
        """Return how the camera is read now."""
        words = self._trouble.words
        state = "trouble" if words else "working" if self._last_frame else "waiting"
        if not words:
            words = "sends frames" if self._last_frame else "no frame has come yet"
            words = "the video has ended" if self._ended else words
        name, since = self._source.shown_name, self._trouble.since
        return ConnectionState(
            name, "camera", state, since, self._last_frame, 0, self._lost, 0, words
        )

    def close(self) -> None:
        """Stop reading frames."""
        self._stop.set()
        self._thread.join(TIMEOUT_S + 1)

    def _run(self) -> None:
        while not self._stop.is_set():
            reason = ""
            source = self._source
            try:
                frames = read_frames(source.url, self._every_s, self._stop, source.options)
                for number, frame in enumerate(frames):
                    self._take(number, frame)
            except StoppingError:
                return
            except (OSError, ValueError) as error:
                reason = str(error)
            except Exception as error:  # a camera that has ended must not look like a calm one
                log.exception("camera %s", self._source.shown_name)
                reason = f"an error of golden itself: {error!r}"
            if self._is_file and not reason:
                self._ended = True
                message = "the video has ended"
                self._station.log_change(self._product.key, "", "camera", None, message)
            elif not self._stop.is_set():
                self._trouble.begin(self._silence(reason))
            if self._is_file:
                return
            self._stop.wait(RETRY_S)

    def _silence(self, reason: str) -> str:
        """Return the words for a camera that sends nothing."""
        if self._last_frame is None:
            return f"sends nothing: {reason or 'the stream has ended'}"
        clock = time.strftime("%H:%M", time.localtime(self._last_frame))
        return f"sends nothing since {clock}" + (f": {reason}" if reason else "")

    def _take(self, number: int, frame: Array | DamagedFrame) -> None:
        """Submit a frame that is due to the line, or record why it is not judged."""
        name = f"camera-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{number}"
        if isinstance(frame, DamagedFrame):
            error = f"a frame must arrive whole; this one is damaged: {frame.reason}"
            self._trouble.begin(f"sends damaged frames, which are not judged: {frame.reason}")
            self._submit(f"{name}.bin", frame.data, error)
            return
        self._last_frame = time.time()
        height, width = frame.shape[:2]
        limit = self._station.settings.limit_px
        if height * width > limit:
            error = f"a frame must have {limit:,} pixels at most; it has {height:,}x{width:,}"
            self._trouble.begin(f"sends frames that are too large: {error}")
            self._submit(f"{name}.bin", b"", error)
        elif self._is_frozen(frame):
            clock = time.strftime("%H:%M", time.localtime(self._new_at))
            words = f"is frozen: it sends the same frame again and again since {clock}"
            self._trouble.begin(words)
            now = time.monotonic()
            if self._repeats < FROZEN_ERRORS or now - self._error_at > FROZEN_PAUSE_S:
                self._error_at = now
                self._submit(f"{name}.png", encode_png(frame), f"the camera {words}; look there")
        elif self._submit(f"{name}.png", encode_png(frame), ""):
            self._trouble.end("is back: its frames are judged")

    def _is_frozen(self, frame: Array) -> bool:
        """Tell whether a frame is one of many equal ones."""
        digest = sha256(frame.tobytes()).digest()
        now = time.time()
        if digest != self._digest:
            self._digest, self._repeats, self._new_at = digest, 0, now
            return False
        self._repeats += 1
        lasts = self._is_file or now - self._new_at >= FROZEN_S
        return self._repeats >= FROZEN_FRAMES and lasts

    def _submit(self, name: str, data: bytes, error: str) -> bool:
        """Submit one frame to the line; tell whether there was room for it."""
        incoming = self._station.archive.receive_bytes(data)
        job = Job(self._product, incoming, name, "camera", error=error)
        while True:
            try:
                self._station.line.submit(job)
                return True
            except BusyError:
                if not self._is_file or self._stop.wait(0.2):
                    break
            except StoppingError:
                self._station.archive.discard(incoming)
                raise
        self._station.archive.discard(incoming)
        self._lost += 1
        self._trouble.begin("sends more frames than can be judged; some are left out")
        return False

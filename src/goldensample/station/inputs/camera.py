"""Camera input: frames of a camera or video, at an interval or when a trigger asks for one."""

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import replace

from goldensample.images.codec import encode_png
from goldensample.station.connection_state import ConnectionState
from goldensample.station.inputs.camera_source import CameraSource
from goldensample.station.inputs.frame import TIMEOUT_S, DamagedFrame, Frame
from goldensample.station.inputs.frozen import FrozenPicture
from goldensample.station.line.jobs import NO_PICTURE, BusyError, Job, StoppingError
from goldensample.station.line.storing import begin_trigger
from goldensample.station.line.triggers import Trigger, TriggerBusyError
from goldensample.station.products.products import Product
from goldensample.station.records.rows import Record
from goldensample.station.station import Station

RETRY_S = 5.0
"""Seconds between attempts to connect to a camera."""
TRIGGER_S = 10.0
"""Seconds until a trigger that has brought no frame is answered with an error."""
log = logging.getLogger(__name__)


class Camera:
    """Reads frames of a camera or a video, and submits them to the line.

    A frame that is not whole, or equal to those before it, is a record with the verdict "error".
    A frame of a live camera is dropped when the line is full, unless a trigger asked for it. The
    frames of a video file wait for the line, so that all are inspected.

    Args:
        station: inspects the frames.
        product: which product they show.
        source: where they come from, or its URL.
        every_s: seconds between two frames, see `frames.read_frames`; 0 for triggers alone.

    Raises:
        ValueError: the interval is out of its range, or the address is invalid.
    """

    def __init__(
        self, station: Station, product: Product, source: CameraSource | str, every_s: float
    ) -> None:
        if not 0 <= every_s < 86400:
            raise ValueError(
                f"--every must be in [0, 86400) seconds, 0 for triggers alone; got {every_s:g}"
            )
        source = CameraSource(source) if isinstance(source, str) else source
        if source.is_file and not every_s:
            raise ValueError("--every must be above 0 for a video file, which takes no triggers")
        self._station, self._product, self._source = station, product, source
        self._is_file, self._stop = source.is_file, threading.Event()
        self._frames = source.open(every_s, self._stop)
        self._waits = source.has_line or not every_s
        self._trouble = station.trouble(f"camera {source.shown_name}", product.key, "camera")
        self._last_frame: float | None = None
        self._frozen = FrozenPicture(self._is_file)
        self._lost, self._ended = 0, False
        self._lock, self._running = threading.Lock(), False
        self._asked: Job | None = None
        self._triggers = 0
        if not self._is_file and not source.has_line and not source.view:
            station.triggers.add(source.shown_name, self.trigger, self.is_taking)
        self._thread = threading.Thread(target=self._run, name="station-camera", daemon=True)
        self._thread.start()

    def state(self) -> ConnectionState:
        """Return how the camera is read now."""
        words = self._trouble.words
        state = "trouble" if words else "working" if self._last_frame else "waiting"
        if not words:
            words = "sends frames" if self._last_frame else "no frame has come yet"
            words = "waits for a trigger" if self._waits and not self._last_frame else words
            words = "the video has ended" if self._ended else words
        name, since = self._source.shown_name, self._trouble.since
        return ConnectionState(
            name, "camera", state, since, self._last_frame, 0, self._lost, 0, words
        )

    def is_taking(self) -> bool:
        """Tell whether a picture is under way, so that a trigger would find the camera busy."""
        return self._asked is not None

    def trigger(self, trigger: Trigger, part: int | None = None) -> "Future[Record]":
        """Take a picture now; return the record that it will have, an error where none comes.

        Args:
            trigger: who asks, and for which part; its record says so.
            part: id of the part of several views that it is of, or None.

        Raises:
            TriggerBusyError: the picture before is not taken yet.
            DatabaseUnreachableError: the trigger cannot be kept, and so no picture is taken.
        """
        with self._lock:
            if self._asked is not None:
                raise TriggerBusyError(self._source.shown_name)
            empty = self._station.archive.receive_bytes(b"")
            self._triggers += 1
            name = f"{_name()}-trigger{self._triggers}.png"
            job = Job(self._product, empty, name, "camera", part=part, view=self._source.view)
            job = begin_trigger(self._station.archive, self._station.ledger, job, trigger)
            self._asked, running = job, self._running
        self._station.line.expect(job)
        timer = threading.Timer(TRIGGER_S, self._give_up, [job, f"none within {TRIGGER_S:g} s"])
        timer.daemon = True
        timer.start()
        job.answer.add_done_callback(lambda _: timer.cancel())
        self._frames.request()
        if not running:
            self._give_up(job, self._trouble.words or "the camera is being opened")
        return job.answer

    def close(self) -> None:
        """Stop reading frames."""
        self._stop.set()
        self._thread.join(TIMEOUT_S + 1)

    def _run(self) -> None:
        while not self._stop.is_set():
            reason = ""
            try:
                self._running = True
                for number, frame in enumerate(self._frames):
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
            self._give_up_all(reason)
            if self._is_file:
                return
            self._stop.wait(RETRY_S)

    def _silence(self, reason: str) -> str:
        """Return the words for a camera that sends nothing."""
        if self._last_frame is None:
            return f"sends nothing: {reason or 'the stream has ended'}"
        clock = time.strftime("%H:%M", time.localtime(self._last_frame))
        return f"sends nothing since {clock}" + (f": {reason}" if reason else "")

    def _claim(self, job: Job | None = None) -> Job | None:
        """Return the job of the trigger that waits for a frame, or None; it waits no more."""
        with self._lock:
            asked = self._asked if job in (None, self._asked) else None
            self._asked = None if asked else self._asked
        return asked

    def _give_up(self, job: Job, reason: str) -> None:
        """Answer a trigger that has brought no frame, unless that was done."""
        if self._claim(job):
            self._hand_over(replace(job, error=f"{NO_PICTURE}{reason}"), patient=True)

    def _give_up_all(self, reason: str) -> None:
        with self._lock:
            self._running, job = False, self._asked
        if job:
            self._give_up(job, reason or "the camera has stopped")

    def _take(self, number: int, frame: Frame | DamagedFrame) -> None:
        """Submit a frame to the line, or record why it is not judged."""
        job = self._claim() if frame.requested else None
        if frame.requested and job is None:
            return  # its trigger was answered without it
        name = f"{_name()}-{number}"
        if isinstance(frame, DamagedFrame):
            error = f"a frame must arrive whole; this one is damaged: {frame.reason}"
            self._trouble.begin(f"sends damaged frames, which are not judged: {frame.reason}")
            self._submit(job, f"{name}.bin", frame.data, error)
            return
        self._last_frame = time.time()
        pixels = frame.pixels
        height, width = pixels.shape[:2]
        limit = self._station.settings.limit_px
        if height * width > limit:
            error = f"a frame must have {limit:,} pixels at most; it has {height:,}x{width:,}"
            self._trouble.begin(f"sends frames that are too large: {error}")
            self._submit(job, f"{name}.bin", b"", error)
        elif self._frozen.is_frozen(pixels):
            clock = time.strftime("%H:%M", time.localtime(self._frozen.since))
            words = f"is frozen: it sends the same frame again and again since {clock}"
            self._trouble.begin(words)
            if self._frozen.is_recorded() or job:
                error = f"the camera {words}; look there"
                self._submit(job, f"{name}.png", encode_png(pixels), error)
        elif self._submit(job, f"{name}.png", encode_png(pixels), "", frame):
            self._trouble.end("is back: its frames are judged")

    def _submit(
        self, asked: Job | None, name: str, data: bytes, error: str, frame: Frame | None = None
    ) -> bool:
        """Submit one frame to the line; tell whether there was room for it."""
        incoming = self._station.archive.receive_bytes(data)
        facts = frame.facts if frame else {}
        if asked is None:
            job = Job(self._product, incoming, name, "camera", error=error, facts=facts)
            return self._hand_over(job, patient=self._is_file or self._source.has_line)
        self._station.archive.discard(asked.incoming)
        job = replace(asked, incoming=incoming, error=error, facts={**facts, **asked.facts})
        return self._hand_over(job, patient=True)

    def _hand_over(self, job: Job, patient: bool) -> bool:
        """Hand a job to the line; a patient one waits for room."""
        while True:
            try:
                self._station.line.submit(job)
                return True
            except BusyError:
                if not patient or self._stop.wait(0.02):
                    break
            except StoppingError as error:
                self._leave_out(job, error)
                raise
        self._leave_out(job, BusyError(1))
        self._lost += 1
        self._trouble.begin("sends more frames than can be judged; some are left out")
        return False

    def _leave_out(self, job: Job, error: Exception) -> None:
        """Discard a job that the line does not take; whoever triggered it is told."""
        self._station.archive.discard(job.incoming)
        if job.answer.running():
            job.answer.set_exception(error)


def _name() -> str:
    """Return the start of a frame's name: when it came, in UTC."""
    return f"camera-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"

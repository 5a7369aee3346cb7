"""Frames of a camera or video, whole and on time. The only module that uses PyAV."""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av

from goldensample.records import Array

TIMEOUT_S = 10.0
"""Seconds without a byte until a camera counts as silent."""
STEP_S = 1 / 25
"""Seconds between two frames of a stream without a clock, as FFmpeg takes them to be."""
MINIMUM_S = 1e-6


class CameraError(OSError):
    """A camera cannot be read, or sends nothing."""


@dataclass(frozen=True, slots=True)
class DamagedFrame:
    """What there is of a frame that did not arrive whole, or needs one that did not.

    Args:
        data: its encoded bytes.
        reason: in words.
    """

    data: bytes
    reason: str


class FrameClock:
    """Tells which frames are due, one an interval on average.

    Args:
        every_s: the interval in seconds.
        live: whether the machine's clock counts, not the stream's. Live streams have none, or one
            that jumps.
    """

    def __init__(self, every_s: float, live: bool) -> None:
        self._every_s, self._live = every_s, live
        self._now_s, self._step_s = 0.0, STEP_S
        self._stream_s: float | None = None
        self._due_s: float | None = None

    def is_due(self, stream_s: float | None) -> bool:
        """Tell whether the next frame is due.

        A frame whose time is before that of the last one follows it after the last step: the
        stream was joined from parts, or its clock was set.

        Args:
            stream_s: its time by the stream's clock in seconds, or None without one.
        """
        now_s = time.monotonic() if self._live else self._advance(stream_s)
        due_s = now_s if self._due_s is None else self._due_s
        if now_s < due_s - MINIMUM_S:
            return False
        on_time = now_s - due_s < self._every_s
        self._due_s = (due_s if on_time else now_s) + self._every_s
        return True

    def _advance(self, stream_s: float | None) -> float:
        """Return the seconds of video so far, after one more frame."""
        if self._stream_s is not None or stream_s is None:
            known = stream_s is not None and self._stream_s is not None
            step_s = stream_s - self._stream_s if known else -1.0  # type: ignore[operator]
            self._step_s = step_s if step_s > 0 else self._step_s
            self._now_s += step_s if step_s >= 0 else self._step_s
        self._stream_s = stream_s
        return self._now_s


def read_frames(
    url: str, every_s: float, stop: threading.Event, options: Mapping[str, str] | None = None
) -> Iterator[Array | DamagedFrame]:
    """Give the frames that are due, (H, W, 3) uint8 RGB; a damaged one as such, never concealed.

    After damage, frames are damaged until one that needs no other. A stream that is joined in the
    middle begins with such a one.

    Args:
        url: source that FFmpeg opens.
        every_s: seconds between two frames: by the machine's clock where the source is live, by
            the stream's where it is a file or has a duration.
        stop: ends it.
        options: of FFmpeg, by name.

    Raises:
        CameraError: FFmpeg cannot open or read it, or nothing came within TIMEOUT_S.
        ValueError: it has no video, or none that can be decoded.
    """
    given = {"rtsp_transport": "tcp"} if url.startswith("rtsp") else {}
    kind = "v4l2" if url.startswith("/dev/") else None
    try:
        with av.open(url, format=kind, options={**given, **(options or {})}, timeout=TIMEOUT_S) as (
            container
        ):
            live = not Path(url).is_file() and container.duration is None
            yield from _decode(container, FrameClock(every_s, live), stop)
    except av.error.ExitError as error:  # the time limit, which FFmpeg takes for a wish to exit
        raise CameraError(f"no answer within {TIMEOUT_S:g} s") from error
    except av.FFmpegError as error:  # its own text may hold the URL, and so a password
        raise CameraError(error.strerror or type(error).__name__) from error


def _decode(
    container: "av.container.InputContainer", clock: FrameClock, stop: threading.Event
) -> Iterator[Array | DamagedFrame]:
    """Give the frames that are due."""
    if not container.streams.video:
        raise ValueError("a camera must give video; it gives none")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise ValueError(
            "a camera must give video that FFmpeg can decode; it has no decoder for it"
        )
    stream.codec_context.options = {"err_detect": "explode"}
    begun = whole = False
    for packet in container.demux(stream):
        if stop.is_set():
            return
        try:
            frames = [] if (reason := _damage(packet)) else packet.decode()
        except av.FFmpegError:  # of many kinds, by where it is damaged
            frames, reason = [], "it cannot be decoded"
        begun |= bool(frames) or (bool(reason) and packet.is_keyframe)
        if reason:
            whole = False
            if begun and clock.is_due(_time_s(packet)):
                yield DamagedFrame(bytes(packet), reason)
        for frame in frames:
            whole = frame.key_frame or (whole and not frame.is_corrupt)
            if not clock.is_due(frame.time):
                continue
            if whole:
                yield frame.to_ndarray(format="rgb24")
            else:
                yield DamagedFrame(bytes(packet), "it needs an earlier one that did not arrive")


def _damage(packet: "av.Packet") -> str:
    """Return why the data of a frame cannot be whole, or ""."""
    if packet.is_corrupt:
        return "a part of it is missing"
    is_jpeg = packet.size and packet.stream.codec_context.name == "mjpeg"
    return "it ends too early" if is_jpeg and _is_cut(bytes(packet)) else ""


def _is_cut(data: bytes) -> bool:
    """Tell whether a JPEG lacks its end: FFmpeg takes the missing end for granted."""
    at = data.find(b"\xff\xd8") + 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda":
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return data[at : at + 1] != b"\xff" or data.find(b"\xff\xd9", at) < 0


def _time_s(packet: "av.Packet") -> float | None:
    """Return the time of a packet by the stream's clock, in seconds."""
    known = packet.pts is not None and packet.time_base is not None
    return float(packet.pts * packet.time_base) if known else None

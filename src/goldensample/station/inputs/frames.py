"""Frames of a camera or video, whole and on time. The only module that uses PyAV."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import av

from goldensample.station.inputs.frame import (
    TIMEOUT_S,
    CameraError,
    DamagedFrame,
    Frame,
    FrameClock,
)


class Stream:
    """A source of frames that FFmpeg opens; a `FrameSource`.

    Args:
        url: see `read_frames`, as all others.
        every_s: seconds between two frames.
        stop: ends it.
        options: of FFmpeg, by name.
    """

    def __init__(
        self, url: str, every_s: float, stop: threading.Event, options: Mapping[str, str]
    ) -> None:
        self._url, self._every_s, self._stop, self._options = url, every_s, stop, options
        self._wanted = threading.Event()

    def __iter__(self) -> Iterator[Frame | DamagedFrame]:
        """Give the frames that are due, and the next to come after each request."""
        return read_frames(self._url, self._every_s, self._stop, self._options, self._wanted)

    def request(self) -> None:
        """Ask for the next frame that arrives."""
        self._wanted.set()


def read_frames(
    url: str,
    every_s: float,
    stop: threading.Event,
    options: Mapping[str, str] | None = None,
    wanted: threading.Event | None = None,
) -> Iterator[Frame | DamagedFrame]:
    """Give the frames that are due, (H, W, 3) uint8 RGB; a damaged one as such, never concealed.

    After damage, frames are damaged until one that needs no other. A stream that is joined in the
    middle begins with such a one.

    Args:
        url: source that FFmpeg opens.
        every_s: seconds between two frames: by the machine's clock where the source is live, by
            the stream's where it is a file or has a duration; 0 for those that are wanted alone.
        stop: ends it.
        options: of FFmpeg, by name.
        wanted: set to have the next frame, too; cleared when it comes.

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
            yield from _decode(container, FrameClock(every_s, live), stop, wanted)
    except av.error.ExitError as error:  # the time limit, which FFmpeg takes for a wish to exit
        raise CameraError(f"no answer within {TIMEOUT_S:g} s") from error
    except av.FFmpegError as error:  # its own text may hold the URL, and so a password
        raise CameraError(error.strerror or type(error).__name__) from error


def _decode(
    container: "av.container.InputContainer",
    clock: FrameClock,
    stop: threading.Event,
    wanted: threading.Event | None,
) -> Iterator[Frame | DamagedFrame]:
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
            due, requested = _is_due(clock, _time_s(packet), wanted) if begun else (False, False)
            if due:
                yield DamagedFrame(bytes(packet), reason, requested)
        for frame in frames:
            whole = frame.key_frame or (whole and not frame.is_corrupt)
            due, requested = _is_due(clock, frame.time, wanted)
            if due and whole:
                yield Frame(frame.to_ndarray(format="rgb24"), requested=requested)
            elif due:
                reason = "it needs an earlier one that did not arrive"
                yield DamagedFrame(bytes(packet), reason, requested)


def _is_due(
    clock: FrameClock, stream_s: float | None, wanted: threading.Event | None
) -> tuple[bool, bool]:
    """Tell whether a frame is due, and whether it was asked for."""
    due, requested = clock.is_due(stream_s), wanted is not None and wanted.is_set()
    if wanted is not None and requested:
        wanted.clear()
    return due or requested, requested


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

"""A camera's frames, and which of them are due."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from goldensample.records import Array

TIMEOUT_S = 10.0
"""Seconds without a byte until a camera counts as silent."""
STEP_S = 1 / 25
"""Seconds between two frames of a stream without a clock, as FFmpeg takes them to be."""
MINIMUM_S = 1e-6
MOST_MISSING = 100
"""Frames that are taken to be lost between two that came, at most."""


class CameraError(OSError):
    """A camera cannot be read, or sends nothing."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that arrived whole.

    Args:
        pixels: (H, W, 3) uint8 RGB, or (H, W) grey, uint8 or uint16.
        facts: what the camera says of it, such as number and exposure.
        requested: whether it was asked for.
    """

    pixels: Array
    facts: Mapping[str, Any] = field(default_factory=dict)
    requested: bool = False


@dataclass(frozen=True, slots=True)
class DamagedFrame:
    """What there is of a frame that did not arrive whole, or needs one that did not.

    Args:
        data: its encoded bytes.
        reason: in words.
        requested: whether it was asked for.
    """

    data: bytes
    reason: str
    requested: bool = False


def with_missing(frames: Iterable[Frame | DamagedFrame]) -> Iterator[Frame | DamagedFrame]:
    """Give frames, and a damaged one for each that the camera has numbered and that never came.

    A number that falls, or leaps by more than MOST_MISSING, is of a camera that counts anew.
    """
    last: int | None = None
    damaged = 0
    for frame in frames:
        if isinstance(frame, DamagedFrame):  # which has no number
            damaged += 1
            yield frame
            continue
        number = frame.facts.get("frame")
        missing = number - last - 1 - damaged if number is not None and last is not None else 0
        if 0 < missing <= MOST_MISSING:
            for _ in range(missing):
                yield DamagedFrame(b"", f"it did not arrive at all (before frame {number})")
        last, damaged = number, 0
        yield frame


class FrameSource(Protocol):
    """Where frames come from, until the stop that it was opened with."""

    def __iter__(self) -> Iterator[Frame | DamagedFrame]:
        """Give the frames that are due or asked for.

        Raises:
            CameraError: the camera cannot be read.
            ValueError: it gives none, or an option does not suit it.
        """

    def request(self) -> None:
        """Ask for a frame; from any thread."""


class FrameClock:
    """Tells which frames are due, one an interval on average.

    Args:
        every_s: the interval in seconds; 0 for frames that are asked for alone.
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
        if not self._every_s:
            return False
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

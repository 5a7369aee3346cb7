"""A camera whose picture is frozen: it sends the same frame again and again."""

import time
from hashlib import sha256

from goldensample.records import Array

FRAMES, SECONDS = 3, 0.5
"""Frames in a row that are equal to one before them, and for a live camera seconds since that one,
from which on its picture is frozen: no two pictures of a sensor are equal."""
ERRORS, PAUSE_S = 60, 60.0
"""Frames of a frozen picture that are recorded as errors; then one in so many seconds."""


class FrozenPicture:
    """Tells whether a camera's picture is frozen.

    Args:
        is_file: whether it is a video file, whose frames come as fast as they are read.
    """

    def __init__(self, is_file: bool) -> None:
        self._is_file = is_file
        self._digest, self._repeats, self._error_at = b"", 0, 0.0
        self.since = 0.0

    def is_frozen(self, pixels: Array) -> bool:
        """Tell whether a frame is one of many equal ones."""
        digest = sha256(pixels.tobytes()).digest()
        now = time.time()
        if digest != self._digest:
            self._digest, self._repeats, self.since = digest, 0, now
            return False
        self._repeats += 1
        lasts = self._is_file or now - self.since >= SECONDS
        return self._repeats >= FRAMES and lasts

    def is_recorded(self) -> bool:
        """Tell whether one more frozen frame shall have a record."""
        now = time.monotonic()
        due = self._repeats < ERRORS or now - self._error_at > PAUSE_S
        if due:
            self._error_at = now
        return due

"""Streams of pictures of which some cannot be read: every one gets its answer, in its place."""

from collections import deque
from collections.abc import Iterable, Iterator

from goldensample.errors import ImageError
from goldensample.extracting import BATCH
from goldensample.inspector import Inspector
from goldensample.records import Inspection, Picture


def judge(
    inspector: Inspector, attempts: Iterable[Picture | ImageError], batch: int = BATCH
) -> Iterator[tuple[Picture | None, Inspection | ImageError]]:
    """Inspect what could be read, `batch` at a time, and pass on errors in their places.

    A picture that has no place on the canvas is an error, too.
    """
    waiting: deque[Picture | ImageError] = deque()

    def readable() -> Iterator[Picture]:
        for attempt in attempts:
            attempt = _placed(inspector, attempt)
            waiting.append(attempt)
            if isinstance(attempt, Picture):
                yield attempt

    for inspection in inspector.inspect_many(readable(), batch):
        while isinstance(attempt := waiting.popleft(), ImageError):
            yield None, attempt
        yield attempt, inspection
    for attempt in waiting:
        assert isinstance(attempt, ImageError), "every picture has an inspection"
        yield None, attempt


def _placed(inspector: Inspector, attempt: Picture | ImageError) -> Picture | ImageError:
    """Return a picture, or why it has no place on the canvas."""
    if isinstance(attempt, Picture):
        try:
            inspector.preparation.place((attempt.pixels.shape[0], attempt.pixels.shape[1]))
        except ImageError as error:
            return ImageError(f"{attempt.name}: {error}")
    return attempt

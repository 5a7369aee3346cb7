"""Streams of pictures of which some cannot be read: every one gets its answer, in its place."""

from collections import deque
from collections.abc import Iterable, Iterator

from goldensample.errors import ImageError
from goldensample.features.extraction import BATCH
from goldensample.inspection.inspector import Inspector
from goldensample.records import Inspection, Picture


def judge(
    inspector: Inspector, attempts: Iterable[Picture | ImageError], batch: int = BATCH
) -> Iterator[tuple[Picture | None, Inspection | ImageError]]:
    """Inspect what could be read, `batch` at a time, and pass on errors in their places.

    A picture that has no place on the canvas is an error, too, and so is one that shows nothing of
    what is looked at once it is aligned.
    """
    waiting: deque[Picture | ImageError] = deque()
    source = iter(attempts)

    def readable() -> Iterator[Picture]:
        for attempt in source:
            attempt = _placed(inspector, attempt)
            waiting.append(attempt)
            if isinstance(attempt, Picture):
                yield attempt

    going = True
    while going:
        try:
            for inspection in inspector.inspect_many(readable(), batch):
                while isinstance(attempt := waiting.popleft(), ImageError):
                    yield None, attempt
                yield attempt, inspection
            going = False
        except ImageError:  # it is of one of those that wait: alone, each tells
            pass
        while waiting:
            yield _alone(inspector, waiting.popleft())


def _alone(
    inspector: Inspector, attempt: Picture | ImageError
) -> tuple[Picture | None, Inspection | ImageError]:
    """Return the answer to one attempt, whatever becomes of others."""
    if isinstance(attempt, ImageError):
        return None, attempt
    try:
        return attempt, inspector.inspect(attempt)
    except ImageError as error:
        return None, error


def _placed(inspector: Inspector, attempt: Picture | ImageError) -> Picture | ImageError:
    """Return a picture, or why it has no place on the canvas."""
    if isinstance(attempt, Picture):
        try:
            inspector.preparation.place((attempt.pixels.shape[0], attempt.pixels.shape[1]))
        except ImageError as error:
            return ImageError(f"{attempt.name}: {error}")
    return attempt

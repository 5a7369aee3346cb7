"""Inspect a stream in which some pictures cannot be read: one result a picture, in order."""

from collections import deque
from collections.abc import Iterable, Iterator

from goldensample.errors import ImageError
from goldensample.features.extraction import BATCH
from goldensample.inspection.inspector import Inspector
from goldensample.records import Inspection, Picture


def inspect_stream(
    inspector: Inspector, attempts: Iterable[Picture | ImageError], batch: int = BATCH
) -> Iterator[tuple[Picture | None, Inspection | ImageError]]:
    """Inspect the pictures of a stream in batches, and pass errors on in their order.

    A picture that cannot be placed on the canvas is an error, too, and so is one that shows nothing
    of the region of interest once it is aligned.

    Args:
        inspector: inspects.
        attempts: pictures, or why one could not be read.
        batch: pictures per batch.
    """
    pending: deque[Picture | ImageError] = deque()
    source = iter(attempts)

    def readable() -> Iterator[Picture]:
        for attempt in source:
            attempt = _check_placement(inspector, attempt)
            pending.append(attempt)
            if isinstance(attempt, Picture):
                yield attempt

    finished = False
    while not finished:
        try:
            for inspection in inspector.inspect_many(readable(), batch):
                while isinstance(attempt := pending.popleft(), ImageError):
                    yield None, attempt
                yield attempt, inspection
            finished = True
        except ImageError:  # of one of the pending pictures: inspected alone, it shows which
            pass
        while pending:
            yield _inspect_alone(inspector, pending.popleft())


def _inspect_alone(
    inspector: Inspector, attempt: Picture | ImageError
) -> tuple[Picture | None, Inspection | ImageError]:
    """Return the result of one attempt, independent of the others."""
    if isinstance(attempt, ImageError):
        return None, attempt
    try:
        return attempt, inspector.inspect(attempt)
    except ImageError as error:
        return None, error


def _check_placement(inspector: Inspector, attempt: Picture | ImageError) -> Picture | ImageError:
    """Return a picture, or why it cannot be placed on the canvas."""
    if isinstance(attempt, Picture):
        try:
            inspector.preparation.placement((attempt.pixels.shape[0], attempt.pixels.shape[1]))
        except ImageError as error:
            return ImageError(f"{attempt.name}: {error}")
    return attempt

"""`golden inspect --watch` and `--strict-input`: the scene, apart from the parts in it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from goldensample.artifact.header import convert
from goldensample.cli.console import tell
from goldensample.drift.martingale import Watch, begin, watch
from goldensample.drift.measures import UNALIGNED, WATCHED, WORDS, Habits, measure
from goldensample.errors import ArtifactError, ImageError
from goldensample.inspection.inspector import Inspector
from goldensample.records import Array, Inspection, Picture
from goldensample.storage.atomic import check_writable, write_atomic

WatchFile = Annotated[
    Path | None,
    typer.Option(
        metavar="STATE.json",
        help="Say when the scene has changed (light, focus, camera), and since which picture; what "
        "was seen is kept in this file from run to run.",
    ),
]
StrictInput = Annotated[
    bool,
    typer.Option(
        "--strict-input",
        help="Refuse pictures whose light, sharpness or size is far from the training pictures', "
        "and those that could not be aligned.",
    ),
]
KINDS = {"values": "f8", "gains": "f8", "rises": "f8", "since": "i8"}
"""The arrays of a state, and what they hold."""


class Watcher:
    """Follows a stream of pictures with a state in a file.

    Args:
        inspector: fitted with pictures held out.
        path: of the state; read if it exists.

    Raises:
        ValueError: no pictures were held out, or the state is that of another fit.
        ArtifactError: the file is no such state, or cannot be written.
    """

    def __init__(self, inspector: Inspector, path: Path) -> None:
        precision = inspector.backbone.precision
        known = inspector.habits.good(precision) if inspector.habits else None
        if inspector.habits is None or known is None:
            raise ValueError(
                f"--watch must have pictures held out of the fit in {precision}; the file has "
                "none; fit it with --calibration split on more pictures"
            )
        check_writable(path)
        self._inspector, self._habits, self._known = inspector, inspector.habits, known
        self._path, self._of = path, sha256(known.tobytes()).hexdigest()
        self._seen, self._state = 0, begin(len(WATCHED))
        if path.exists():
            self._seen, self._state = self._read()

    def see(self, picture: Picture, found: Inspection) -> dict[str, str] | None:
        """Take the next picture; on an alarm say so on stderr, and return it for JSON."""
        canvas, placement = self._inspector.preparation.apply(picture.pixels)
        values = self._habits.watched(measure(canvas, placement), found)
        chances = np.random.default_rng([0, self._seen]).random(len(values))
        self._seen += 1
        self._state, alarm = watch(self._state, self._known, found.name, values, chances)
        if alarm is None:
            return None
        change = f"{WORDS[WATCHED[alarm.measure]][alarm.up]} than the training pictures"
        tell(f"the scene has changed since {alarm.since}: {change}")
        return {"since": alarm.since, "change": change}

    def finish(self) -> None:
        """Write the state."""
        state: dict[str, Any] = {"of": self._of, "seen": self._seen, "names": self._state.names}
        state |= {name: getattr(self._state, name).tolist() for name in KINDS}
        write_atomic(self._path, json.dumps(state, allow_nan=False).encode())

    def _read(self) -> tuple[int, Watch]:
        """Return how many pictures were seen, and what is known of them."""
        try:
            state = json.loads(self._path.read_text(encoding="utf-8"))
            if set(state) != {"of", "seen", *(field.name for field in fields(Watch))}:
                raise ValueError("other keys")
            seen = convert(state["seen"], int, "seen")
            arrays = {name: _array(state[name], kind) for name, kind in KINDS.items()}
            known = Watch(convert(state["names"], tuple[str, ...], "names"), **arrays)
            if seen < len(known.names):
                raise ValueError(f"{seen} pictures seen, {len(known.names)} named")
        except (ValueError, TypeError) as error:
            raise ArtifactError(
                f"{self._path} must be what --watch wrote; it is not ({error}); give another name, "
                "or delete it to begin anew"
            ) from error
        if state["of"] != self._of:
            raise ValueError(
                f"{self._path} must be of this fit and precision; it is of another; give another "
                "name, or delete it to begin anew"
            )
        return seen, known


def _array(values: Any, kind: str) -> Array:
    """Return rows of numbers as an array with a column for each measure, or for each bet."""
    if not isinstance(values, list):
        raise ValueError("rows must be a list")
    array: Array = np.asarray(values or np.empty((0, len(WATCHED))), kind)
    return array


def strict(
    inspector: Inspector, attempts: Iterable[Picture | ImageError]
) -> Iterator[Picture | ImageError]:
    """Give pictures that can be judged, and errors in the places of those that cannot.

    Raises:
        ValueError: the file does not know what its training pictures are like.
    """
    habits = inspector.habits
    if habits is None:
        raise ValueError(
            "--strict-input must have a file that knows its training pictures; this one does not; "
            "fit it anew"
        )
    return (_judgeable(inspector, habits, attempt) for attempt in attempts)


def _judgeable(
    inspector: Inspector, habits: Habits, attempt: Picture | ImageError
) -> Picture | ImageError:
    """Return a picture, or why it cannot be judged."""
    if isinstance(attempt, ImageError):
        return attempt
    canvas, placement = inspector.preparation.apply(attempt.pixels)
    if placement.unaligned:
        return ImageError(
            f"{attempt.name} must agree with the reference to be judged; it {UNALIGNED}; take it "
            "anew, or leave out --strict-input"
        )
    unusual = habits.unusual(measure(canvas, placement).values)
    if not unusual:
        return attempt
    return ImageError(
        f"{attempt.name} must be like the training pictures to be judged; it is "
        f"{' and '.join(unusual)}; take it anew, or leave out --strict-input"
    )

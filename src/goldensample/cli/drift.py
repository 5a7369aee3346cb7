"""`golden inspect --watch` and `--strict-input`: drift of the images, and rejected inputs."""

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
from goldensample.drift.measures import WATCHED, ReferenceStatistics
from goldensample.drift.picture import measure
from goldensample.drift.words import DEVIATION_WORDS, UNALIGNED, compare
from goldensample.errors import ArtifactError, ImageError
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext
from goldensample.records import Array, Inspection, Picture
from goldensample.storage.atomic import check_writable, write_atomic
from goldensample.wording.notes import told

WatchFile = Annotated[
    Path | None,
    typer.Option(
        metavar="STATE.json",
        help="Say when the scene has changed (light, focus, colours, camera), and since which "
        "picture; what was seen is kept in this file from run to run.",
    ),
]
StrictInput = Annotated[
    bool,
    typer.Option(
        "--strict-input",
        help="Refuse pictures whose light, sharpness, colours or size are far from the training "
        "pictures', and those that could not be aligned.",
    ),
]
ARRAY_TYPES = {"values": "f8", "gains": "f8", "rises": "f8", "since": "i8"}
"""The arrays of a state, and their data types."""


class DriftMonitor:
    """A drift test on a stream of pictures, with its state in a file.

    Args:
        inspector: fitted with pictures held out.
        path: of the state; read if it exists.

    Raises:
        ValueError: no pictures were held out, or the state belongs to another fit.
        ArtifactError: the file is no such state, or cannot be written.
    """

    def __init__(self, inspector: Inspector, path: Path) -> None:
        precision = inspector.backbone.precision
        calibration = inspector.habits.good_values(precision) if inspector.habits else None
        if inspector.habits is None or calibration is None:
            raise ValueError(
                f"--watch must have pictures held out of the fit in {precision}; the file has "
                "none; fit it with --calibration split on more pictures"
            )
        check_writable(path)
        self._inspector, self._statistics = inspector, inspector.habits
        self._calibration = calibration
        self._path, self._fit_hash = path, sha256(calibration.tobytes()).hexdigest()
        self._count, self._state = 0, begin(calibration.shape[1])
        if path.exists():
            self._count, self._state = self._read()

    def update(self, picture: Picture, inspection: Inspection) -> dict[str, str] | None:
        """Test the next picture; print an alarm on stderr, and return it as JSON values."""
        canvas, placement = self._inspector.preparation.apply(picture.pixels)
        values = self._statistics.watched_values(measure(canvas, placement), inspection)
        uniforms = np.random.default_rng([0, self._count]).random(len(values))
        self._count += 1
        self._state, alarm = watch(
            self._state, self._calibration, inspection.name, values, uniforms
        )
        if alarm is None:
            return None
        deviation = DEVIATION_WORDS[WATCHED[alarm.measure]][alarm.up]
        change = compare([deviation])
        text = gettext("the scene has changed since %(since)s: %(change)s")
        tell(text % {"since": alarm.since, "change": told(change)})
        return {"since": alarm.since, "change": change}

    def save(self) -> None:
        """Write the state."""
        state: dict[str, Any] = {
            "of": self._fit_hash,
            "seen": self._count,
            "names": self._state.names,
        }
        state |= {name: getattr(self._state, name).tolist() for name in ARRAY_TYPES}
        write_atomic(self._path, json.dumps(state, allow_nan=False).encode())

    def _read(self) -> tuple[int, Watch]:
        """Return the number of pictures so far, and the state of the test."""
        try:
            state = json.loads(self._path.read_text(encoding="utf-8"))
            if set(state) != {"of", "seen", *(field.name for field in fields(Watch))}:
                raise ValueError("other keys")
            count = convert(state["seen"], int, "seen")
            columns = self._calibration.shape[1]
            arrays = {
                name: _array(state[name], dtype, columns) for name, dtype in ARRAY_TYPES.items()
            }
            restored = Watch(convert(state["names"], tuple[str, ...], "names"), **arrays)
            if count < len(restored.names):
                raise ValueError(f"{count} pictures seen, {len(restored.names)} named")
        except (ValueError, TypeError) as error:
            raise ArtifactError(
                f"{self._path} must be what --watch wrote; it is not ({error}); give another name, "
                "or delete it to begin anew"
            ) from error
        if state["of"] != self._fit_hash:
            raise ValueError(
                f"{self._path} must be of this fit and precision; it is of another; give another "
                "name, or delete it to begin anew"
            )
        return count, restored


def _array(values: Any, dtype: str, columns: int) -> Array:
    """Return rows of numbers as an array with one column per measure or per bet."""
    if not isinstance(values, list):
        raise ValueError("rows must be a list")
    array: Array = np.asarray(values or np.empty((0, columns)), dtype)
    return array


def reject_unusual(
    inspector: Inspector, attempts: Iterable[Picture | ImageError]
) -> Iterator[Picture | ImageError]:
    """Give the pictures that can be inspected, and an error in place of each other one.

    Raises:
        ValueError: the file has no reference statistics of its training pictures.
    """
    statistics = inspector.habits
    if statistics is None:
        raise ValueError(
            "--strict-input must have a file that knows its training pictures; this one does not; "
            "fit it anew"
        )
    return (_check_input(inspector, statistics, attempt) for attempt in attempts)


def _check_input(
    inspector: Inspector, statistics: ReferenceStatistics, attempt: Picture | ImageError
) -> Picture | ImageError:
    """Return a picture, or the error that rejects it."""
    if isinstance(attempt, ImageError):
        return attempt
    canvas, placement = inspector.preparation.apply(attempt.pixels)
    if placement.unaligned:
        return ImageError(
            f"{attempt.name} must agree with the reference to be judged; it {UNALIGNED}; take it "
            "anew, or leave out --strict-input"
        )
    unusual = statistics.unusual(measure(canvas, placement).values)
    if not unusual:
        return attempt
    return ImageError(
        f"{attempt.name} must be like the training pictures to be judged; it is "
        f"{' and '.join(unusual)}; take it anew, or leave out --strict-input"
    )

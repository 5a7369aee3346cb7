"""Triggers: whoever tells a camera to take a picture gets its record, or hears that it is busy."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from goldensample.errors import GoldenError
from goldensample.station.records.rows import Record

LONGEST_SERIAL, LONGEST_JOB = 255, 64
"""Characters of a serial number and of a job, at most."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a trigger says.

    Args:
        by: who asks: "http", "mqtt", "opcua", "modbus" or "s7".
        serial: of the part that is photographed, or "".
        job: the asker's own number of the job, which comes back with the verdict, or "".

    Raises:
        ValueError: a text is too long, or has a character that a database cannot keep.
    """

    by: str
    serial: str = ""
    job: str = ""

    def __post_init__(self) -> None:
        longest = {"serial": LONGEST_SERIAL, "job": LONGEST_JOB}
        for name, limit in longest.items():
            text = getattr(self, name)
            if len(text) > limit or "\0" in text:
                raise ValueError(
                    f"a trigger's {name} must have {limit} characters at most, and no zero among "
                    f"them; got {len(text)}: {text[:20]!r}"
                )


Take = Callable[[Trigger], "Future[Record]"]
"""Takes a picture at a trigger; returns the record that it will have. Raises `TriggerBusyError`
while one is under way."""


class TriggerBusyError(GoldenError):
    """A camera is still busy with the picture before; `busy` counts how often it was."""

    def __init__(self, camera: str, busy: int = 0) -> None:
        super().__init__(
            f"a camera must be ready for a trigger; {camera} is still busy with the one before; "
            f"try again when it is ready ({busy} triggers found it busy since the start)"
        )
        self.camera, self.busy = camera, busy


@dataclass(slots=True)
class TriggerCount:
    """How often a camera was told to take a picture, and how often it was busy then."""

    asked: int = 0
    busy: int = 0


class Triggers:
    """Cameras that take a picture when they are told to, by name; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cameras: dict[str, tuple[Take, Callable[[], bool]]] = {}
        self._counts: dict[str, TriggerCount] = {}

    def add(self, camera: str, take: Take, is_taking: Callable[[], bool]) -> None:
        """Add a camera.

        Args:
            camera: its name; a second one of the same name is called "NAME 2".
            take: see Take.
            is_taking: tells whether a picture is under way.
        """
        number, name = 1, camera
        while camera in self._cameras:
            number += 1
            camera = f"{name} {number}"
        self._cameras[camera], self._counts[camera] = (take, is_taking), TriggerCount()

    @property
    def cameras(self) -> list[str]:
        """Names of the cameras, in the order in which they were added."""
        return list(self._cameras)

    def fire(self, camera: str, trigger: Trigger) -> "Future[Record]":
        """Have a camera take a picture; return the record that it will have.

        Args:
            camera: its name.
            trigger: who asks, and for which part.

        Raises:
            LookupError: there is no such camera.
            TriggerBusyError: the picture before is not taken yet; it is counted.
        """
        if camera not in self._cameras:
            names = ", ".join(self._cameras) or "none takes triggers"
            raise LookupError(f"a camera must be one of this station's ({names}); not {camera!r}")
        with self._lock:
            self._counts[camera].asked += 1
        try:
            return self._cameras[camera][0](trigger)
        except TriggerBusyError:
            with self._lock:
                count = self._counts[camera]
                count.busy += 1
            raise TriggerBusyError(camera, count.busy) from None

    def taking(self) -> bool:
        """Tell whether a camera has a picture under way, and so is not ready."""
        return any(is_taking() for _, is_taking in self._cameras.values())

    def counts(self) -> dict[str, TriggerCount]:
        """Return the counts of each camera."""
        with self._lock:
            return {
                name: TriggerCount(count.asked, count.busy) for name, count in self._counts.items()
            }

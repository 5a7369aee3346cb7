"""Watches, for each product, whether light, focus or camera have changed; see `watching`."""

import io
import json
import logging
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from goldensample.drift.martingale import Watch, begin, watch
from goldensample.drift.measures import WATCHED, WORDS, measure
from goldensample.errors import ArtifactError
from goldensample.inspection.inspector import Inspector
from goldensample.records import Array, Inspection, Picture
from goldensample.station.line.jobs import Job
from goldensample.station.products.products import Product, State
from goldensample.station.records.rows import Record
from goldensample.storage.atomic import write_atomic

log = logging.getLogger(__name__)
SAVE_S = 20.0
"""A watch is written when so much time has passed since it was; a crash loses less."""
LONGEST = 10_000
"""Pictures of one watch; after them it begins anew, so that memory and time stay bounded."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A scene that has changed.

    Args:
        since: number of the record at which the change most likely began.
        at: number of the record at which it was certain.
        time: of that record.
        words: what has changed.
    """

    since: int
    at: int
    time: float
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """The watch of a product.

    Args:
        of: hash of the good pictures' measures that it compares with.
        seen: pictures since the watch began for the first time; it seeds the ties.
        state: of the watch.
        alarm: None while the scene is as it was; with one, nothing more is watched.
    """

    of: str
    seen: int
    state: Watch
    alarm: Alarm | None = None


class Scene:
    """Follows the pictures of every product, and keeps what it saw in files.

    Args:
        folder: of the files, one a product; made if need be.
        tell: told (product, words, record) of each alarm.
        every_s: seconds between two pictures of a product that are measured; those between are
            left out, as measuring costs a tenth of inspecting.
    """

    def __init__(
        self, folder: Path, tell: Callable[[str, str, int], None], every_s: float = 0.5
    ) -> None:
        self._folder, self._tell, self._every_s = folder, tell, every_s
        self._measured: dict[str, float] = {}
        self._lock = threading.Lock()
        self._watched: dict[str, Watched] = {}
        self._saved: dict[str, float] = {}
        self._lost: dict[str, str] = {}

    def seen(self, job: Job, state: State, picture: Picture, found: Inspection) -> None:
        """Measure a picture that was judged; it counts when its record is stored."""
        known, habits = known_of(state.inspector), state.inspector.habits
        now, key = time.monotonic(), job.product.key
        if known is None or habits is None or now - self._measured.get(key, -1e9) < self._every_s:
            return
        self._measured[key] = now
        shown = state.inspector.preparation.apply(picture.pixels)
        values = habits.watched(measure(*shown), found)

        def stored(answer: "Future[Record]") -> None:
            if answer.exception() is None:
                self._take(key, known, values, answer.result())

        job.answer.add_done_callback(stored)

    def status(self, product: Product) -> dict[str, Any]:
        """Return how the scene of a product is, in words and numbers."""
        known = known_of(product.state.inspector)
        if known is None:
            why = why_not(product.state.inspector)
            return {"watched": False, "why": why, "alarm": None, "lost": ""}
        with self._lock:
            one = self._find(product.key, known)
        alarm = None if one.alarm is None else asdict(one.alarm)
        lost = self._lost.get(product.key, "")
        return {"watched": True, "pictures": len(one.state.names), "alarm": alarm, "lost": lost}

    def acknowledge(self, product: Product) -> bool:
        """Begin the watch of a product anew; tell whether there was an alarm."""
        known = known_of(product.state.inspector)
        if known is None:
            return False
        with self._lock:
            one = self._find(product.key, known)
            anew = replace(one, state=begin(len(WATCHED)), alarm=None)
            self._watched[product.key] = anew
            self._save(product.key)
        return one.alarm is not None

    def close(self) -> None:
        """Keep all that was seen."""
        with self._lock:
            for key in self._watched:
                self._save(key)

    def _take(self, key: str, known: Array, values: Array, record: Record) -> None:
        """Watch one more picture."""
        with self._lock:
            one = self._find(key, known)
            if one.alarm is not None:
                return
            one = self._watched[key] = step(one, known, values, record)
            if one.alarm or time.monotonic() - self._saved.get(key, 0.0) > SAVE_S:
                self._save(key)
        if one.alarm:
            self._tell(key, one.alarm.words, one.alarm.since)

    def _find(self, key: str, known: Array) -> Watched:
        """Return the watch of a product: as it was left, or a new one for another fit."""
        of = sha256(known.tobytes()).hexdigest()
        if key not in self._watched and (path := self._path(key)).exists():
            try:
                self._watched[key] = from_bytes(path.read_bytes(), path)
            except (ArtifactError, OSError) as error:
                log.error("the watch of %s begins anew: %s", key, error)
                self._lost[key] = (
                    "What was seen before the station last started is lost, as its file is "
                    "damaged; the watch began anew."
                )
        if key not in self._watched or self._watched[key].of != of:
            self._watched[key] = Watched(of, 0, begin(len(WATCHED)))
        return self._watched[key]

    def _save(self, key: str) -> None:
        write_atomic(self._path(key), to_bytes(self._watched[key]))
        self._saved[key] = time.monotonic()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"


def step(one: Watched, known: Array, values: Array, record: Record) -> Watched:
    """Return a watch after one more picture; it seeds the ties by the number of pictures."""
    chances = np.random.default_rng([0, one.seen]).random(len(values))
    before = one.state if len(one.state.names) < LONGEST else begin(len(WATCHED))
    state, found = watch(before, known, str(record.id), values, chances)
    alarm = None
    if found is not None:
        words = f"{WORDS[WATCHED[found.measure]][found.up]} than the good pictures of the fit"
        alarm = Alarm(int(found.since), record.id, record.time, words)
    return Watched(one.of, one.seen + 1, state, alarm)


def known_of(inspector: Inspector) -> Array | None:
    """Return the measures of good pictures to compare with, or None."""
    habits = inspector.habits
    return habits.good(inspector.backbone.precision) if habits else None


def why_not(inspector: Inspector) -> str:
    """Return why a product's scene cannot be watched."""
    if inspector.habits is None:
        return "its file is of an earlier version that does not know its good pictures; fit it anew"
    return (
        "no good pictures were kept out of its fit to compare with; fit it anew on more pictures "
        "(golden fit --calibration split)"
    )


def to_bytes(one: Watched) -> bytes:
    """Return a watch as a small file."""
    state = one.state
    facts = {"of": one.of, "seen": one.seen, "alarm": one.alarm and asdict(one.alarm)}
    np.savez_compressed(
        file := io.BytesIO(),
        facts=np.frombuffer(json.dumps(facts).encode(), np.uint8),
        names=np.array([int(name) for name in state.names], np.int64),
        values=state.values,
        gains=state.gains,
        rises=state.rises,
        since=state.since,
    )
    return file.getvalue()


def from_bytes(data: bytes, path: Path) -> Watched:
    """Read what `to_bytes` wrote.

    Raises:
        ArtifactError: it is something else.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as parts:
            facts = json.loads(parts["facts"].tobytes())
            names = tuple(map(str, parts["names"].tolist()))
            arrays = [parts[name] for name in ("values", "gains", "rises", "since")]
        alarm = facts["alarm"] and Alarm(**facts["alarm"])
        return Watched(facts["of"], int(facts["seen"]), Watch(names, *arrays), alarm)
    except (ValueError, OSError, LookupError, EOFError, TypeError, BadZipFile, zlib.error) as error:
        raise ArtifactError(
            f"{path} must be what the station wrote; it is not ({error})"
        ) from error

"""Detects, for each product, changes of light, focus, colours or camera; see `drift.martingale`."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.drift.martingale import begin, watch
from goldensample.drift.measures import WATCHED
from goldensample.drift.picture import measure
from goldensample.drift.words import DEVIATION_WORDS, THAN_FIT, compare
from goldensample.errors import ArtifactError
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext
from goldensample.records import Array, Inspection, Picture
from goldensample.station.line.jobs import Job
from goldensample.station.line.scene_file import Alarm, SceneWatch, from_bytes, to_bytes
from goldensample.station.products.products import Product, State
from goldensample.station.records.rows import Record
from goldensample.storage.atomic import write_atomic

log = logging.getLogger(__name__)
SAVE_S = 20.0
"""Interval at which a watch is saved; a crash loses less."""
MAX_PICTURES = 10_000
"""Pictures of one watch; then it restarts, so that memory and time stay bounded."""


class SceneMonitor:
    """Monitors the scene of every product, and saves its state to files.

    Args:
        folder: of the files, one a product; created if missing.
        on_alarm: called with product, message and record id of each alarm.
        interval_s: seconds between two measured pictures of a product; those in between are left
            out, as measuring costs a tenth of inspecting.
    """

    def __init__(
        self, folder: Path, on_alarm: Callable[[str, str, int], None], interval_s: float = 0.5
    ) -> None:
        self._folder, self._on_alarm, self._interval_s = folder, on_alarm, interval_s
        self._measured: dict[str, float] = {}
        self._lock = threading.Lock()
        self._watches: dict[str, SceneWatch] = {}
        self._saved: dict[str, float] = {}
        self._lost_messages: dict[str, str] = {}

    def observe(
        self, job: Job, state: State, picture: Picture, inspection: Inspection
    ) -> tuple[float, float] | None:
        """Measure an inspected picture; the watch is updated when its record is stored.

        Returns:
            its brightness and sharpness, see `drift.picture.MEASURES`; None where it is left out.
        """
        now, key = time.monotonic(), job.product.key
        if now - self._measured.get(key, -1e9) < self._interval_s:
            return None
        self._measured[key] = now
        measures = measure(*state.inspector.preparation.apply(picture.pixels))
        scene = (float(measures.values[0]), float(measures.values[2]))
        reference, statistics = reference_of(state.inspector), state.inspector.habits
        if reference is None or statistics is None:
            return scene
        values = statistics.watched_values(measures, inspection)

        def on_stored(answer: "Future[Record]") -> None:
            if answer.exception() is None:
                self._update(key, reference, values, answer.result())

        job.answer.add_done_callback(on_stored)
        return scene

    def status(self, product: Product) -> dict[str, Any]:
        """Return the status of a product's scene as JSON values."""
        reference = reference_of(product.state.inspector)
        if reference is None:
            reason = unwatched_reason(product.state.inspector)
            return {"watched": False, "why": reason, "alarm": None, "lost": ""}
        with self._lock:
            scene_watch = self._find(product.key, reference)
        return {
            "watched": True,
            "pictures": len(scene_watch.state.names),
            "alarm": scene_watch.alarm and asdict(scene_watch.alarm),
            "lost": self._lost_messages.get(product.key, ""),
        }

    def acknowledge(self, product: Product) -> bool:
        """Restart the watch of a product; tell whether there was an alarm."""
        reference = reference_of(product.state.inspector)
        if reference is None:
            return False
        with self._lock:
            scene_watch = self._find(product.key, reference)
            restarted = replace(scene_watch, state=begin(reference.shape[1]), alarm=None)
            self._watches[product.key] = restarted
            self._save(product.key)
        return scene_watch.alarm is not None

    def close(self) -> None:
        """Save all watches."""
        with self._lock:
            for key in self._watches:
                self._save(key)

    def _update(self, key: str, reference: Array, values: Array, record: Record) -> None:
        """Update the watch of a product with one picture."""
        with self._lock:
            scene_watch = self._find(key, reference)
            if scene_watch.alarm is not None:
                return
            scene_watch = self._watches[key] = update_watch(scene_watch, reference, values, record)
            if scene_watch.alarm or time.monotonic() - self._saved.get(key, 0.0) > SAVE_S:
                self._save(key)
        if scene_watch.alarm:
            self._on_alarm(key, scene_watch.alarm.words, scene_watch.alarm.since)

    def _find(self, key: str, reference: Array) -> SceneWatch:
        """Return the watch of a product: the saved one, or a new one after another fit."""
        digest = sha256(reference.tobytes()).hexdigest()
        if key not in self._watches and (path := self._path(key)).exists():
            try:
                self._watches[key] = from_bytes(path.read_bytes(), path)
            except (ArtifactError, OSError) as error:
                log.error("the watch of %s begins anew: %s", key, error)
                self._lost_messages[key] = (
                    "What was seen before the station last started is lost, as its file is "
                    "damaged; the watch began anew."
                )
        if key not in self._watches or self._watches[key].reference_sha256 != digest:
            self._watches[key] = SceneWatch(digest, 0, begin(reference.shape[1]))
        return self._watches[key]

    def _save(self, key: str) -> None:
        write_atomic(self._path(key), to_bytes(self._watches[key]))
        self._saved[key] = time.monotonic()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"


def update_watch(
    scene_watch: SceneWatch, reference: Array, values: Array, record: Record
) -> SceneWatch:
    """Return a watch after one more picture, whose number seeds the breaking of ties."""
    tie_breaks = np.random.default_rng([0, scene_watch.seen]).random(len(values))
    state = scene_watch.state
    if len(state.names) >= MAX_PICTURES:
        state = begin(reference.shape[1])
    state, change = watch(state, reference, str(record.id), values, tie_breaks)
    alarm = None
    if change is not None:
        deviation = DEVIATION_WORDS[WATCHED[change.measure]][change.up]
        message = compare([deviation], THAN_FIT)
        alarm = Alarm(int(change.since), record.id, record.time, message)
    return SceneWatch(scene_watch.reference_sha256, scene_watch.seen + 1, state, alarm)


def reference_of(inspector: Inspector) -> Array | None:
    """Return the measures of held-out good pictures to compare with, or None."""
    statistics = inspector.habits
    return statistics.good_values(inspector.backbone.precision) if statistics else None


def unwatched_reason(inspector: Inspector) -> str:
    """Return why a product's scene cannot be watched."""
    if inspector.habits is None:
        return gettext(
            "its file is of an earlier version that does not know its good pictures; fit it anew"
        )
    return gettext(
        "no good pictures were kept out of its fit to compare with; fit it anew on more pictures "
        "(golden fit --calibration split)"
    )

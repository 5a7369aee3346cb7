"""Cameras of a part of several views, one a view: one trigger photographs all views."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from goldensample.errors import GoldenError
from goldensample.station.inputs.camera import Camera
from goldensample.station.inputs.camera_source import CameraSource
from goldensample.station.line.part_job import PartJob, watch_view
from goldensample.station.line.storing import begin_part
from goldensample.station.line.triggers import Trigger, TriggerBusyError
from goldensample.station.products.parts import PartProduct
from goldensample.station.records.parts import PartRecord, whole_part
from goldensample.station.records.rows import Record
from goldensample.station.station import Station


class PartCameras:
    """Takes the pictures of all views of a part at one trigger, which has the part's name.

    Args:
        station: inspects the parts.
        part: which part they show.
        cameras: by the names of their views; each takes no pictures of its own.
    """

    def __init__(self, station: Station, part: PartProduct, cameras: Mapping[str, Camera]) -> None:
        self._station, self._part, self._cameras = station, part, cameras
        self._lock = threading.Lock()
        station.triggers.add(part.key, self.trigger, self.is_taking)

    def is_taking(self) -> bool:
        """Tell whether a picture is under way, so that a trigger would find a camera busy."""
        return any(camera.is_taking() for camera in self._cameras.values())

    def trigger(self, trigger: Trigger) -> "Future[Record]":
        """Take a picture of each view; return the part that they will be, as outputs get it.

        Raises:
            TriggerBusyError: a camera has not taken the picture before yet.
            DatabaseUnreachableError: the part cannot be noted, and so is not begun.
        """
        with self._lock:
            if self.is_taking():
                raise TriggerBusyError(self._part.key)
            waiting = PartJob(self._begin(trigger), self._part, tuple(self._cameras))
            line, store = self._station.line, self._station.part_store
            store.begin(waiting)
            for view, camera in self._cameras.items():
                try:
                    answer = camera.trigger(trigger, waiting.part.id)
                except (
                    GoldenError,
                    OSError,
                ) as error:  # the disk is full, say
                    line.run_exclusive(partial(store.fail, waiting, view, error))
                    continue
                watch_view(line, store, waiting, view, answer)
        whole = Future[Record]()

        def finish(done: "Future[tuple[PartRecord, list[Record]]]") -> None:
            if error := done.exception():
                whole.set_exception(error)
            else:
                whole.set_result(whole_part(*done.result()))

        waiting.answer.add_done_callback(finish)
        return whole

    def _begin(self, trigger: Trigger) -> PartRecord:
        """Note a part as begun."""
        part = PartRecord(
            product=self._part.key,
            serial=trigger.serial,
            job=trigger.job,
            operator="",
            source="camera",
            time=time.time(),
        )
        return begin_part(self._station.ledger, part)


def connect_part_cameras(
    station: Station, part: PartProduct, sources: Sequence[CameraSource], every_s: float
) -> None:
    """Add the cameras of a part to a station, each named as its view.

    Raises:
        ValueError: a name is no view's or there twice, a view lacks its camera, or a camera takes
            pictures by itself.
    """
    names = [source.name for source in sources]
    listed = ", ".join(part.names)
    if sorted(set(names)) != sorted(names) or not set(part.required) <= set(names) <= set(
        part.names
    ):
        got = ", ".join(name or "one without a name" for name in names)
        raise ValueError(
            f"a part's cameras must be one a view as {part.key}/VIEW=URL, with the views {listed}; "
            f"got {got}"
        )
    if every_s or any(source.has_line for source in sources):
        raise ValueError(
            "cameras of a part must take pictures at a trigger of the station alone, so that all "
            "views are of one part; give --every 0, and no trigger at a line of a camera"
        )
    cameras = {
        view: Camera(station, part.products[view], replace(source, name=name, view=view), every_s)
        for source in sources
        for view, name in [(source.name, f"{part.key}/{source.name}")]
    }
    for camera in cameras.values():
        station.add_input(camera)
    PartCameras(station, part, cameras)

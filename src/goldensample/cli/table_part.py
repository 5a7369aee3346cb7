"""The parts of a table of verdicts: what is done in a worker."""

import io
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from goldensample.cli.console import inspection_json
from goldensample.cli.drift import strict
from goldensample.errors import ImageError, RunnerError
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.streams import judge
from goldensample.records import Array, Inspection, Threshold
from goldensample.storage import verdict_table
from goldensample.storage.output_folder import Shelf
from goldensample.wording.regions import RegionOptions, regions_json

PART = 64
"""Pictures of a part: what is done again after a loss."""
LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class Asked:
    """What rows hang on, beside the file and the pictures.

    Args:
        precision: that the network computes in.
        threshold: the limits in use, which may be by hand.
        told: what is told of regions.
        strict: refuse pictures that are not like those of the fit.
    """

    precision: str
    threshold: Threshold | None
    told: RegionOptions
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """Where results go.

    Args:
        parts: the folder of this run's parts.
        heat_maps: the folder of heat maps, or None.
        mark: name of a file in both, which shows a worker that it sees the very same folders.
    """

    parts: Shelf
    heat_maps: Shelf | None
    mark: str

    def open(self) -> None:
        """Write the marks: also, the first sign that the folders can be written."""
        for shelf in self._all():
            shelf.write(self.mark, b"")

    def close(self) -> None:
        """Take the mark from the heat maps; parts are deleted as a whole."""
        if self.heat_maps:
            self.heat_maps.delete(self.mark)

    def check(self) -> None:
        """Make sure that this machine sees the folders.

        Raises:
            RunnerError: it does not, or the run has ended.
        """
        for shelf in self._all():
            if not shelf.is_remote and not shelf.has(self.mark):
                raise RunnerError(
                    f"all machines must see the same {shelf.place}; {socket.gethostname()} does "
                    "not; share it, under the same path, or give a URL"
                )

    def _all(self) -> list[Shelf]:
        return [self.parts, *([self.heat_maps] if self.heat_maps else [])]


@dataclass(frozen=True, slots=True)
class Part:
    """Some pictures, and which part of all they are."""

    number: int
    pictures: Folder

    @property
    def file(self) -> str:
        """Name of its file."""
        return name_of(self.number)


def name_of(number: int) -> str:
    """Return the name of a part's file."""
    return f"{number:06}.parquet"


class Task:
    """What all parts have in common.

    The file's bytes travel, once: so workers need not see the file, and one that is replaced
    meanwhile changes nothing. A worker opens it once for all its parts.

    Args:
        file: what the .golden file holds.
        inspector: as loaded from it, as asked for; it does not travel.
        asked: what rows hang on, beside these.
        places: where results go.
        batch: pictures at a time; changes the speed only.
    """

    def __init__(
        self,
        file: bytes,
        inspector: Inspector | None,
        asked: Asked,
        places: Places,
        batch: int,
    ) -> None:
        self.asked, self.places, self.batch = asked, places, batch
        self._file, self._inspector = file, inspector

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_inspector": None}

    @property
    def inspector(self) -> Inspector:
        """The inspector, opened when it is first asked for."""
        if self._inspector is None:
            from goldensample.artifact.store import load
            from goldensample.fitting.precision import at

            with TemporaryDirectory() as folder:
                path = Path(folder, "sent.golden")
                path.write_bytes(self._file)
                self._file = b""  # it is never sent on from here
                inspector = at(load(path), self.asked.precision)
            limits = {self.asked.precision: self.asked.threshold} if self.asked.threshold else {}
            self._inspector = replace(inspector, thresholds=limits)
        return self._inspector


def inspect_part(task: Task, part: Part) -> int:
    """Inspect the pictures of a part and write their rows; return how many there are.

    Linear algebra keeps to one thread: the last bit of a sum hangs on their number, and rows must
    be the same wherever they are made.

    Raises:
        StoreError: a store does not answer: that is no result of a picture.
        RunnerError: this machine does not see where results go.
        GoldenError: pyarrow is not installed here.
    """
    places, pictures = task.places, part.pictures
    verdict_table.check_installed()
    places.check()
    if places.parts.has(part.file):  # its worker was lost after it had written
        return len(pictures)
    inspector, attempts = task.inspector, pictures.attempts()
    if task.asked.strict:
        attempts = strict(inspector, attempts)
    rows = []
    with threadpool_limits(1, "blas"):
        judged = judge(inspector, attempts, task.batch)
        for name, path, (_, found) in zip(pictures.names, pictures.paths, judged, strict=True):
            row = {"picture": name, "path": str(path)}
            if isinstance(found, ImageError):
                rows.append({**row, "error": str(found)})
                continue
            values = _values(task.asked.told.counted(found), task.asked)
            if places.heat_maps and found.heat_map is not None:
                row["heat_map"] = f"{name}.npy"
                places.heat_maps.write(row["heat_map"], as_file(found.heat_map))
            rows.append({**values, **row})
    places.parts.write(part.file, verdict_table.encode(rows))
    return len(pictures)


def _values(found: Inspection, asked: Asked) -> dict[str, Any]:
    """Return what a row says of a picture: as JSON does, and why of each region."""
    regions = [
        {"distance": region.distance, "p_value": region.p_value, **told}
        for region, told in zip(
            found.regions, regions_json(found, asked.threshold, asked.told), strict=True
        )
    ]
    return {**inspection_json(found, asked.threshold, asked.told), "regions": regions}


def as_file(heat_map: Array) -> bytes:
    """Return (H, W) float32 values as a .npy file of float16; beyond ±65,504 they are that."""
    values = np.clip(heat_map, -LARGEST, LARGEST).astype(np.float16)
    np.save(file := io.BytesIO(), values, allow_pickle=False)
    return file.getvalue()

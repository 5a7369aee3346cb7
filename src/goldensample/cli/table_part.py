"""The parts of a table of verdicts, and the task that a worker runs on each."""

import io
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from goldensample.cli.console import inspection_json
from goldensample.cli.drift import reject_unusual
from goldensample.errors import ImageError, RunnerError
from goldensample.images.folder import Folder
from goldensample.images.intake import inspected_facts
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.streams import inspect_stream
from goldensample.records import Array, Inspection, Threshold
from goldensample.storage import verdict_table
from goldensample.storage.output_folder import OutputFolder
from goldensample.wording.regions import RegionOptions, regions_json

PART_SIZE = 64
"""Pictures per part: what is computed again after a loss."""
FLOAT16_MAX = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class InspectOptions:
    """What the rows depend on besides the file and the pictures.

    Args:
        precision: that the network computes in.
        threshold: the limits in use, possibly from --threshold.
        regions: which regions are written, and what of each.
        strict: refuse pictures that are unlike the training pictures.
    """

    precision: str
    threshold: Threshold | None
    regions: RegionOptions
    strict: bool = False

    def identity(self) -> dict[str, Any]:
        """Return the values that identify a run; the hash of a run contains the key "told"."""
        values = asdict(self)
        values["told"] = values.pop("regions")
        return values


@dataclass(frozen=True, slots=True)
class OutputFolders:
    """The folders that results are written to.

    Args:
        parts: the folder of this run's parts.
        heat_maps: the folder of heat maps, or None.
        marker: name of a file in both, which shows a worker that it sees the very same folders.
    """

    parts: OutputFolder
    heat_maps: OutputFolder | None
    marker: str

    def write_markers(self) -> None:
        """Write the markers: also the first check that the folders can be written."""
        for folder in self._folders():
            folder.write(self.marker, b"")

    def remove_marker(self) -> None:
        """Delete the marker among the heat maps; the folder of parts is deleted as a whole."""
        if self.heat_maps:
            self.heat_maps.delete(self.marker)

    def check(self) -> None:
        """Check that this machine sees the folders.

        Raises:
            RunnerError: it does not, or the run has ended.
        """
        for folder in self._folders():
            if not folder.is_remote and not folder.has(self.marker):
                raise RunnerError(
                    f"all machines must see the same {folder.location}; {socket.gethostname()} "
                    "does not; share it, under the same path, or give a URL"
                )

    def _folders(self) -> list[OutputFolder]:
        return [self.parts, *([self.heat_maps] if self.heat_maps else [])]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the pictures, and its number."""

    number: int
    pictures: Folder

    @property
    def file(self) -> str:
        """Name of its file."""
        return part_name(self.number)


def part_name(number: int) -> str:
    """Return the name of a part's file."""
    return f"{number:06}.parquet"


class Task:
    """What all parts have in common.

    The bytes of the file are sent to each worker once: so workers need not see the file, and one
    that is replaced meanwhile changes nothing. A worker loads it once for all its parts.

    Args:
        file: the bytes of the .golden file.
        inspector: as loaded from it, with the options; it is not sent.
        options: what the rows depend on besides.
        outputs: where results are written.
        batch: pictures at a time; changes the speed only.
    """

    def __init__(
        self,
        file: bytes,
        inspector: Inspector | None,
        options: InspectOptions,
        outputs: OutputFolders,
        batch: int,
    ) -> None:
        self.options, self.outputs, self.batch = options, outputs, batch
        self._file, self._inspector = file, inspector

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_inspector": None}

    @property
    def inspector(self) -> Inspector:
        """The inspector, loaded at the first access."""
        if self._inspector is None:
            from goldensample.artifact.store import load
            from goldensample.fitting.precision import convert_precision

            with TemporaryDirectory() as folder:
                path = Path(folder, "sent.golden")
                path.write_bytes(self._file)
                self._file = b""  # it is not sent on from here
                inspector = convert_precision(load(path), self.options.precision)
            limits = (
                {self.options.precision: self.options.threshold} if self.options.threshold else {}
            )
            self._inspector = replace(inspector, thresholds=limits)
        return self._inspector


def inspect_part(task: Task, part: Part) -> int:
    """Inspect the pictures of a part and write their rows; return how many there are.

    BLAS runs on one thread: the last bit of a sum depends on the number of threads, and rows must
    be the same on every machine.

    Raises:
        StoreError: a store does not answer, which is no result of a picture.
        RunnerError: this machine does not see the output folders.
        GoldenError: pyarrow is not installed here.
    """
    outputs, pictures = task.outputs, part.pictures
    verdict_table.check_installed()
    outputs.check()
    if outputs.parts.has(part.file):  # its worker was lost after it had written
        return len(pictures)
    inspector, attempts = task.inspector, pictures.attempts()
    if task.options.strict:
        attempts = reject_unusual(inspector, attempts)
    rows = []
    with threadpool_limits(1, "blas"):
        results = inspect_stream(inspector, attempts, task.batch)
        items = zip(pictures.names, pictures.paths, results, strict=True)
        for name, path, (picture, result) in items:
            row: dict[str, Any] = {"picture": name, "path": str(path)}
            if picture:
                row["grey_levels"], row["digest"] = inspected_facts(picture.pixels)
            if isinstance(result, ImageError):
                rows.append({**row, "error": str(result)})
                continue
            values = _values(task.options.regions.drop_small(result), task.options)
            if outputs.heat_maps and result.heat_map is not None:
                row["heat_map"] = heat_map_name(name)
                outputs.heat_maps.write(row["heat_map"], encode_heat_map(result.heat_map))
            rows.append({**values, **row})
    outputs.parts.write(part.file, verdict_table.encode(rows))
    return len(pictures)


def _values(inspection: Inspection, options: InspectOptions) -> dict[str, Any]:
    """Return the values of a row: those of the JSON, and distance and p-value of each region."""
    regions = [
        {"distance": region.distance, "p_value": region.p_value, **values}
        for region, values in zip(
            inspection.regions,
            regions_json(inspection, options.regions),
            strict=True,
        )
    ]
    return {**inspection_json(inspection, options.threshold, options.regions), "regions": regions}


def heat_map_name(name: str) -> str:
    """Return the name of a picture's heat map file: its own, ending in .npy."""
    return str(PurePosixPath(name).with_suffix(".npy"))


def encode_heat_map(heat_map: Array) -> bytes:
    """Return (H, W) float32 values as a .npy file of float16, clipped to ±65,504."""
    values = np.clip(heat_map, -FLOAT16_MAX, FLOAT16_MAX).astype(np.float16)
    np.save(file := io.BytesIO(), values, allow_pickle=False)
    return file.getvalue()

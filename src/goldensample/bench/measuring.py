"""Measure a fitted inspector on the test pictures of a run."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from goldensample.bench.data import load_dataset
from goldensample.bench.runs import Run
from goldensample.bench.segmentation import Segmentation
from goldensample.datasets import labelled
from goldensample.evaluation.evaluate import Labelled, Tally
from goldensample.evaluation.picture_curves import CurveTally
from goldensample.images.grey_range import GreyRange
from goldensample.inspection.inspector import Inspector
from goldensample.records import Inspection, Picture


def measure(
    run: Run,
    inspector: Inspector,
    grey_range: GreyRange | None,
    maps: Path | None,
    at_limit: Segmentation | None,
) -> dict[str, Any]:
    """Inspect the test pictures; return the metrics, the score of each picture, and times."""
    tally, paired, seconds = Tally(), CurveTally(), []
    columns: dict[str, list[Any]] = {"name": [], "kind": [], "defect": [], "score": []}
    truths = labelled(load_dataset(run.category), grey_range)
    archive = _HeatMapArchive(maps) if maps else None
    for truth, inspection, elapsed in _inspect_timed(inspector, truths, run.timed):
        tally.add(inspection, truth.defect, truth.mask, truth.kind, truth.channels, truth.view)
        if inspection.heat_map is not None and truth.mask is not None:
            top, left, height, width = inspection.box_px
            box = (slice(top, top + height), slice(left, left + width))
            paired.add(inspection.heat_map[box], truth.mask[box])
            if at_limit:
                at_limit.add(inspection.heat_map, truth.mask)
        seconds.append(round(elapsed, 5))
        values = (inspection.name, truth.kind, truth.defect, shortest_decimal(inspection.score))
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
        if archive:
            archive.add(inspection)
    if archive:
        archive.finish()
    times = {"seconds_per_image": float(np.mean(seconds)), "seconds": seconds}
    result = {"evaluation": tally.result().as_json(), "pictures": columns, "times": times}
    curves = paired.curves(len(seconds))
    if curves:
        result["curves"] = curves.as_json()
    return result | ({"segmentation": at_limit.as_json()} if at_limit else {})


def _inspect_timed(
    inspector: Inspector, truths: Iterable[Labelled], timed: bool
) -> Iterator[tuple[Labelled, Inspection, float]]:
    """Yield each picture's ground truth, its inspection, and the elapsed seconds.

    A timed run takes decoded pictures one at a time, after an unmeasured warm-up on the first;
    others are batched, and their seconds include the reading of files.
    """
    pending: list[Labelled] = []

    def pictures() -> Iterator[Picture]:
        for truth in truths:
            pending.append(truth)
            yield truth.picture

    if not timed:
        start = perf_counter()
        for inspection in inspector.inspect_many(pictures()):
            yield pending.pop(0), inspection, perf_counter() - start
            start = perf_counter()
        return
    for number, truth in enumerate(truths):
        if number == 0:
            next(inspector.inspect_many([truth.picture], batch=1))
        start = perf_counter()
        inspection = next(inspector.inspect_many([truth.picture], batch=1))
        yield truth, inspection, perf_counter() - start


def shortest_decimal(score: float) -> float:
    """Return a float32 score as the shortest decimal number that round-trips to it."""
    return float(str(np.float32(score)))


class _HeatMapArchive:
    """Heat maps in a NumPy archive, written atomically."""

    def __init__(self, path: Path) -> None:
        self._path, self._partial = path, path.with_name(f".{path.name}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._archive = zipfile.ZipFile(self._partial, "w", zipfile.ZIP_DEFLATED)

    def add(self, inspection: Inspection) -> None:
        if inspection.heat_map is None:
            return
        np.save(file := io.BytesIO(), inspection.heat_map.astype(np.float16))
        self._archive.writestr(f"{inspection.name}.npy", file.getvalue())

    def finish(self) -> None:
        self._archive.close()
        self._partial.replace(self._path)

"""Execute one run: fit, inspect, evaluate; return the raw result as JSON values."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from goldensample.backbones.network import Backbone, Network
from goldensample.backbones.openvino import OpenVINOBackbone
from goldensample.bench.data import Category, load_dataset
from goldensample.bench.features import CachingBackbone
from goldensample.bench.machine import machine, versions
from goldensample.bench.runs import Run, Source
from goldensample.bench.segmentation import Segmentation, segmentation_at_limit
from goldensample.bench.submission import write_maps
from goldensample.datasets import labelled
from goldensample.evaluation.evaluate import Labelled, Tally
from goldensample.fitting.fit import fit
from goldensample.images.folder import Folder, read_images
from goldensample.images.grey_range import GreyRange
from goldensample.inspection.inspector import Inspector
from goldensample.methods.ensemble import Ensemble
from goldensample.methods.patchcore import PatchCore
from goldensample.records import Inspection, Picture

NetworkKey = tuple[tuple[Source, ...], tuple[str, ...]]
"""Key of a loaded network: its sources and levels."""


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A network, or several joined to one; `members` is then the number of levels of each."""

    network: Network
    members: tuple[int, ...] = ()


def network_key(run: Run) -> NetworkKey:
    """Return the key of a run's network."""
    return run.sources, run.levels


class RunExecutor:
    """Executes runs in one process.

    Runs that are not timed keep BLAS to one thread, so that their results are the same however
    many run at a time.

    Args:
        networks: loaded, by `network_key`.
        features: folder of the feature cache.
        threads: of the backbone; 0 for all.
    """

    def __init__(
        self, networks: Mapping[NetworkKey, LoadedNetwork], features: Path, threads: int
    ) -> None:
        self._networks, self._features, self._threads = networks, features, threads
        self._backbones: dict[tuple[NetworkKey, bool], Backbone] = {}

    def execute(
        self, run: Run, cached: bool, maps: Path | None, private: Path | None = None
    ) -> dict[str, Any]:
        """Return the raw result of a run.

        Args:
            cached: use the feature cache.
            maps: file for the heat maps, or None.
            private: folder for the maps of MVTec AD 2's private test pictures, or None.
        """
        with nullcontext() if run.timed else threadpool_limits(1, "blas"):
            loaded = self._networks[network_key(run)]
            backbone = self._backbone(network_key(run), cached)
            pictures = draw_shots(_training_pictures(run.category), run.shots, run.seed)
            start = perf_counter()
            inspector = _fit(run, backbone, loaded.members, pictures)
            fit_s = perf_counter() - start
            grey_range = pictures.grey_range
            good = load_dataset(run.category).validation
            validation = Folder(tuple(path.name for path in good), good, grey_range)
            at_limit = segmentation_at_limit(inspector, validation)
            result = _evaluate(run, inspector, grey_range, maps, at_limit)
            if private:
                write_maps(inspector, run, at_limit, private, grey_range)
        result["times"] |= {"fit_seconds": round(fit_s, 4), "features_kept": cached}
        arrays = inspector.detector.arrays()
        size = sum(array.nbytes for array in arrays.values()) + len(backbone.network.graph)
        if "losses" in arrays:
            result["losses"] = arrays["losses"].astype(float).round(6).tolist()
        return {
            "specification": run.specification(),
            "knobs": dict(run.knobs),
            **result,
            "file_bytes": size,  # but for header and names
            "network_sha256": backbone.network.source_sha256,
            "versions": versions(),
            "machine": {**machine(), "network_threads": self._threads or machine()["cores"]},
        }

    def _backbone(self, key: NetworkKey, cached: bool) -> Backbone:
        if (key, cached) not in self._backbones:
            network = self._networks[key].network
            backbone: Backbone = OpenVINOBackbone(network, self._threads)
            if cached:
                backbone = CachingBackbone(backbone, self._features / _cache_folder(key))
            self._backbones[key, cached] = backbone
        return self._backbones[key, cached]


def draw_shots(pictures: Folder, shots: int | None, seed: int) -> Folder:
    """Return `shots` pictures, drawn without replacement, in their order; None returns all.

    The draw depends only on the seed and the number of pictures: all methods get the same ones.
    """
    if shots is None:
        return pictures
    indices = sorted(np.random.default_rng(seed).choice(len(pictures), shots, replace=False))
    return Folder(
        tuple(pictures.names[i] for i in indices),
        tuple(pictures.paths[i] for i in indices),
        pictures.grey_range,
        facts=tuple(pictures.facts[i] for i in indices) if pictures.facts else (),
    )


@lru_cache(64)
def _training_pictures(category: Category) -> Folder:
    """Return the good pictures of a category, checked once per process."""
    return read_images(list(load_dataset(category).train))


def _cache_folder(key: NetworkKey) -> str:
    """Return the name of the feature cache folder of a network."""
    sources, levels = key
    parts = [part for source in sources for part in (source.name, source.sha256[:12])]
    return "".join(c if c.isalnum() else "-" for c in "-".join([*parts, *levels]))


def _fit(run: Run, backbone: Backbone, members: tuple[int, ...], pictures: Folder) -> Inspector:
    """Fit a method on one network, or an ensemble of PatchCore on several."""
    method = run.kind(**run.knobs)
    if members and isinstance(method, PatchCore):
        method = Ensemble(members=members, patchcore=method)
    return fit(
        pictures,
        backbone=backbone,
        method=method,
        preparation=run.preparation,
        false_alarms=None,
    )


def _evaluate(
    run: Run,
    inspector: Inspector,
    grey_range: GreyRange | None,
    maps: Path | None,
    at_limit: Segmentation | None,
) -> dict[str, Any]:
    """Inspect the test pictures; return the metrics, the score of each picture, and times."""
    tally, seconds = Tally(), []
    columns: dict[str, list[Any]] = {"name": [], "kind": [], "defect": [], "score": []}
    truths = labelled(load_dataset(run.category), grey_range)
    archive = _HeatMapArchive(maps) if maps else None
    for truth, inspection, elapsed in _inspect_timed(inspector, truths, run.timed):
        tally.add(inspection, truth.defect, truth.mask, truth.kind, truth.channels)
        if at_limit and inspection.heat_map is not None and truth.mask is not None:
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
    counted = {"segmentation": at_limit.as_json()} if at_limit else {}
    return {
        "evaluation": tally.result().as_json(),
        **counted,
        "pictures": columns,
        "times": times,
    }


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

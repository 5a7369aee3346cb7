"""Carry out one run: fit, inspect, measure; the raw result as JSON values."""

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
from goldensample.bench.data import Category, read
from goldensample.bench.features import KeptBackbone
from goldensample.bench.machine import machine, versions
from goldensample.bench.runs import Run, Source
from goldensample.datasets import labelled
from goldensample.evaluation.evaluate import Labelled, Tally
from goldensample.fitting.fit import fit
from goldensample.images.folder import Folder, read_images
from goldensample.inspection.inspector import Inspector
from goldensample.methods.ensemble import Ensemble
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.registry import METHODS
from goldensample.records import Inspection, Picture

Key = tuple[tuple[Source, ...], tuple[str, ...]]
"""Of an opened network: where it comes from, and its levels."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A network, or several joined to one; `members` then has the number of each level's own."""

    network: Network
    members: tuple[int, ...] = ()


def key_of(run: Run) -> Key:
    """Return the name under which a run's network is kept."""
    return run.sources, run.levels


class Workshop:
    """Carries out runs in one process.

    Runs that are not timed keep BLAS to one thread, so that their results are the same however
    many run at a time.

    Args:
        networks: opened already, by `key_of`.
        features: folder where features are kept.
        threads: of the network; 0 for all.
    """

    def __init__(self, networks: Mapping[Key, Opened], features: Path, threads: int) -> None:
        self._networks, self._features, self._threads = networks, features, threads
        self._backbones: dict[tuple[Key, bool], Backbone] = {}

    def carry_out(self, run: Run, kept: bool, maps: Path | None) -> dict[str, Any]:
        """Return the raw result of a run.

        Args:
            kept: take features from disk, and keep them there.
            maps: file for the heat maps; None keeps none.
        """
        with nullcontext() if run.timed else threadpool_limits(1, "blas"):
            opened, backbone = self._networks[key_of(run)], self._backbone(key_of(run), kept)
            pictures = drawn(_training(run.category), run.shots, run.seed)
            began = perf_counter()
            fitted = _fit(run, backbone, opened.members, pictures)
            fit_s = perf_counter() - began
            result = _measure(run, fitted, pictures.white, maps)
        result["times"] |= {"fit_seconds": round(fit_s, 4), "features_kept": kept}
        return {
            "specification": run.specification(),
            "knobs": dict(run.knobs),
            **result,
            "network_sha256": backbone.network.source_sha256,
            "versions": versions(),
            "machine": {**machine(), "network_threads": self._threads or machine()["cores"]},
        }

    def _backbone(self, key: Key, kept: bool) -> Backbone:
        if (key, kept) not in self._backbones:
            network = self._networks[key].network
            backbone: Backbone = OpenVINOBackbone(network, self._threads)
            if kept:
                backbone = KeptBackbone(backbone, self._features / _folder(key))
            self._backbones[key, kept] = backbone
        return self._backbones[key, kept]


def drawn(pictures: Folder, shots: int | None, seed: int) -> Folder:
    """Return so many pictures, drawn without replacement, in their order; None returns all.

    The draw hangs on the seed and the number of pictures alone: all methods get the same ones.
    """
    if shots is None:
        return pictures
    chosen = sorted(np.random.default_rng(seed).choice(len(pictures), shots, replace=False))
    return Folder(
        tuple(pictures.names[i] for i in chosen),
        tuple(pictures.paths[i] for i in chosen),
        pictures.white,
        known_shapes=tuple(pictures.shapes()[i] for i in chosen),
    )


@lru_cache(64)
def _training(category: Category) -> Folder:
    """Return the good pictures of a category, checked once in a process."""
    return read_images(list(read(category).train))


def _folder(key: Key) -> str:
    """Return the name of the folder of a network's features."""
    sources, levels = key
    parts = [part for source in sources for part in (source.name, source.sha256[:12])]
    return "".join(c if c.isalnum() else "-" for c in "-".join([*parts, *levels]))


def _fit(run: Run, backbone: Backbone, members: tuple[int, ...], pictures: Folder) -> Inspector:
    """Fit a method on one network, or an ensemble of PatchCore on several."""
    method = METHODS[run.method](**run.knobs)
    if members and isinstance(method, PatchCore):
        method = Ensemble(members=members, patchcore=method)
    return fit(
        pictures,
        backbone=backbone,
        method=method,
        preparation=run.preparation,
        false_alarms=None,
    )


def _measure(run: Run, fitted: Inspector, white: int | None, maps: Path | None) -> dict[str, Any]:
    """Inspect the test pictures; return the figures, what was said of each picture, and times."""
    tally, seconds = Tally(), []
    said: dict[str, list[Any]] = {"name": [], "kind": [], "defect": [], "score": []}
    truths = labelled(read(run.category), white)
    archive = _Maps(maps) if maps else None
    for truth, found, spent in _inspected(fitted, truths, run.timed):
        tally.add(found, truth.defect, truth.mask, truth.kind)
        seconds.append(round(spent, 5))
        row = (found.name, truth.kind, truth.defect, shortest(found.score))
        for column, value in zip(said.values(), row, strict=True):
            column.append(value)
        if archive:
            archive.add(found)
    if archive:
        archive.finish()
    times = {"seconds_per_image": float(np.mean(seconds)), "seconds": seconds}
    return {"evaluation": tally.result().as_json(), "pictures": said, "times": times}


def _inspected(
    fitted: Inspector, truths: Iterable[Labelled], timed: bool
) -> Iterator[tuple[Labelled, Inspection, float]]:
    """Give each picture's truth, what is said of it, and the seconds that took.

    A timed run takes decoded pictures one by one and the first one once before, unmeasured;
    others go in batches, and their seconds hold the reading of files.
    """
    waiting: list[Labelled] = []

    def pictures() -> Iterator[Picture]:
        for truth in truths:
            waiting.append(truth)
            yield truth.picture

    if not timed:
        began = perf_counter()
        for found in fitted.inspect_many(pictures()):
            yield waiting.pop(0), found, perf_counter() - began
            began = perf_counter()
        return
    for number, truth in enumerate(truths):
        if number == 0:
            next(fitted.inspect_many([truth.picture], batch=1))
        began = perf_counter()
        found = next(fitted.inspect_many([truth.picture], batch=1))
        yield truth, found, perf_counter() - began


def shortest(score: float) -> float:
    """Return a float32 score as the shortest decimal number that stands for it."""
    return float(str(np.float32(score)))


class _Maps:
    """Heat maps in a NumPy archive that appears when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path, self._beside = path, path.with_name(f".{path.name}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._archive = zipfile.ZipFile(self._beside, "w", zipfile.ZIP_DEFLATED)

    def add(self, found: Inspection) -> None:
        if found.heat_map is None:
            return
        np.save(file := io.BytesIO(), found.heat_map.astype(np.float16))
        self._archive.writestr(f"{found.name}.npy", file.getvalue())

    def finish(self) -> None:
        self._archive.close()
        self._beside.replace(self._path)

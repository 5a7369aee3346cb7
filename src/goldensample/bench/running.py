"""Execute one run: fit, inspect, evaluate; return the raw result as JSON values."""

from collections.abc import Mapping
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
from goldensample.bench.measuring import measure
from goldensample.bench.runs import Run, Source
from goldensample.bench.segmentation import segmentation_at_limit
from goldensample.bench.submission import write_maps
from goldensample.fitting.fit import fit
from goldensample.images.folder import Folder, read_images
from goldensample.inspection.inspector import Inspector
from goldensample.methods.ensemble import Ensemble
from goldensample.methods.patchcore import PatchCore

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
            result = measure(run, inspector, grey_range, maps, at_limit)
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

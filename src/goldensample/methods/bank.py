"""The patches of a fit as rows of a memory bank, read in chunks of pictures by any runner.

Patches are made where they are used, as often as they are needed. Projected patches stay in shards,
or in the reductions of a merge tree; what comes back are picks, bank rows and numbers. So patches
are never gathered in one place, and the results are the same for every runner.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Protocol

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.coreset.coverage import Coverage
from goldensample.coreset.projection import concatenate, project
from goldensample.features.store import SequentialReader, StoredFeatures, require_store
from goldensample.records import Array, Features, Notify, silent
from goldensample.runners import Runner, local_runner

LOCAL_CHUNK, CHUNK = 8, 32
"""Pictures of a task, at most, in this process and in others; changes the speed only."""


class PatchSettings(Protocol):
    """The settings of `PatchCore` that make patches and choose bank rows."""

    @property
    def stride(self) -> int: ...
    @property
    def coreset(self) -> float: ...
    @property
    def subsampler(self) -> str: ...
    @property
    def greedy(self) -> str: ...
    @property
    def denoise(self) -> bool: ...
    @property
    def neighbors(self) -> int: ...
    @property
    def image_score(self) -> str: ...
    @property
    def by_position(self) -> str: ...
    @property
    def composition(self) -> str: ...
    @property
    def projection(self) -> int: ...
    @property
    def seed(self) -> int: ...
    def counts(self, features: Features) -> list[int]: ...
    def patches_of(self, features: Features, index: int) -> tuple[Array, Array]: ...


@dataclass(frozen=True, slots=True)
class PatchSource:
    """The patches of all pictures of a fit, numbered in the order of the pictures.

    Args:
        settings: how patches are made.
        features: of the pictures.
        chunk: pictures of a task, at most.
        notify: told ("patches", pictures projected, pictures).
        counts: patches of each picture.
    """

    settings: PatchSettings
    features: StoredFeatures | SequentialReader
    chunk: int
    notify: Notify = silent
    counts: tuple[int, ...] = ()

    @property
    def firsts(self) -> Array:
        """(n + 1,): number of each picture's first patch, and of all patches."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    def chunks(self, count: int = 0) -> list[range]:
        """Return the pictures of each task: `count` chunks, or as many as `chunk` demands."""
        total = len(self.counts)
        edges = np.linspace(0, total, (min(count, total) or -(-total // self.chunk)) + 1)
        return [range(*edge) for edge in pairwise(edges.astype(int).tolist())]

    def batches(self, pictures: range) -> Iterator[Features]:
        """Yield the features of a range of pictures."""
        for batch in self.features.read_range(pictures.start, pictures.stop):
            low, high = max(pictures.start - batch.first, 0), pictures.stop - batch.first
            maps = tuple(level[low:high] for level in batch.maps)
            yield Features(maps, batch.valid[low:high], batch.first + low)

    def patches(self, pictures: range) -> Iterator[tuple[Array, Array]]:
        """Yield each picture's patches, (k, d) float16, and their origins, (k, 3) float32."""
        for batch in self.batches(pictures):
            for index in range(len(batch)):
                patches, centres = self.settings.patches_of(batch, index)
                half = to_numpy(patches).astype(np.float16)  # means of what fits: it fits
                number = np.full((len(centres), 1), batch.first + index)
                yield half, np.hstack([number, centres]).astype(np.float32)

    def points(self, pictures: range) -> Array:
        """Return the projected patches of a range of pictures, (k, d) float32."""

        def project_each() -> Iterator[Array]:
            for done, (patches, _) in enumerate(self.patches(pictures), pictures.start + 1):
                yield project(patches, self.settings.projection, self.settings.seed)
                self.notify("patches", done, len(self.counts))

        return concatenate(project_each(), sum(self.counts[pictures.start : pictures.stop]))


def open_source(
    settings: PatchSettings, features: Iterable[Features], notify: Notify, runner: Runner
) -> PatchSource:
    """Return the patches of features, counted.

    Args:
        features: read several times; for another runner than `local_runner`, from a store.

    Raises:
        ValueError: there is no picture, or one without a patch.
    """
    if runner is local_runner:
        source = PatchSource(settings, SequentialReader(features), LOCAL_CHUNK, notify)
        counts = tuple(chain.from_iterable(map(settings.counts, features)))
    else:
        store = require_store(features)
        source = PatchSource(settings, store, CHUNK, counts=(0,) * store.total)
        counts = tuple(chain.from_iterable(runner.run(_count_patches, source, source.chunks())))
    if not counts:
        raise ValueError("fit must have at least one picture; got none")
    if not all(counts):
        raise ValueError(f"stride must leave a patch on every picture; got {settings.stride}")
    return replace(source, counts=counts)


def _count_patches(source: PatchSource, pictures: range) -> list[int]:
    return list(chain.from_iterable(map(source.settings.counts, source.batches(pictures))))


def gather_rows(source: PatchSource, picks: Array, runner: Runner) -> tuple[Array, Array]:
    """Return the patches with given numbers, (m, d) float32, and their origins, (m, 3)."""
    order = np.argsort(picks)
    edges = np.searchsorted(picks[order], source.firsts)
    by_picture = [
        picks[order[low:high]] - first
        for first, (low, high) in zip(source.firsts[:-1], pairwise(edges), strict=True)
    ]
    tasks = [
        (chunk, by_picture[chunk.start : chunk.stop])
        for chunk in source.chunks()
        if edges[chunk.start] < edges[chunk.stop]
    ]
    bank, origins = _concatenate_pairs(runner.run(_read_rows, source, tasks))
    inverse = np.argsort(order)
    return bank[inverse].astype(np.float32), origins[inverse]


def _read_rows(source: PatchSource, task: tuple[range, list[Array]]) -> tuple[Array, Array]:
    pictures = zip(source.patches(task[0]), task[1], strict=True)
    return _concatenate_pairs((half[rows], origins[rows]) for (half, origins), rows in pictures)


def _concatenate_pairs(pairs: Iterable[tuple[Array, Array]]) -> tuple[Array, Array]:
    rows, origins = zip(*pairs, strict=True)
    return np.concatenate(rows), np.concatenate(origins)


def coverage_radius(
    source: PatchSource, bank: Array, nearest: Array, notify: Notify, runner: Runner
) -> float:
    """Return the largest distance of a patch to the bank.

    Args:
        nearest: for each patch a bank row close to it; -1 for patches removed by denoising.
        notify: told ("coverage", pictures read, pictures).
    """
    rows, chunks, radius = np.split(nearest, source.firsts[1:-1]), source.chunks(), 0.0
    tasks = ((chunk, rows[chunk.start : chunk.stop]) for chunk in chunks)
    radii = runner.run(_measure_coverage, (source, Coverage(bank)), tasks)
    for chunk, chunk_radius in zip(chunks, radii, strict=True):
        radius = max(radius, chunk_radius)
        notify("coverage", chunk.stop, len(source.counts))
    return radius


def _measure_coverage(
    shared: tuple[PatchSource, Coverage], task: tuple[range, list[Array]]
) -> float:
    """Measure a chunk; return the largest distance that this process has measured so far."""
    source, coverage = shared
    for (half, _), rows in zip(source.patches(task[0]), task[1], strict=True):
        coverage.add(half[rows >= 0].astype(np.float32), rows[rows >= 0])
    return coverage.radius

"""PatchCore's fit over a runner: what `PatchCore.fit` does, some pictures at a time.

Features are read where they are worked on. Projected points stay in shards, or in the reductions of
a tree; what comes back are picks, bank rows and numbers. So patches never gather in one place, and
the detector is that of `PatchCore.fit`, bit for bit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise

import numpy as np

from goldensample.coreset.coverage import radius
from goldensample.coreset.greedy import Coreset, greedy_over
from goldensample.coreset.projection import gathered, project
from goldensample.coreset.shards import Shard, shards_for
from goldensample.coreset.streaming import Parts, streaming_over
from goldensample.features.store import FeatureStore
from goldensample.methods.bank import Patches
from goldensample.methods.cross_fitted import Crossed, WithoutFold, number_without, pictures_of
from goldensample.methods.image_scores import among_others, usual_of
from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.methods.protocols import Detector, Method
from goldensample.methods.selection import AUTO, rows_wanted
from goldensample.records import Array, Features, Notify, silent
from goldensample.runners import Runner

PIECE = 32
"""Pictures that a task works on, at most; changes the speed only."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whose patches are meant; it is sent to workers.

    Args:
        settings: what patches are made by.
        store: of the features of all pictures, which all workers reach.
        fold: which is left out; None for none.
        counts: patches of each picture, once they were counted.
    """

    settings: PatchCore
    store: FeatureStore
    fold: int | None
    counts: tuple[int, ...] = ()

    @property
    def pictures(self) -> int:
        """How many there are."""
        count = self.store.total
        return count if self.fold is None else count - len(pictures_of(self.fold, count))

    def firsts(self) -> Array:
        """Return the number of each picture's first patch, and of the one after the last."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    def pieces(self, count: int = 0) -> list[range]:
        """Return runs of pictures for tasks: `count` of them, or as many as are PIECE long."""
        count = min(count, self.pictures) or -(-self.pictures // PIECE)
        edges = np.linspace(0, self.pictures, count + 1).astype(int).tolist()
        return [range(*edge) for edge in pairwise(edges)]

    def patches(self, chosen: range) -> Patches:
        """Return the patches of some pictures, numbered from 0, to be read once."""
        return Patches(self.features_of(chosen), self.settings.patches_of, len(chosen), silent)

    def features_of(self, chosen: range) -> Iterator[Features]:
        """Give the features of some pictures alone."""
        if self.fold is None:
            parts = self.store.between(chosen.start, chosen.stop)
        else:
            edges = (number_without(self.fold, number) for number in (chosen.start, chosen.stop))
            parts = WithoutFold(self.store.between(*edges), self.fold)
        for batch in parts:
            low, high = max(chosen.start - batch.first, 0), chosen.stop - batch.first
            part = slice(low, min(high, len(batch)))
            if part.start < part.stop:
                maps = tuple(level[part] for level in batch.maps)
                yield Features(maps, batch.valid[part], batch.first + low)


def fit_over(
    method: Method, features: Iterable[Features], notify: Notify, runner: Runner
) -> Detector:
    """Fit PatchCore, or a cross-fitted one, over a runner.

    Args:
        method: what is fitted.
        features: of the good pictures, a `FeatureStore` that all workers reach, or one without a
            fold.
        notify: see `PatchCore.fit`.
        runner: where the work is done.

    Raises:
        ValueError: this method, or this choice of a bank, cannot be fitted over a runner.
    """
    fold = features.fold if isinstance(features, WithoutFold) else None
    store = features.features if isinstance(features, WithoutFold) else features
    if not isinstance(store, FeatureStore):
        raise ValueError("a runner must go with features that are kept in a store; they are not")
    knobs = check_spreads(method)

    def fit_on(part: Iterable[Features], tell: Notify) -> PatchCoreDetector:
        left_out = part.fold if isinstance(part, WithoutFold) else fold
        return _fit(Source(knobs, store, left_out), tell, runner)

    if isinstance(method, Crossed):
        return method.fit_by(fit_on, store, store.total, notify)
    return fit_on(features, notify)


def check_spreads(method: Method) -> PatchCore:
    """Return the PatchCore of a method, unless it needs all pictures in one place.

    Raises:
        ValueError: it does, or it is none.
    """
    knobs = method.patchcore if isinstance(method, Crossed) else method
    if not isinstance(knobs, PatchCore):
        raise ValueError(
            "a runner must go with patchcore on one network; got another method; fit it here, or "
            "many of its products at a time with --each"
        )
    reasons = {
        f"subsampler {knobs.subsampler}": knobs.subsampler != "greedy",
        "denoise": knobs.denoise,
        "coreset auto": knobs.coreset == AUTO,
    }
    if needs := [name for name, so in reasons.items() if so]:
        raise ValueError(
            "a runner must go with a greedy coreset of a given size, without denoise; got "
            f"{needs[0]}; fit it here"
        )
    return knobs


def _fit(source: Source, notify: Notify, runner: Runner) -> PatchCoreDetector:
    """Fit PatchCore over a runner; see `PatchCore.fit`."""
    source = counted(source, runner)
    settings, chosen = source.settings, _choose(source, notify, runner)
    bank, origins = _picked(source, chosen.picks, runner)
    firsts, pieces = source.firsts(), source.pieces()
    reach, usual = 0.0, None
    if len(bank) < firsts[-1]:
        near = (chosen.nearest[firsts[piece.start] : firsts[piece.stop]] for piece in pieces)
        work = zip(pieces, near, strict=True)
        for piece, far in zip(pieces, runner.run(_reach, (source, bank), work), strict=True):
            reach = max(reach, far)
            notify("coverage", piece.stop, source.pictures)
    if settings.image_score == "statistics":
        found = runner.run(_among_others, (source, bank, origins), pieces)
        usual = usual_of([one for some in found for one in some])
    return PatchCoreDetector(settings, bank, origins, reach, usual)


def counted(source: Source, runner: Runner) -> Source:
    """Return a source whose patches are counted.

    Raises:
        ValueError: there is no picture, or one without a patch.
    """
    if not source.pictures:
        raise ValueError("fit must have at least one picture; got none")
    found = runner.run(_counts, source, source.pieces())
    counts, stride = tuple(number for some in found for number in some), source.settings.stride
    if not all(counts):
        raise ValueError(f"stride must leave a patch on every picture; got {stride}")
    return replace(source, counts=counts)


def _counts(source: Source, piece: range) -> list[int]:
    batches = source.features_of(piece)
    return [number for batch in batches for number in source.settings.counts(batch)]


def _choose(source: Source, notify: Notify, runner: Runner) -> Coreset:
    """Choose bank rows; see `choosing.choose`."""
    settings, total = source.settings, sum(source.counts)
    rows = rows_wanted(settings.coreset, total)
    if rows == total and (settings.coreset == 1 or settings.greedy == "exact"):
        return Coreset(np.arange(total), np.arange(total, dtype=np.int32), 0.0)

    def tell(done: int) -> None:
        notify("coreset", done, rows)

    if settings.greedy == "streaming":
        name = sha256(f"{settings} {source.fold}".encode()).hexdigest()[:16]
        parts = Parts(points_of, source, source.counts)

        def tell_read(done: int) -> None:
            notify("patches", done, source.pictures)

        return streaming_over(runner, parts, rows, source.store.aside(name), tell_read)
    with runner.keep(_shard, source, source.pieces(shards_for(runner.workers, total))) as shards:
        notify("patches", source.pictures, source.pictures)
        return greedy_over(shards, rows, tell)


def points_of(source: Source, chosen: range) -> Array:
    """Return the projected patches, (k, d) float32, of some pictures."""
    knobs, read = source.settings, source.patches(chosen).read()
    parts = (project(half, knobs.projection, knobs.seed) for half, _ in read)
    return gathered(parts, sum(source.counts[chosen.start : chosen.stop]))


def _shard(source: Source, chosen: range) -> Shard:
    return Shard(points_of(source, chosen), int(source.firsts()[chosen.start]), overwrite=True)


def _picked(source: Source, picks: Array, runner: Runner) -> tuple[Array, Array]:
    """Return the patches of given numbers, (m, d) float32, and their origins, (m, 3)."""
    order, firsts, pieces = np.argsort(picks), source.firsts(), source.pieces()
    edges = np.searchsorted(picks[order], [firsts[piece.start] for piece in pieces])
    inside = np.split(picks[order], edges[1:])
    work = [
        (piece, some - firsts[piece.start])
        for piece, some in zip(pieces, inside, strict=True)
        if len(some)
    ]
    found = list(runner.run(_rows, source, work))
    bank, origins = (np.concatenate(part) for part in zip(*found, strict=True))
    back = np.argsort(order)
    return bank[back].astype(np.float32), origins[back]


def _rows(source: Source, work: tuple[range, Array]) -> tuple[Array, Array]:
    rows, origins = source.patches(work[0]).pick(work[1])
    return rows.astype(np.float16), origins


def _reach(shared: tuple[Source, Array], work: tuple[range, Array]) -> float:
    source, bank = shared
    return radius(bank, source.patches(work[0]).beside(work[1], ""))


def _among_others(shared: tuple[Source, Array, Array], piece: range) -> list[Array]:
    source, bank, origins = shared
    return among_others(bank, origins, source.patches(piece).read())

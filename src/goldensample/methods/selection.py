"""Fitting of the memory bank: selection of its rows, their coverage, the reference of scores."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from itertools import chain

import numpy as np

from goldensample.coreset import subsamplers
from goldensample.coreset.auto_size import sufficient_share
from goldensample.coreset.denoise import inlier_mask
from goldensample.coreset.greedy import Coreset, greedy, greedy_over
from goldensample.coreset.shards import Shard, shard_count
from goldensample.coreset.streaming import streaming_coreset
from goldensample.methods.bank import (
    PatchSettings,
    PatchSource,
    coverage_radius,
    gather_rows,
    open_source,
)
from goldensample.methods.composition_fit import earn_composition
from goldensample.methods.held_out import judge_held_out
from goldensample.methods.image_scores import fit_reference, leave_one_out_statistics
from goldensample.methods.patchcore_parts import Parts
from goldensample.methods.position_scale import choose_scale
from goldensample.records import Features, Notify
from goldensample.runners import Runner

AUTO = 0.0
"""The share that stands for as many rows as it takes until more of them change nothing."""
StageNotify = Callable[[str, int], Callable[[int], None]]


def bank_size(share: float, patches: int) -> int:
    """Return the number of bank rows for a share of the patches, or a number of rows."""
    rows = round(share * patches) if share <= 1 else int(share)
    return min(max(rows, 1), patches)


def fit_bank(
    settings: PatchSettings, features: Iterable[Features], notify: Notify, runner: Runner
) -> Parts:
    """Return the parts of a detector; see `PatchCore.fit`."""
    source = open_source(settings, features, notify, runner)
    coreset = select_rows(source, notify, runner)
    bank, origins = gather_rows(source, coreset.picks, runner)
    radius, reference, scale = 0.0, None, None
    composition, evidence = None, None
    if len(bank) < sum(source.counts):
        radius = coverage_radius(source, bank, coreset.nearest, notify, runner)
    if settings.image_score == "statistics":
        shared = source, bank, origins
        statistics = runner.run(leave_one_out_statistics, shared, source.chunks())
        reference = fit_reference(list(chain.from_iterable(statistics)))
    elif settings.by_position == "auto" or settings.composition != "off":
        held_out = judge_held_out(source, (bank, origins), notify, runner)
        if held_out and settings.by_position == "auto":
            scale = choose_scale(held_out.distances)
        task = settings.composition, settings.seed, settings.image_score
        earned = runner.run(earn_composition, (held_out, bank, scale), [task])
        ((composition, evidence),) = earned
    return Parts(bank, origins, radius, reference, None, scale, composition, evidence)


def select_rows(source: PatchSource, notify: Notify, runner: Runner) -> Coreset:
    """Select bank rows among all patches; for other runners see `check_distributable`.

    Returns:
        Picks, and `nearest`, by number of patch; -1 for patches removed by denoising. The radius is
        in the projection.
    """
    settings, total, pictures = source.settings, int(source.firsts[-1]), len(source.counts)
    rows = bank_size(settings.coreset, total)
    streaming = settings.subsampler == "greedy" and settings.greedy == "streaming"
    if rows == total and not settings.denoise and (settings.coreset == 1 or not streaming):
        return _all_rows(total)

    def stage(name: str, stage_total: int) -> Callable[[int], None]:
        return lambda done: notify(name, done, stage_total)

    if streaming:
        key = sha256(str(settings).encode()).hexdigest()[:16]
        store, notify_parts = source.features.array_store(key), stage("patches", pictures)
        return streaming_coreset(source, rows, store, runner, notify_parts, stage("coreset", rows))
    if settings.subsampler != "greedy" or settings.denoise or settings.coreset == AUTO:
        return _select_in_memory(source, stage)
    chunks = source.chunks(shard_count(runner.workers, total))
    with runner.create_states(_create_shard, source, chunks) as shards:
        notify("patches", pictures, pictures)
        return greedy_over(shards, rows, stage("coreset", rows))


def _create_shard(source: PatchSource, pictures: range) -> Shard:
    return Shard(source.points(pictures), int(source.firsts[pictures.start]), overwrite=True)


def _select_in_memory(source: PatchSource, stage: StageNotify) -> Coreset:
    """Select among all patches at once, in this process."""
    settings, counts = source.settings, source.counts
    points = source.points(range(len(counts)))
    pictures, total = np.repeat(np.arange(len(counts)), counts), len(points)
    inliers = np.arange(total)
    if settings.denoise:
        mask = inlier_mask(points, pictures, settings.seed, stage("denoise", total))
        inliers = np.flatnonzero(mask)
        points, pictures = points[inliers], pictures[inliers]
    auto = settings.coreset == AUTO
    rows = bank_size(sufficient_share(points, pictures) if auto else settings.coreset, len(inliers))
    if rows == len(inliers):
        coreset = _all_rows(rows)
    elif settings.subsampler == "random":
        coreset = subsamplers.random_coreset(points, rows, settings.seed)
    elif settings.subsampler == "learned":
        notify_steps = stage("coreset", rows)
        coreset = subsamplers.learned_coreset(points, rows, settings.seed, notify_steps)
    else:
        coreset = greedy(points, rows, notify=stage("coreset", rows), overwrite=True)
    nearest = np.full(total, -1, np.int32)
    nearest[inliers] = coreset.nearest
    return Coreset(inliers[coreset.picks], nearest, coreset.radius)


def _all_rows(rows: int) -> Coreset:
    """Return the coreset that picks every row."""
    return Coreset(np.arange(rows), np.arange(rows, dtype=np.int32), 0.0)

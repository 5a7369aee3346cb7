"""From good pictures to an inspector: features, bank, threshold."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.calibration import conformal
from goldensample.drift.measures import (
    PictureMeasures,
    ReferenceStatistics,
    measure,
    reference_statistics,
)
from goldensample.features.extraction import as_picture, batches, compute_features, prepare
from goldensample.features.store import FeatureStore, InMemoryFeatureStore
from goldensample.fitting.calibrate import Promise, calibrated, judges
from goldensample.fitting.zone_support import check_zones
from goldensample.inspection.inspector import Inspector, TrainingPicture
from goldensample.methods.cross_fitted import Crossed, WithoutFold, check_distributable, fold_indices
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.protocols import Detector, Method
from goldensample.preparation.motion import Motion
from goldensample.preparation.preparation import Preparation, choose_size
from goldensample.records import Array, Features, Notify, Picture, Pictures, silent
from goldensample.runners import Runner, local_runner

SAMPLES, SAMPLE_PX = 6, 224
"""Pictures of the fit that are kept for checks, and their longest side in pixels."""


def fit(
    images: Pictures | Sequence[Array | Picture],
    *,
    backbone: Backbone,
    method: Method = PatchCore(),  # noqa: B008 (frozen)
    preparation: Preparation | None = None,
    false_alarms: float | None = 0.05,
    review: float | None = None,
    calibration: str = "auto",
    notify: Notify = silent,
    kept: FeatureStore | None = None,
    runner: Runner = local_runner,
) -> Inspector:
    """Learn what good parts look like.

    Args:
        images: good pictures: what `read_images` returns, or (H, W, 3) uint8 RGB arrays.
        backbone: from `open_backbone`.
        method: with its settings.
        preparation: None chooses one canvas of about 256x256 pixels of area from the median shape.
        false_alarms: rate of good pictures that may be called defects, in (0, 1). None sets no
            limits.
        review: a larger rate, of those that may be looked at again; None for no such verdict.
        calibration: what limits rest on, see `conformal.choose_scheme`: "split" keeps pictures out of the
            bank; "cross" fits once without each fold of them, and inspecting takes as many times
            as long; "auto" chooses by their number.
        notify: told (stage, done, total) as the work goes on.
        kept: where features are kept; what it holds already is not computed again (it must be of
            the same pictures, preparation and network). None keeps them in memory.
        runner: where the work is done; it changes nothing of the result. Another than `local_runner` needs
            pictures, a backbone and a store that can be sent to other processes.

    Raises:
        ValueError: no picture, or a picture or setting of a wrong kind; or a method, or a choice
            of its bank, that another runner cannot do.
        WeightsError: the network cannot take the size.
    """
    if not len(images):
        raise ValueError("fit must have at least one picture; got none")
    promise = None if false_alarms is None else Promise(false_alarms, review)
    if review is not None and promise is None:
        raise ValueError("review must go with false_alarms; got it alone")
    if runner is not local_runner:
        check_apart(method, kept)
    way = way_of(len(images), method, false_alarms, calibration)
    if way.kind == "cross" and isinstance(method, PatchCore):
        method = Crossed(patchcore=method)
    shapes = shapes_of(images)
    preparation = preparation or Preparation(choose_size(shapes, backbone.network.stride))
    preparation = replace(preparation, white=getattr(images, "white", preparation.white))
    check_zones(method, preparation, backbone, shapes)
    banked = np.setdiff1d(np.arange(len(images)), way.held_out)
    kept = InMemoryFeatureStore() if kept is None else kept  # an empty store is false
    looking = Looking(images, banked, preparation, backbone, kept)
    inspector = learned(looking, shapes, method, runner, notify)
    if promise is None or way.kind is None:
        return inspector
    judged_by = judges(inspector, len(images)) or [
        (fit_of(method, runner)(WithoutFold(kept, fold), silent), fold_indices(fold, len(images)))
        for fold in range(conformal.FOLDS)
    ]
    promise = replace(promise, kind=way.kind)
    return calibrated(inspector, images, promise, judged_by, notify, runner)


def check_apart(method: Method, kept: FeatureStore | None) -> None:
    """Refuse what cannot be fitted by other processes."""
    check_distributable(method)
    if kept is None:
        raise ValueError("a runner must go with a store that all workers reach; got none")


def learned(
    looking: "Looking",
    shapes: Sequence[tuple[int, int]],
    method: Method,
    runner: Runner,
    notify: Notify,
) -> Inspector:
    """Return an inspector without limits; `shapes` are (H, W) of all pictures of the fit."""
    habits, motions = look(looking, runner, notify)
    detector = fit_of(method, runner)(looking.kept, notify)
    pictures = [
        TrainingPicture(name_of(looking.images, i), shapes[i], motion=motion)
        for i, motion in zip(looking.banked.tolist(), motions, strict=True)
    ]
    return Inspector(
        looking.preparation,
        looking.backbone,
        method,
        detector,
        {},
        tuple(pictures),
        samples_of(looking),
        habits=habits,
    )


def fit_of(method: Method, runner: Runner) -> Callable[[Iterable[Features], Notify], Detector]:
    """Return how a method is fitted on features of a store, and where."""
    return method.fit if runner is local_runner else partial(check_distributable(method).fit, runner=runner)


def samples_of(looking: "Looking") -> tuple[Array, ...]:
    """Return a few pictures of the bank, shrunk."""
    chosen = spread(looking.banked, SAMPLES).tolist()
    return tuple(shrunk(as_picture(looking.images[i], i).pixels) for i in chosen)


@dataclass(frozen=True, slots=True)
class Looking:
    """What is looked at, and how.

    Args:
        images: all pictures of the fit.
        banked: indices of those of the bank.
        preparation: how they are brought to the network.
        backbone: the network.
        kept: takes the features.
    """

    images: Pictures | Sequence[Array | Picture]
    banked: Array
    preparation: Preparation
    backbone: Backbone
    kept: FeatureStore


def look(looking: Looking, runner: Runner, notify: Notify) -> tuple[ReferenceStatistics, list[Motion | None]]:
    """Measure the pictures of a bank, and compute the features of those that are not kept yet.

    Args:
        looking: at what.
        runner: where.
        notify: told ("features", pictures done, pictures).

    Returns:
        What they are like, and how each lies against the reference of the preparation.
    """
    count = len(looking.banked)
    parts = list(batches(count, looking.preparation))
    measured: list[PictureMeasures] = []
    motions: list[Motion | None] = []
    for some, moved in runner.run(look_at, looking, parts):
        measured += some
        motions += moved
        notify("features", len(measured), count)
    return reference_statistics(measured), motions


def look_at(looking: Looking, part: range) -> tuple[list[PictureMeasures], list[Motion | None]]:
    """Measure some pictures, and keep their features unless they are kept: the task of `look`."""
    chosen = looking.banked[part.start : part.stop]
    batch = [as_picture(looking.images[i], int(i)) for i in chosen]
    canvases, placements = prepare(batch, looking.preparation)
    if not looking.kept.has(part.start):
        found = compute_features(batch, canvases, placements, looking.preparation, looking.backbone)
        looking.kept.put(replace(found, first=part.start))
    measured = [measure(*one) for one in zip(canvases, placements, strict=True)]
    return measured, [placement.motion for placement in placements]


def way_of(n: int, method: Method, rate: float | None, calibration: str) -> conformal.Scheme:
    """Return how the limits of a fit on n pictures will be set; no rate, or 0, is for none."""
    if not rate:
        return conformal.Scheme(None, np.empty(0, np.int64))
    return conformal.choose_scheme(n, rate, calibration, isinstance(method, PatchCore))


def spread(numbers: Array, count: int) -> Array:
    """Return at most `count` of some numbers, evenly spread over them."""
    return numbers[np.linspace(0, len(numbers) - 1, min(count, len(numbers))).astype(int)]


def shrunk(pixels: Array) -> Array:
    """Return (H, W, 3) uint8 pixels with no side longer than SAMPLE_PX."""
    share = SAMPLE_PX / max(pixels.shape[:2])
    if share >= 1:
        return pixels
    height, width = (max(1, round(side * share)) for side in pixels.shape[:2])
    small, _ = Preparation((height, width), "stretch").apply(pixels)
    return np.ascontiguousarray(np.rint(small).astype(np.uint8).transpose(1, 2, 0))


def name_of(images: Pictures | Sequence[Array | Picture], index: int) -> str:
    """Return a picture's name, without decoding it where that is possible."""
    if isinstance(names := getattr(images, "names", None), Sequence):
        return str(names[index])
    return as_picture(images[index], index).name


def shapes_of(images: Pictures | Sequence[Array | Picture]) -> list[tuple[int, int]]:
    """Return (H, W) of each picture, from headers alone where they can be asked for."""
    asked = getattr(images, "shapes", None)
    if asked is not None:
        return list(asked())
    pixels = [as_picture(images[i], i).pixels for i in range(len(images))]
    return [(p.shape[0], p.shape[1]) for p in pixels]

"""Fitting an inspector to good pictures: features, detector, limits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.calibration import conformal
from goldensample.drift.measures import ReferenceStatistics, reference_statistics
from goldensample.drift.picture import PictureMeasures, measure
from goldensample.features.extraction import as_picture, batches, compute_features, prepare
from goldensample.features.store import FeatureStore, InMemoryFeatureStore
from goldensample.fitting.calibrate import Promise, calibrate, fold_detectors
from goldensample.fitting.defects import with_defects
from goldensample.fitting.distinct import choose_limits, groups_of, held_out_facts
from goldensample.fitting.samples import sample_pictures
from goldensample.fitting.zone_support import check_zones
from goldensample.inspection.inspector import Inspector, TrainingPicture
from goldensample.methods.cross_fitted import (
    WithoutFold,
    check_distributable,
    fold_indices,
    method_of_scheme,
)
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.protocols import Detector, Method
from goldensample.native.threads import limit_blas_threads
from goldensample.preparation.motion import Motion
from goldensample.preparation.preparation import Preparation, choose_size
from goldensample.records import Array, Features, Notify, Picture, Pictures, silent
from goldensample.runners import Runner, local_runner


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
    store: FeatureStore | None = None,
    runner: Runner = local_runner,
    others: Sequence[Backbone] = (),
    defects: Pictures | Sequence[Array | Picture] = (),
) -> Inspector:
    """Fit an inspector to good pictures.

    Args:
        images: good pictures; all are learned, so copies are left out before: see `distinct`.
        backbone: from `open_backbone`.
        method: with its settings.
        preparation: None chooses one canvas of about 256x256 pixels of area from the median shape.
        false_alarms: rate of good pictures that may be called defects, in (0, 1). None sets no
            limits, and none are set where a picture is of a single value.
        review: a larger rate, of those that may be sent to review; None for no such verdict.
        calibration: the scheme of the limits, see `conformal.choose_scheme`: "split" holds pictures
            out of the bank; "cross" fits once without each fold of them, and inspecting takes as
            many times as long; "auto" chooses by their number.
        notify: told (stage, done, total) as the work proceeds.
        store: of the features; what it holds already is not computed again (it must be of the same
            pictures, preparation and network). None stores them in memory.
        runner: of the work; it does not change the result. Another than `local_runner` needs
            pictures, a backbone and a store that can be sent to other processes.
        others: the backbone in other precisions, see `calibrate`.
        defects: labelled ones, for a `WeaklySupervisedMethod`; limits, reference statistics and
            pictures that are held out are of good ones alone.

    Raises:
        ValueError: no picture, or an invalid picture or setting; or a method, or a choice of its
            bank, that another runner cannot fit; or defects that the method cannot learn from, or
            that are among the good pictures.
        WeightsError: the network cannot take the size.
    """
    if not len(images):
        raise ValueError("fit must have at least one picture; got none")
    promise = None if false_alarms is None else Promise(false_alarms, review)
    if review is not None and promise is None:
        raise ValueError("review must go with false_alarms; got it alone")
    check_runner(method, store, runner)
    scheme, intake = choose_limits(images, method, false_alarms, calibration)
    method = method_of_scheme(method, scheme)
    shapes = picture_shapes(images)
    preparation = complete_preparation(preparation, images, shapes, backbone)
    method = check_zones(method, preparation, backbone, shapes)
    fitted = np.setdiff1d(np.arange(len(images)), scheme.held_out)
    store = InMemoryFeatureStore() if store is None else store  # an empty store is false
    job = FeatureJob(images, fitted, preparation, backbone, store)
    learner = with_defects(method, defects, images, preparation, backbone)
    inspector = fit_inspector(job, shapes, learner, runner, notify)
    kept = held_out_facts(images, scheme.held_out)
    inspector = replace(inspector, method=method, intake=intake, hold_out=kept)
    if promise is None or scheme.kind is None:
        return inspector
    detectors = fold_detectors(inspector, len(shapes), groups_of(images))
    detectors = detectors or fit_folds(learner, store, len(shapes), runner, notify)
    promise = replace(promise, kind=scheme.kind)
    return calibrate(inspector, images, promise, detectors, notify, runner, others)


def complete_preparation(
    preparation: Preparation | None,
    images: Pictures | Sequence[Array | Picture],
    shapes: list[tuple[int, int]],
    backbone: Backbone,
) -> Preparation:
    """Return a preparation, or the default one, with the pictures' grey range if they know it."""
    preparation = preparation or Preparation(choose_size(shapes, backbone.network.stride))
    return replace(preparation, grey_range=getattr(images, "grey_range", preparation.grey_range))


def fit_folds(
    method: Method, store: FeatureStore, count: int, runner: Runner, notify: Notify
) -> list[tuple[Detector, Array]]:
    """Return a detector without each fold of `count` pictures, with it; of few, each is a fold."""
    detectors, folds = [], count if count < conformal.MIN_TAIL_SCORES else conformal.FOLDS
    for fold in range(folds):
        detector = fit_detector(method, WithoutFold(store, fold, folds), silent, runner)
        detectors.append((detector, fold_indices(fold, count, folds)))
        notify("folds", fold + 1, folds)
    return detectors


def check_runner(method: Method, store: FeatureStore | None, runner: Runner) -> None:
    """Refuse what other processes cannot fit, where the runner has them fit it."""
    if runner is local_runner:
        return
    check_distributable(method)
    if store is None:
        raise ValueError("a runner must go with a store that all workers reach; got none")


@dataclass(frozen=True, slots=True)
class FeatureJob:
    """The extraction of the features of a fit.

    Args:
        images: all pictures of the fit.
        fitted: indices of those that are not held out.
        preparation: of the pictures for the network.
        backbone: the network.
        store: of the features.
    """

    images: Pictures | Sequence[Array | Picture]
    fitted: Array
    preparation: Preparation
    backbone: Backbone
    store: FeatureStore


def fit_inspector(
    job: FeatureJob,
    shapes: Sequence[tuple[int, int]],
    method: Method,
    runner: Runner,
    notify: Notify,
) -> Inspector:
    """Return an inspector without limits; `shapes` are (H, W) of all pictures of the fit."""
    reference, motions = extract_features(job, runner, notify)
    detector = fit_detector(method, job.store, notify, runner)
    digests = getattr(job.images, "digests", ()) or [""] * len(job.images)
    pictures = [
        TrainingPicture(
            picture_name(job.images, index), shapes[index], motion=motion, digest=digests[index]
        )
        for index, motion in zip(job.fitted.tolist(), motions, strict=True)
    ]
    return Inspector(
        job.preparation,
        job.backbone,
        method,
        detector,
        {},
        tuple(pictures),
        sample_pictures(job.images, job.fitted),
        habits=reference,
    )


def fit_detector(
    method: Method, features: Iterable[Features], notify: Notify, runner: Runner
) -> Detector:
    """Fit a method to features, by a runner, with one thread of BLAS."""
    if runner is local_runner:
        with limit_blas_threads():  # else the last bits of patches depend on the number of cores
            return method.fit(features, notify)
    return check_distributable(method).fit(features, notify, runner)


def extract_features(
    job: FeatureJob, runner: Runner, notify: Notify
) -> tuple[ReferenceStatistics, list[Motion | None]]:
    """Measure the pictures of a fit, and compute the features that are not stored yet.

    Args:
        notify: told ("features", pictures done, pictures).

    Returns:
        Their reference statistics, and the motion of each against the preparation's reference.
    """
    count = len(job.fitted)
    batch_ranges = list(batches(count, job.preparation))
    measures: list[PictureMeasures] = []
    motions: list[Motion | None] = []
    for batch_measures, batch_motions in runner.run(extract_batch, job, batch_ranges):
        measures += batch_measures
        motions += batch_motions
        notify("features", len(measures), count)
    with limit_blas_threads():
        return reference_statistics(measures), motions


def extract_batch(
    job: FeatureJob, batch_range: range
) -> tuple[list[PictureMeasures], list[Motion | None]]:
    """Measure a batch, and store its features if they are missing; see `extract_features`."""
    indices = job.fitted[batch_range.start : batch_range.stop]
    batch = [as_picture(job.images[index], int(index)) for index in indices]
    canvases, placements = prepare(batch, job.preparation)
    if not job.store.has(batch_range.start):
        features = compute_features(batch, canvases, placements, job.preparation, job.backbone)
        job.store.put(replace(features, first=batch_range.start))
    measures = [measure(*pair) for pair in zip(canvases, placements, strict=True)]
    return measures, [placement.motion for placement in placements]


def picture_name(images: Pictures | Sequence[Array | Picture], index: int) -> str:
    """Return a picture's name, without decoding it where that is possible."""
    if isinstance(names := getattr(images, "names", None), Sequence):
        return str(names[index])
    return as_picture(images[index], index).name


def picture_shapes(images: Pictures | Sequence[Array | Picture]) -> list[tuple[int, int]]:
    """Return (H, W) of each picture, from headers alone where possible."""
    if read_shapes := getattr(images, "shapes", None):
        return list(read_shapes())
    pixels = [as_picture(images[i], i).pixels for i in range(len(images))]
    return [(p.shape[0], p.shape[1]) for p in pixels]

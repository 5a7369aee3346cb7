"""From good pictures to an inspector: features, bank, threshold."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from goldensample import conformal
from goldensample.backbones import Backbone
from goldensample.calibrating import Promise, calibrated, judges
from goldensample.errors import WeightsError
from goldensample.extracting import as_picture, at_a_time, features_of, prepare
from goldensample.habits import Habits, Measured, habits_of, measure
from goldensample.inspector import Inspector, TrainingPicture
from goldensample.methods import Detector, Method
from goldensample.methods.crossed import Crossed, WithoutFold
from goldensample.methods.patchcore import PatchCore
from goldensample.moving import Motion
from goldensample.neighbors import to_numpy
from goldensample.preparation import Preparation, choose_size
from goldensample.records import (
    Array,
    Features,
    FeatureStore,
    Notify,
    Picture,
    Pictures,
    silent,
)
from goldensample.zoned import check_zones

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
        calibration: what limits rest on, see `conformal.way`: "split" keeps pictures out of the
            bank; "cross" fits once without each fold of them, and inspecting takes as many times
            as long; "auto" chooses by their number.
        notify: told (stage, done, total) as the work goes on.
        kept: where features are kept; what it holds already is not computed again (it must be of
            the same pictures, preparation and network). None keeps them in memory.

    Raises:
        ValueError: no picture, or a picture or setting of a wrong kind.
        WeightsError: the network cannot take the size.
    """
    if not len(images):
        raise ValueError("fit must have at least one picture; got none")
    promise = None if false_alarms is None else Promise(false_alarms, review)
    if review is not None and promise is None:
        raise ValueError("review must go with false_alarms; got it alone")
    way = way_of(len(images), method, false_alarms, calibration)
    if way.kind == "cross" and isinstance(method, PatchCore):
        method = Crossed(patchcore=method)
    shapes = shapes_of(images)
    preparation = preparation or Preparation(choose_size(shapes, backbone.network.stride))
    preparation = replace(preparation, white=getattr(images, "white", preparation.white))
    check_zones(method, preparation, backbone, shapes)
    banked = np.setdiff1d(np.arange(len(images)), way.out)
    kept = InMemory() if kept is None else kept
    habits, motions = look(images, banked, preparation, backbone, kept, notify)
    detector = method.fit(kept, notify)
    named = ((name_of(images, int(i)), shapes[i], b"") for i in banked)
    pictures = tuple(TrainingPicture(*n, motion) for n, motion in zip(named, motions, strict=True))
    samples = tuple(shrunk(as_picture(images[i], int(i)).pixels) for i in spread(banked, SAMPLES))
    inspector = Inspector(
        preparation, backbone, method, detector, {}, pictures, samples, habits=habits
    )
    if promise is None or way.kind is None:
        return inspector
    judged_by = judges(inspector, len(images)) or folded(method, kept, len(images))
    return calibrated(inspector, images, replace(promise, kind=way.kind), judged_by, notify)


def look(
    images: Pictures | Sequence[Array | Picture],
    banked: Array,
    preparation: Preparation,
    backbone: Backbone,
    kept: FeatureStore,
    notify: Notify,
) -> tuple[Habits, list[Motion | None]]:
    """Measure the pictures of a bank, and compute the features of those that are not kept yet.

    Args:
        banked: their indices.
        kept: takes the features.
        notify: told ("features", pictures done, pictures).

    Returns:
        What they are like, and how each lies against the reference of the preparation.
    """
    done, step = len(kept), at_a_time(preparation)
    measured: list[Measured] = []
    motions: list[Motion | None] = []
    for start in (*range(0, done, step), *range(done, len(banked), step)):
        end = min(start + step, done if start < done else len(banked))
        batch = [as_picture(images[i], int(i)) for i in banked[start:end]]
        canvases, placements = prepare(batch, preparation)
        measured += list(map(measure, canvases, placements))
        motions += [placement.motion for placement in placements]
        if start >= done:
            extracted = features_of(batch, canvases, placements, preparation, backbone)
            kept.append(replace(extracted, first=start))
            notify("features", end, len(banked))
    return habits_of(measured), motions


def way_of(n: int, method: Method, rate: float | None, calibration: str) -> conformal.Way:
    """Return how the limits of a fit on n pictures will be set; no rate, or 0, is for none."""
    if not rate:
        return conformal.Way(None, np.empty(0, np.int64))
    return conformal.way(n, rate, calibration, isinstance(method, PatchCore))


def folded(method: Method, kept: FeatureStore, count: int) -> list[tuple[Detector, Array]]:
    """Fit once without each fold of the pictures; return each fit with the fold it can judge."""
    every = np.arange(count)
    return [
        (method.fit(WithoutFold(kept, fold), silent), every[every % conformal.FOLDS == fold])
        for fold in range(conformal.FOLDS)
    ]


class InMemory:
    """A `FeatureStore` in memory."""

    def __init__(self) -> None:
        self._parts: list[Features] = []

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def append(self, features: Features) -> None:
        """Keep features, in half precision."""
        self._parts.append(halved(features))

    def __iter__(self) -> Iterator[Features]:
        for part in self._parts:
            yield replace(part, maps=tuple(level.astype(np.float32) for level in part.maps))


def halved(features: Features) -> Features:
    """Return features with NumPy maps in half precision.

    Raises:
        WeightsError: a value does not fit.
    """
    with np.errstate(over="ignore"):
        maps = tuple(to_numpy(level).astype(np.float16) for level in features.maps)
    if not all(np.isfinite(level).all() for level in maps):
        raise WeightsError(
            "features must lie within half precision (65,504); this network's do not; scale its "
            "outputs"
        )
    return replace(features, maps=maps)


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

"""From good pictures to an inspector: features, bank, threshold."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from goldensample import conformal
from goldensample.backbones import Backbone
from goldensample.errors import WeightsError
from goldensample.inspector import BATCH, Inspector, TrainingPicture, as_picture, extract
from goldensample.methods import Method
from goldensample.methods.patchcore import PatchCore
from goldensample.neighbors import to_numpy
from goldensample.preparation import Preparation, choose_size
from goldensample.records import (
    Array,
    Calibration,
    Features,
    FeatureStore,
    Notify,
    Picture,
    Pictures,
    Threshold,
    silent,
)

SAMPLES, SAMPLE_PX = 6, 224
"""Pictures of the fit that are kept for checks, and their longest side in pixels."""


def fit(
    images: Pictures | Sequence[Array | Picture],
    *,
    backbone: Backbone,
    method: Method = PatchCore(),  # noqa: B008 (frozen)
    preparation: Preparation | None = None,
    false_alarms: float | None = 0.05,
    notify: Notify = silent,
    kept: FeatureStore | None = None,
) -> Inspector:
    """Learn what good parts look like.

    Args:
        images: good pictures: what `read_images` returns, or (H, W, 3) uint8 RGB arrays.
        backbone: from `open_backbone`.
        method: with its settings.
        preparation: None chooses one canvas of about 256x256 pixels of area from the median shape.
        false_alarms: rate of good pictures that may be called defects, in (0, 1). Some pictures
            (a fifth, or as many as the rate needs) are kept out of the bank for it; where that
            would be more than half there is no threshold. None keeps nothing out and sets none.
        notify: told (stage, done, total) as the work goes on.
        kept: where features are kept; what it holds already is not computed again (it must be of
            the same pictures, preparation and network). None keeps them in memory.

    Raises:
        ValueError: no picture, or a picture or setting of a wrong kind.
        WeightsError: the network cannot take the size.
    """
    if not len(images):
        raise ValueError("fit must have at least one picture; got none")
    if false_alarms is not None and not 0 < false_alarms < 1:
        raise ValueError(f"false_alarms must be in (0, 1); got {false_alarms}")
    shapes = shapes_of(images)
    preparation = preparation or Preparation(choose_size(shapes, backbone.network.stride))
    if hasattr(images, "white"):
        preparation = replace(preparation, white=images.white)
    out = conformal.hold_out(len(images), false_alarms) if false_alarms else np.empty(0, int)
    banked = np.setdiff1d(np.arange(len(images)), out)
    kept = InMemory() if kept is None else kept
    for start in range(len(kept), len(banked), BATCH):
        batch = [as_picture(images[i], int(i)) for i in banked[start : start + BATCH]]
        extracted, _ = extract(batch, preparation, backbone)
        kept.append(replace(extracted, first=start))
        notify("features", start + len(batch), len(banked))
    detector = method.fit(kept, notify)
    pictures = tuple(TrainingPicture(name_of(images, int(i)), shapes[i]) for i in banked)
    samples = tuple(shrunk(as_picture(images[i], int(i)).pixels) for i in spread(banked, SAMPLES))
    inspector = Inspector(preparation, backbone, method, detector, {}, pictures, samples)
    if false_alarms is None or not len(out):
        return inspector
    return calibrated(inspector, images, false_alarms, notify)


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


def calibrated(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    false_alarms: float,
    notify: Notify = silent,
) -> Inspector:
    """Set limits, in the backbone's precision, from the good pictures held out.

    Args:
        inspector: fitted on the other ones.
        images: all pictures of the fit; enough for the rate.
        false_alarms: in (0, 1).
        notify: told ("threshold", pictures scored, pictures).

    Returns:
        The inspector with the limits, and with what they rest on.
    """
    out = conformal.hold_out(len(images), false_alarms)
    scores, peaks = [], []
    held = (as_picture(images[i], int(i)) for i in out)
    for done, inspection in enumerate(inspector.inspect_many(held), start=1):
        notify("threshold", done, len(out))
        scores.append(inspection.score)
        if inspection.heat_map is not None:
            peaks.append(inspection.heat_map.max())
    known = Calibration(
        np.asarray(scores, np.float64), np.asarray(peaks, np.float64) if peaks else None
    )
    limits = Threshold(
        score=conformal.limit(known.scores, false_alarms),
        pixel=None if known.peaks is None else conformal.limit(known.peaks, false_alarms),
        false_alarms=false_alarms,
        held_out=len(out),
    )
    precision = inspector.backbone.precision
    return replace(
        inspector,
        thresholds={**inspector.thresholds, precision: limits},
        calibrations={**inspector.calibrations, precision: known},
    )


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

"""The choice of an inspector's precision, checked against fp32 on held-out pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.backbones.openvino import OpenVINOBackbone, processor_has
from goldensample.calibration import conformal
from goldensample.errors import WeightsError
from goldensample.features.extraction import as_picture
from goldensample.fitting.calibrate import Promise, calibrate, fold_detectors, limit
from goldensample.fitting.distinct import groups_of
from goldensample.fitting.precision_check import PrecisionCheck, compare_defects, limit_shift
from goldensample.fitting.samples import evenly_spaced
from goldensample.graphs.pixels import PIXELS
from goldensample.graphs.quantization import MISSING, can_quantise, quantise
from goldensample.inspection.inspector import Inspector
from goldensample.records import Array, Notify, Picture, Pictures, silent

Value = TypeVar("Value")
PRECISIONS = ("auto", "fp32", "bf16", "int8")
CALIBRATION = 100
"""Number of good pictures, about, for the calibration of int8's ranges."""


def convert_precision(inspector: Inspector, precision: str) -> Inspector:
    """Return the same inspector computing in another precision, with that precision's limits.

    Raises:
        ValueError: the network or the processor does not have the precision, or it runs in torch.
    """
    backbone = inspector.backbone
    if backbone.precision == precision:
        return inspector
    if not isinstance(backbone, OpenVINOBackbone):
        raise ValueError(f"precision must be fp32 where torch runs the network; got {precision}")
    return replace(inspector, backbone=backbone.in_precision(precision))


def check_precision(backbone: Backbone, precision: str) -> None:
    """Check, before the fit, that a precision is available.

    Raises:
        ValueError: it is none of PRECISIONS, or the processor or torch does not support it.
        WeightsError: int8 is requested, the network has none, and NNCF is not installed.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}")
    if precision in ("auto", "fp32"):
        return
    if not isinstance(backbone, OpenVINOBackbone):
        raise ValueError(f"precision must be fp32 where torch runs the network; got {precision}")
    if not processor_has(precision):
        raise ValueError(f"{precision} must have a processor with it; this has none; take fp32")
    if precision == "int8" and not backbone.network.int8_graph and not can_quantise():
        raise WeightsError(MISSING)


def candidates(backbone: Backbone, requested: str) -> list[OpenVINOBackbone]:
    """Return the backbone in the precisions that a fit tries, in order; none for fp32.

    Args:
        backbone: in fp32.
        requested: one of PRECISIONS.

    Raises:
        ValueError, WeightsError: see `check_precision`.
    """
    check_precision(backbone, requested)
    if requested == "fp32" or not isinstance(backbone, OpenVINOBackbone):
        return []
    names = [requested]
    if requested == "auto":
        computes = backbone.network.name != PIXELS
        names = ["int8", *(["bf16"] if computes and processor_has("bf16") else [])]
    has_int8 = bool(backbone.network.int8_graph)
    return [backbone.in_precision(name) for name in names if name != "int8" or has_int8]


def choose_precision(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    requested: str,
    notify: Notify = silent,
) -> tuple[Inspector, str]:
    """Choose the precision of a fresh fit, and set limits in it.

    "auto" takes int8 where the network came with it, else bf16 where the processor has it, but
    only if it passes the check on held-out good pictures; where none are, fp32. A precision
    requested by name must pass, too, where it can be checked; int8 is then quantised by NNCF.
    What the check is, `precision_check` says.

    Args:
        inspector: fitted in fp32, perhaps with limits in others, which only a chosen one keeps.
        images: the pictures of the fit.
        requested: one of PRECISIONS.
        notify: told ("threshold", pictures scored, pictures) and ("precision", done, 2).

    Returns:
        The inspector, and a description of the decision.

    Raises:
        ValueError, WeightsError: see `check_precision`.
    """
    check_precision(inspector.backbone, requested)
    if requested == "fp32" or not isinstance(inspector.backbone, OpenVINOBackbone):
        return inspector, "fp32"
    network = inspector.backbone.network
    if requested == "int8" and not network.int8_graph:
        network = quantise(network, calibration_canvases(inspector, images))
        inspector = replace(inspector, backbone=OpenVINOBackbone(network))
    if inspector.threshold is None or not fold_detectors(inspector, len(images), groups_of(images)):
        if requested == "auto":
            return inspector, "fp32, as no pictures were kept out to prove another precision on"
        converted = convert_precision(inspector, requested)
        return converted, f"{requested}, not proven, as no pictures were kept out"
    reasons: list[str] = []
    for precision in (one.precision for one in candidates(inspector.backbone, requested)):
        candidate, result = compare_precision(inspector, images, precision, notify)
        if result.passes:
            return candidate, "; ".join([f"{precision}: {result}", *reasons])
        reasons.append(f"{precision} was tried and dropped: {result}")
        inspector = drop_limits(inspector, precision)
    return inspector, "; ".join(["fp32", *reasons])


def drop_limits(inspector: Inspector, precision: str) -> Inspector:
    """Return an inspector without the limits in a precision."""
    if precision not in inspector.thresholds:
        return inspector

    def others(by_precision: Mapping[str, Value]) -> dict[str, Value]:
        return {name: value for name, value in by_precision.items() if name != precision}

    habits = inspector.habits
    return replace(
        inspector,
        thresholds=others(inspector.thresholds),
        calibrations=others(inspector.calibrations),
        habits=habits and replace(habits, held_out=others(habits.held_out)),
    )


def compare_precision(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    precision: str,
    notify: Notify = silent,
) -> tuple[Inspector, PrecisionCheck]:
    """Return the inspector in a precision, with limits set in it, and its comparison with fp32.

    Args:
        inspector: in fp32, with limits from pictures held out.
        images: the pictures of the fit.
        notify: told ("threshold", pictures scored, pictures).
    """
    limits = inspector.thresholds["fp32"]
    if limits.false_alarms is None:
        raise ValueError("limits must come from pictures held out; these were set by hand")
    promise = Promise(limits.false_alarms, limits.review_rate, limits.kind)
    detectors = fold_detectors(inspector, len(images), groups_of(images))
    other = convert_precision(inspector, precision)
    if precision not in inspector.calibrations:
        other = calibrate(other, images, promise, detectors, notify)
    before, after = (other.calibrations[name].scores for name in ("fp32", precision))
    set_limit = partial(limit, rate=promise.false_alarms, kind=promise.kind)
    shift = limit_shift(before, after, set_limit)
    check = PrecisionCheck(shift)
    if check.limit_holds:
        check = compare_defects((inspector, other), images, detectors, shift, notify)
    return other, check


def calibration_canvases(
    inspector: Inspector, images: Pictures | Sequence[Array | Picture]
) -> list[Array]:
    """Return prepared good pictures, evenly spaced among those of the fit."""
    count = len(images) - len(inspector.pictures)
    held_out = conformal.draw_indices(len(images), count, groups_of(images))
    fitted = np.setdiff1d(np.arange(len(images)), held_out)
    pictures = (as_picture(images[i], int(i)).pixels for i in evenly_spaced(fitted, CALIBRATION))
    return [inspector.preparation.apply(pixels)[0] for pixels in pictures]

"""Which precision an inspector computes in, and the proof that it may."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.backbones.openvino import OpenVINOBackbone, processor_has
from goldensample.calibration import conformal
from goldensample.errors import WeightsError
from goldensample.features.extraction import as_picture
from goldensample.fitting.calibrate import Promise, calibrated, judges
from goldensample.fitting.fit import spread
from goldensample.graphs.quantization import MISSING, can_quantise, quantise
from goldensample.inspection.inspector import Inspector
from goldensample.records import Array, Notify, Picture, Pictures, silent

PRECISIONS = ("auto", "fp32", "bf16", "int8")
AGREEMENT = 0.95
"""Least rank correlation, over good pictures held out, with the scores of fp32."""
SHIFT = 0.05
"""Largest change of the threshold, as a share of it."""
CALIBRATION = 100
"""Good pictures, about, that int8's ranges are measured on."""


@dataclass(frozen=True)
class Proof:
    """How another precision compares with fp32 on the good pictures held out.

    Args:
        agreement: rank correlation of the scores (Spearman), at most 1.
        shift: change of the score threshold, as a share of it.
    """

    agreement: float
    shift: float

    @property
    def holds(self) -> bool:
        """Whether the precision may be used."""
        return self.agreement >= AGREEMENT and abs(self.shift) <= SHIFT

    def __str__(self) -> str:
        return f"rank agreement {self.agreement:.3f}, threshold moved by {100 * self.shift:+.1f} %"


def at(inspector: Inspector, precision: str) -> Inspector:
    """Return the same inspector computing in another precision, with that precision's limits.

    Raises:
        ValueError: the network or the processor does not have the precision, or it runs in torch.
    """
    backbone = inspector.backbone
    if backbone.precision == precision:
        return inspector
    if not isinstance(backbone, OpenVINOBackbone):
        raise ValueError(f"precision must be fp32 where torch runs the network; got {precision}")
    return replace(inspector, backbone=OpenVINOBackbone(backbone.network, precision=precision))


def check(backbone: Backbone, asked: str) -> None:
    """Make sure, before long work, that a precision can be had for a fit.

    Raises:
        ValueError: it is none of PRECISIONS, or the processor or torch does not have it.
        WeightsError: int8 is asked for, the network has none, and NNCF is not installed.
    """
    if asked not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}; got {asked!r}")
    if asked in ("auto", "fp32"):
        return
    if not isinstance(backbone, OpenVINOBackbone):
        raise ValueError(f"precision must be fp32 where torch runs the network; got {asked}")
    if not processor_has(asked):
        raise ValueError(f"{asked} must have a processor with it; this has none; take fp32")
    if asked == "int8" and not backbone.network.int8_graph and not can_quantise():
        raise WeightsError(MISSING)


def settle(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    asked: str,
    notify: Notify = silent,
) -> tuple[Inspector, str]:
    """Choose the precision of a fresh fit, and set limits in it.

    "auto" takes int8 where the network came with it, else bf16 where the processor has it, but
    only if it proves itself on the good pictures held out; where none are, fp32. A precision asked
    for by name must prove itself, too, where that can be tried; int8 is then made by NNCF.

    Args:
        inspector: fitted in fp32.
        images: the pictures of the fit.
        asked: one of PRECISIONS.
        notify: told ("threshold", pictures scored, pictures).

    Returns:
        The inspector, and what was decided and why, in words.

    Raises:
        ValueError, WeightsError: see `check`.
    """
    check(inspector.backbone, asked)
    if asked == "fp32" or not isinstance(inspector.backbone, OpenVINOBackbone):
        return inspector, "fp32"
    network = inspector.backbone.network
    if asked == "int8" and not network.int8_graph:
        network = quantise(network, examples(inspector, images))
        inspector = replace(inspector, backbone=OpenVINOBackbone(network))
    tried = [asked]
    if asked == "auto":
        has = {"int8": bool(network.int8_graph), "bf16": processor_has("bf16")}
        tried = [precision for precision in ("int8", "bf16") if has[precision]]
    if inspector.threshold is None or not judges(inspector, len(images)):
        if asked == "auto":
            return inspector, "fp32, as no pictures were kept out to prove another precision on"
        return at(inspector, asked), f"{asked}, not proven, as no pictures were kept out"
    words = []
    for precision in tried:
        proven, proof = prove(inspector, images, precision, notify)
        if proof.holds:
            return proven, f"{precision}: {proof} against fp32"
        words.append(f"{precision} was dropped: {proof}")
    return inspector, "; ".join(["fp32", *words])


def prove(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    precision: str,
    notify: Notify = silent,
) -> tuple[Inspector, Proof]:
    """Return the inspector in a precision, with limits set in it, beside how it compares.

    Args:
        inspector: in fp32, with limits from pictures held out.
        images: the pictures of the fit.
        notify: told ("threshold", pictures scored, pictures).
    """
    from scipy.stats import spearmanr

    limits = inspector.thresholds["fp32"]
    if limits.false_alarms is None:
        raise ValueError("limits must come from pictures held out; these were set by hand")
    promise = Promise(limits.false_alarms, limits.review_rate, limits.kind)
    other = at(inspector, precision)
    other = calibrated(other, images, promise, judges(other, len(images)), notify)
    before, after = (other.calibrations[name].scores for name in ("fp32", precision))
    shift = other.thresholds[precision].score / limits.score - 1
    return other, Proof(float(spearmanr(before, after).statistic), shift)


def examples(inspector: Inspector, images: Pictures | Sequence[Array | Picture]) -> list[Array]:
    """Return good pictures, evenly among those of the bank, as the network takes them."""
    out = conformal.draw_indices(len(images), len(images) - len(inspector.pictures))
    banked = np.setdiff1d(np.arange(len(images)), out)
    pictures = (as_picture(images[i], int(i)).pixels for i in spread(banked, CALIBRATION))
    return [inspector.preparation.apply(pixels)[0] for pixels in pictures]

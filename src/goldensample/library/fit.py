"""Fit, evaluate and audit, with defaults for every choice."""

from collections.abc import Sequence
from pathlib import Path

from goldensample.backbones.network import Backbone
from goldensample.datasets import labelled, read_category
from goldensample.evaluation import evaluate as evaluation
from goldensample.fitting import audit as auditing
from goldensample.fitting import fit as fitting
from goldensample.fitting.distinct import distinct
from goldensample.fitting.near_copies import group_near_copies
from goldensample.fitting.precision import candidates, choose_precision
from goldensample.graphs.open_backbone import open_backbone
from goldensample.inspection.inspector import Inspector
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.protocols import Method
from goldensample.methods.registry import default_backbone, default_levels
from goldensample.preparation.preparation import Preparation
from goldensample.records import Array, Notify, Picture, Pictures, silent


def fit(
    images: Pictures | Sequence[Array | Picture],
    *,
    backbone: str | Backbone | None = None,
    method: Method = PatchCore(),  # noqa: B008 (frozen)
    preparation: Preparation | None = None,
    false_alarms: float | None = 0.05,
    review: float | None = None,
    calibration: str = "auto",
    precision: str = "auto",
    defects: Pictures | Sequence[Array | Picture] = (),
    notify: Notify = silent,
) -> Inspector:
    """Fit an inspector on good pictures.

    Args:
        images: good pictures: what `read_images` returns, or (H, W, 3) uint8 RGB arrays. Equal
            ones count once, and masks beside a picture are left out: see `Inspector.intake`.
            Near-copies are held out together: see `Inspector.hold_out`.
        backbone: what `open_backbone` returns, or its name; None takes "builtin", or "pixels" for a
            method that is trained on them.
        method: with its hyperparameters.
        preparation: None chooses one canvas of about 256x256 pixels of area from the median shape.
        false_alarms: rate of good pictures that may be called defects, in (0, 1); some pictures
            are held out of the bank for it. None holds out nothing and sets no threshold.
        review: a larger rate, of those that may be called review; None for no such verdict.
        calibration: "auto", "split" or "cross"; see `fitting.fit.fit`.
        precision: "auto", the fastest that passes a check on pictures held out, as for `golden
            fit`; "fp32", "bf16", or "int8" (made by NNCF, extra [int8], where the network has no
            int8 form); see `fitting.precision.choose_precision`.
        defects: pictures of labelled defects, of the same kind as `images`, for a method that
            learns from them, which is CAVGA alone; no limit rests on them.
        notify: called with (stage, done, total) for progress.

    Raises:
        ValueError: no picture, or a picture or setting of a wrong kind; or defects that the method
            cannot learn from, or that are among the good pictures.
        WeightsError: the network is not available or cannot take the size.
    """
    network = backbone or default_backbone(type(method))
    if isinstance(network, str):
        levels = default_levels(type(method))
        network = open_backbone(network, tuple(levels.split(",")) if levels else None)
    grey_range = preparation.grey_range if preparation else None
    images, limits = distinct(images, grey_range), (method, false_alarms, calibration)
    if apart := group_near_copies(images, network, limits, notify=notify):
        images = images.select(*apart)
    inspector = fitting.fit(
        images,
        backbone=network,
        method=method,
        preparation=preparation,
        false_alarms=false_alarms,
        review=review,
        calibration=calibration,
        notify=notify,
        others=candidates(network, precision)[:1],
        defects=distinct(defects, grey_range) if len(defects) else (),
    )
    return choose_precision(inspector, images, precision, notify)[0]


def evaluate(fitted: Inspector, dataset: str | Path) -> evaluation.Evaluation:
    """Evaluate an inspector on the test pictures of a data set.

    Args:
        dataset: its folder, in any layout that `golden data list` names, or its CSV file.

    Memory: 6 MB for the pixels of the good pictures and 6 MB for each type of defect, whatever the
        number and size of the pictures.

    Raises:
        ImageError: the folder or a picture in it cannot be used.
        ValueError: good pictures, or defects, are missing.
    """
    return evaluation.evaluate(
        fitted, labelled(read_category(dataset), fitted.preparation.grey_range)
    )


def audit(
    images: Pictures | Sequence[Array | Picture],
    *,
    backbone: str | Backbone = "builtin",
    preparation: Preparation | None = None,
    notify: Notify = silent,
) -> list[auditing.RankedPicture]:
    """Rank good pictures by how odd each is among the others, the oddest first.

    Args:
        images: at least two; copies and masks are left out.
        backbone: as for `fit`.
        preparation: as for `fit`.
        notify: called with (stage, done, total) for progress.

    Raises:
        ValueError: fewer than two pictures.
    """
    network = open_backbone(backbone) if isinstance(backbone, str) else backbone
    pictures = distinct(images, preparation.grey_range if preparation else None)
    if len(pictures) < 2:
        raise ValueError(f"an audit must have at least two pictures; got {len(pictures)}")
    inspector = fitting.fit(
        pictures,
        backbone=network,
        method=auditing.METHOD,
        preparation=preparation,
        false_alarms=None,
        notify=notify,
    )
    inspections = auditing.audit(inspector, pictures, notify)
    return auditing.rank_pictures([(one.name, one.score, one.note) for one in inspections])

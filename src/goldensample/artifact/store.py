"""Save inspectors to `.golden` files and load them; see `container` for the format."""

from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.artifact.calibration_parts import pop_calibrations, to_arrays
from goldensample.artifact.container import read_parts, write_parts
from goldensample.artifact.earlier import with_grey_range, with_later_knobs
from goldensample.artifact.header import build, convert
from goldensample.artifact.journal_parts import JOURNAL, attach_journal, pop_arrays, to_parts
from goldensample.artifact.own_method import find_method, source_name, source_sha256
from goldensample.backbones.network import Network
from goldensample.calibration.conformal import HoldOut
from goldensample.drift import measures
from goldensample.errors import ArtifactError, WeightsError
from goldensample.fitting.zone_support import check_method
from goldensample.images.intake import Intake
from goldensample.inspection.inspector import Inspector, TrainingPicture
from goldensample.methods.protocols import BankDetector, Detector, Method
from goldensample.methods.registry import is_own
from goldensample.preparation.motion import Motion
from goldensample.preparation.preparation import Preparation
from goldensample.records import Array, Threshold

GRAPHS = {
    "network": "graph",
    "network_int8": "int8_graph",
    "network_int8_weights": "int8_weights",
}
"""The arrays that hold a network's bytes."""
SAMPLE = "sample"
"""Prefix of the names of the pictures that exports are checked on."""
THUMBNAIL = "thumbnail/"
"""Prefix of the names of thumbnails; the picture's number follows."""


def save(inspector: Inspector, path: str | Path) -> None:
    """Write an inspector to a `.golden` file.

    Args:
        inspector: what to write; not changed.
        path: where; replaced atomically if it exists.
    """
    arrays = dict(inspector.detector.arrays())
    network = inspector.backbone.network
    for name, field in GRAPHS.items():
        if part := getattr(network, field):
            arrays[name] = np.frombuffer(part, np.uint8)
    arrays |= to_arrays(inspector.calibrations)
    for index, sample in enumerate(inspector.samples):
        arrays[f"{SAMPLE}{index}"] = sample
    for index, picture in enumerate(inspector.pictures):
        if picture.thumbnail:
            arrays[f"{THUMBNAIL}{index}"] = np.frombuffer(picture.thumbnail, np.uint8)
    if inspector.habits:
        arrays |= measures.to_arrays(inspector.habits)
    header = _header(inspector)
    if inspector.journal:
        journal_header, journal_arrays = to_parts(inspector.journal)
        header, arrays = header | journal_header, arrays | journal_arrays
    write_parts(Path(path), header, arrays)


def _header(inspector: Inspector) -> dict[str, Any]:
    """Return the settings in a file, as plain JSON values."""
    network = asdict(inspector.backbone.network)
    for field in GRAPHS.values():
        del network[field]
    digests = [picture.digest for picture in inspector.pictures]
    own = type(inspector.method) if is_own(inspector.method_name) else None
    kept = inspector.hold_out
    return {
        **({"method_sha256": source_sha256(own)} if own else {}),
        **({"intake": asdict(inspector.intake)} if inspector.intake else {}),
        **({"hold_out": asdict(kept)} if kept and kept.by else {}),
        **({"digests": digests} if any(digests) else {}),
        "network": network,
        "method": source_name(own) if own else inspector.method_name,
        "knobs": asdict(inspector.method),
        "preparation": asdict(inspector.preparation),
        "precision": inspector.backbone.precision,
        "thresholds": {name: asdict(limit) for name, limit in inspector.thresholds.items()},
        "pictures": [_picture_entry(picture) for picture in inspector.pictures],
    }


def _picture_entry(picture: TrainingPicture) -> list[str | float]:
    """Return the entry of the header for a picture of the fit."""
    return [picture.name, *picture.shape_hw, *(astuple(picture.motion) if picture.motion else ())]


def load(path: str | Path, method: type[Method] | None = None) -> Inspector:
    """Read an inspector from a `.golden` file.

    Args:
        path: of the file.
        method: for a file that was fitted with a method of your own, its class.

    Raises:
        ArtifactError: the file is missing, damaged, truncated, of an unknown version or holds a
            value that is not finite, and the message names the part; or it needs a method of
            somebody's own, which no file brings along.
    """
    return assemble(Path(path).name, *read_parts(Path(path)), method)


def assemble(
    name: str, header: dict[str, Any], arrays: dict[str, Array], own: type[Method] | None = None
) -> Inspector:
    """Return the inspector from the checked parts of a file, after a trial inspection.

    Raises:
        ArtifactError: the parts do not fit each other, or see `find_method`.
    """
    try:
        inspector = _build_inspector(header, arrays, find_method(name, header, own))
        trial = _shrink_canvas(inspector)
        # graph, bank and knobs must fit
        inspection = trial.inspect(np.zeros((*trial.preparation.canvas_hw, 3), np.uint8))
        for limit in inspector.thresholds.values():
            if (limit.pixel is None) != (inspection.heat_map is None):
                raise ValueError(f"a limit for pixels must go with a map; got {limit.pixel}")
    except (WeightsError, *MISFITS) as error:
        raise ArtifactError(
            f"{name}: its parts must fit each other; they do not ({error}); fit it anew"
        ) from error
    return inspector


def _shrink_canvas(inspector: Inspector) -> Inspector:
    """Return an inspector of small pictures for the trial, where large ones would take long.

    A bank does not depend on positions, so it can be tried on a canvas of any size; but without
    limits, as regions have positions.
    """
    if inspector.preparation.mode != "native" or not isinstance(inspector.detector, BankDetector):
        return inspector
    side = 16 * inspector.backbone.network.stride
    preparation = Preparation((side, side), "native")
    return replace(inspector, preparation=preparation, thresholds={})


MISFITS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)
"""Exceptions that parts can raise which do not fit."""


def _build_inspector(
    header: dict[str, Any], arrays: dict[str, Array], kind: type[Method]
) -> Inspector:
    """Return the inspector from the checked parts of a file of a method."""
    from goldensample.backbones.openvino import HINTS, OpenVINOBackbone, processor_has

    network = _pop_network(header["network"], arrays)
    names = sorted(name for name in arrays if name.startswith(SAMPLE))
    samples = tuple(arrays.pop(name) for name in names)
    calibrations = pop_calibrations(arrays)
    thumbnails = {n: arrays.pop(n) for n in list(arrays) if n.startswith(THUMBNAIL)}
    journal_arrays = pop_arrays(arrays)
    statistics = measures.pop_arrays(arrays)
    precision = convert(header["precision"], str, "precision")
    if precision in HINTS and not processor_has(precision):
        precision = "fp32"  # whose limits are in the file, too
    if not header["thresholds"].keys() <= HINTS.keys():
        raise ValueError(f"thresholds must be by precision; got {header['thresholds'].keys()}")
    method = build(kind, with_later_knobs(header["method"], header["knobs"]))
    preparation = build(Preparation, with_grey_range(header["preparation"]))
    check_method(method, preparation.zones)
    detector = method.restore(arrays)
    pictures = _training_pictures(header["pictures"], header.get("digests"), detector)
    pictures = _attach_thumbnails(pictures, thumbnails)
    inspector = Inspector(
        preparation=preparation,
        backbone=OpenVINOBackbone(network, precision=precision),
        method=method,
        detector=detector,
        thresholds={
            convert(name, str, "thresholds"): build(Threshold, limit)
            for name, limit in header["thresholds"].items()
        },
        pictures=pictures,
        samples=samples,
        calibrations=calibrations,
        habits=statistics,
        intake=build(Intake, header["intake"]) if "intake" in header else None,
    )
    inspector = attach_journal(inspector, header.get(JOURNAL), journal_arrays)
    return replace(inspector, hold_out=_hold_out(inspector, header.get("hold_out")))


def _hold_out(inspector: Inspector, entry: Any) -> HoldOut | None:
    """Return which pictures the fit held out; the header has an entry of whole groups alone."""
    if entry is not None:
        return build(HoldOut, entry)
    intake, journal = inspector.intake, inspector.journal
    fitted = journal.pictures(0) if journal else inspector.pictures
    count = intake.pictures - len(fitted) if intake else 0
    return HoldOut(count) if count > 0 else None


def _pop_network(values: Any, arrays: dict[str, Array]) -> Network:
    """Return the network from the header's values, and take its graphs out of the arrays."""
    graphs = {
        field: arrays.pop(name).tobytes() if name in arrays else b""
        for name, field in GRAPHS.items()
    }
    return build(Network, values, graphs)


def _training_pictures(
    entries: Any, digests: Any, detector: Detector
) -> tuple[TrainingPicture, ...]:
    """Return the pictures of the fit; the origin of every bank row must be one of them."""
    pictures = []
    known = convert([""] * len(entries) if digests is None else digests, tuple[str, ...], "digests")
    for (name, height, width, *values), digest in zip(entries, known, strict=True):
        pair = convert([name, [height, width]], tuple[str, tuple[int, int]], "pictures")
        moved = convert(values, tuple[float, float, float], "pictures") if values else None
        motion = Motion(*moved) if moved else None
        pictures.append(TrainingPicture(pair[0], pair[1], motion=motion, digest=digest))
    numbers = detector.origins[:, 0] if isinstance(detector, BankDetector) else np.empty(0)
    if (
        any(min(p.shape_hw) < 1 for p in pictures)
        or not np.isin(numbers, range(len(pictures))).all()
    ):
        raise ValueError("every bank row must come from one of the pictures")
    return tuple(pictures)


def _attach_thumbnails(
    pictures: tuple[TrainingPicture, ...], thumbnails: dict[str, Array]
) -> tuple[TrainingPicture, ...]:
    """Add thumbnails to pictures: JPEG files, under names that end in the picture's number."""
    illustrated = list(pictures)
    for name, file in thumbnails.items():
        number = name.removeprefix(THUMBNAIL)
        if (
            number not in map(str, range(len(illustrated)))
            or file.dtype != np.uint8
            or file.ndim != 1
        ):
            raise ValueError(f"a thumbnail must be bytes, of one of the pictures; got {number!r}")
        index = int(number)
        illustrated[index] = replace(illustrated[index], thumbnail=file.tobytes())
    return tuple(illustrated)

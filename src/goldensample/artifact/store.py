"""Keep inspectors in `.golden` files; see `container` for their form."""

from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.artifact.container import read_parts, write_parts
from goldensample.artifact.header import build, convert
from goldensample.artifact.journal_parts import JOURNAL, rejoin, take, to_parts
from goldensample.backbones.network import Network
from goldensample.drift import measures
from goldensample.errors import ArtifactError, WeightsError
from goldensample.fitting.zone_support import check_method
from goldensample.inspection.inspector import Inspector, TrainingPicture
from goldensample.methods.protocols import BankDetector, Detector
from goldensample.methods.registry import METHODS
from goldensample.preparation.motion import Motion
from goldensample.preparation.preparation import Preparation
from goldensample.records import Array, Calibration, Threshold

GRAPHS = {
    "network": "graph",
    "network_int8": "int8_graph",
    "network_int8_weights": "int8_weights",
}
"""The arrays that hold a network's bytes."""
SAMPLE = "sample"
"""What the names of the pictures kept for checks start with."""
CALIBRATION = "calibration/"
"""What the names of what limits rest on start with."""
PARTS = ("scores", "peaks")
THUMBNAIL = "thumbnail/"
"""What the names of small pictures to be shown start with; the picture's number follows."""


def save(inspector: Inspector, path: str | Path) -> None:
    """Write an inspector to a `.golden` file.

    Args:
        inspector: what to write; not changed.
        path: where; replaced as a whole if it exists.
    """
    arrays = dict(inspector.detector.arrays())
    network = inspector.backbone.network
    for name, field in GRAPHS.items():
        if part := getattr(network, field):
            arrays[name] = np.frombuffer(part, np.uint8)
    for precision, known in inspector.calibrations.items():
        arrays[f"{CALIBRATION}{precision}/scores"] = known.scores
        if known.peaks is not None:
            arrays[f"{CALIBRATION}{precision}/peaks"] = known.peaks
    for index, sample in enumerate(inspector.samples):
        arrays[f"{SAMPLE}{index}"] = sample
    for index, picture in enumerate(inspector.pictures):
        if picture.thumbnail:
            arrays[f"{THUMBNAIL}{index}"] = np.frombuffer(picture.thumbnail, np.uint8)
    if inspector.habits:
        arrays |= measures.to_parts(inspector.habits)
    header = _header(inspector)
    if inspector.journal:
        taught, more = to_parts(inspector.journal)
        header, arrays = header | taught, arrays | more
    write_parts(Path(path), header, arrays)


def _header(inspector: Inspector) -> dict[str, Any]:
    """Return the settings that a file carries, as plain JSON values."""
    network = asdict(inspector.backbone.network)
    for field in GRAPHS.values():
        del network[field]
    return {
        "network": network,
        "method": inspector.method_name,
        "knobs": asdict(inspector.method),
        "preparation": asdict(inspector.preparation),
        "precision": inspector.backbone.precision,
        "thresholds": {name: asdict(limit) for name, limit in inspector.thresholds.items()},
        "pictures": [_named(picture) for picture in inspector.pictures],
    }


def _named(picture: TrainingPicture) -> list[str | float]:
    """Return what the header says of a picture of the fit."""
    return [picture.name, *picture.shape_hw, *(astuple(picture.motion) if picture.motion else ())]


def load(path: str | Path) -> Inspector:
    """Read an inspector from a `.golden` file.

    Raises:
        ArtifactError: the file is missing, damaged, truncated, of an unknown version or holds a
            value that is not finite; the message names the part.
    """
    return assembled(Path(path).name, *read_parts(Path(path)))


def assembled(name: str, header: dict[str, Any], arrays: dict[str, Array]) -> Inspector:
    """Make the inspector from the checked parts of a file, and try it.

    Raises:
        ArtifactError: the parts do not fit each other.
    """
    try:
        inspector = _assemble(header, arrays)
        tried = _quick(inspector)
        # graph, bank and knobs must fit
        found = tried.inspect(np.zeros((*tried.preparation.canvas_hw, 3), np.uint8))
        for limit in inspector.thresholds.values():
            if (limit.pixel is None) != (found.heat_map is None):
                raise ValueError(f"a limit for pixels must go with a map; got {limit.pixel}")
    except (WeightsError, *MISFITS) as error:
        raise ArtifactError(
            f"{name}: its parts must fit each other; they do not ({error}); fit it anew"
        ) from error
    return inspector


def _quick(inspector: Inspector) -> Inspector:
    """Return an inspector of small pictures to try a file with, where large ones would take long.

    A bank has no places, so it can be tried on a canvas of any size; but without limits, as what is
    told of regions has places.
    """
    if inspector.preparation.mode != "native" or not isinstance(inspector.detector, BankDetector):
        return inspector
    side = 16 * inspector.backbone.network.stride
    preparation = Preparation((side, side), "native")
    return replace(inspector, preparation=preparation, thresholds={})


MISFITS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)
"""What parts that do not fit can raise, wherever it shows."""


def _assemble(header: dict[str, Any], arrays: dict[str, Array]) -> Inspector:
    """Make the inspector from a checked file's parts."""
    from goldensample.backbones.openvino import HINTS, OpenVINOBackbone, processor_has

    graphs = {
        field: arrays.pop(name).tobytes() if name in arrays else b""
        for name, field in GRAPHS.items()
    }
    network = build(Network, header["network"], graphs)
    kept = sorted(name for name in arrays if name.startswith(SAMPLE))
    samples = tuple(arrays.pop(name) for name in kept)
    calibrations = _calibrations(arrays)
    thumbnails = {n: arrays.pop(n) for n in list(arrays) if n.startswith(THUMBNAIL)}
    taught = take(arrays)
    known = measures.take(arrays)
    precision = convert(header["precision"], str, "precision")
    if precision in HINTS and not processor_has(precision):
        precision = "fp32"  # fitted on another processor; its limits are in the file, too
    if not header["thresholds"].keys() <= HINTS.keys():
        raise ValueError(f"thresholds must be by precision; got {header['thresholds'].keys()}")
    method = build(METHODS[header["method"]], header["knobs"])
    preparation = build(Preparation, header["preparation"])
    check_method(method, preparation.zones)
    detector = method.restore(arrays)
    pictures = _illustrated(_pictures(header["pictures"], detector), thumbnails)
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
        habits=known,
    )
    return rejoin(inspector, header.get(JOURNAL), taught)


def _pictures(named: Any, detector: Detector) -> tuple[TrainingPicture, ...]:
    """Return the pictures of the fit, which every bank row must come from."""
    pictures = []
    for name, height, width, *moved in named:
        own = convert([name, [height, width]], tuple[str, tuple[int, int]], "pictures")
        way = convert(moved, tuple[float, float, float], "pictures") if moved else None
        pictures.append(TrainingPicture(own[0], own[1], motion=Motion(*way) if way else None))
    numbers = detector.origins[:, 0] if isinstance(detector, BankDetector) else np.empty(0)
    if (
        any(min(p.shape_hw) < 1 for p in pictures)
        or not np.isin(numbers, range(len(pictures))).all()
    ):
        raise ValueError("every bank row must come from one of the pictures")
    return tuple(pictures)


def _illustrated(
    pictures: tuple[TrainingPicture, ...], thumbnails: dict[str, Array]
) -> tuple[TrainingPicture, ...]:
    """Give pictures their thumbnails: JPEG files, under names that end in the picture's number."""
    found = list(pictures)
    for name, file in thumbnails.items():
        number = name.removeprefix(THUMBNAIL)
        if number not in map(str, range(len(found))) or file.dtype != np.uint8 or file.ndim != 1:
            raise ValueError(f"a thumbnail must be bytes, of one of the pictures; got {number!r}")
        found[int(number)] = replace(found[int(number)], thumbnail=file.tobytes())
    return tuple(found)


def _calibrations(arrays: dict[str, Array]) -> dict[str, Calibration]:
    """Take what limits rest on out of the arrays, by precision."""
    names = {name.split("/")[1] for name in arrays if name.startswith(CALIBRATION)}
    taken = {n: arrays.pop(n) for n in list(arrays) if n.startswith(CALIBRATION)}
    found = {}
    for name in sorted(names):
        scores, peaks = (taken.pop(f"{CALIBRATION}{name}/{part}", None) for part in PARTS)
        if scores is None:
            raise ValueError(f"the calibration of {name} must have scores")
        found[name] = Calibration(scores, peaks)
    if taken:
        raise ValueError(f"calibrations must have scores and peaks; got {', '.join(taken)}")
    return found

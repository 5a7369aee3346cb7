"""The scores that limits rest on, as arrays of a `.golden` file."""

from collections.abc import Mapping

from goldensample.records import Array, Calibration

CALIBRATION = "calibration/"
"""Prefix of the names of the calibration arrays."""
PARTS = ("scores", "peaks", "opinions")


def to_arrays(calibrations: Mapping[str, Calibration]) -> dict[str, Array]:
    """Return the arrays of calibrations, by their names in a file."""
    return {
        f"{CALIBRATION}{precision}/{part}": values
        for precision, calibration in calibrations.items()
        for part in PARTS
        if (values := getattr(calibration, part)) is not None
    }


def pop_calibrations(arrays: dict[str, Array]) -> dict[str, Calibration]:
    """Remove the calibrations from a file's arrays and return them by precision."""
    names = {name.split("/")[1] for name in arrays if name.startswith(CALIBRATION)}
    parts = {n: arrays.pop(n) for n in list(arrays) if n.startswith(CALIBRATION)}
    calibrations = {}
    for name in sorted(names):
        scores, *others = (parts.pop(f"{CALIBRATION}{name}/{part}", None) for part in PARTS)
        if scores is None:
            raise ValueError(f"the calibration of {name} must have scores")
        calibrations[name] = Calibration(scores, *others)
    if parts:
        raise ValueError(f"calibrations must have {', '.join(PARTS)}; got {', '.join(parts)}")
    return calibrations

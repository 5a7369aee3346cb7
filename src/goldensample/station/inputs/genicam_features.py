"""Features of a GenICam camera: exposure, gain, pixel format, trigger, by their standard names."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from genicam.genapi import GenericException as FeatureError
from genicam.gentl import GenericException as TransportError

from goldensample.station.inputs.genicam_address import GenicamAddress

ERRORS = (FeatureError, TransportError)
FEATURES = {
    "exposure": (("ExposureTime", "ExposureTimeAbs"), "ExposureAuto"),
    "gain": (("Gain", "GainRaw"), "GainAuto"),
}
"""Names of a feature, the newest first, and what must be off to set it."""


def configure(nodes: Any, address: GenicamAddress) -> None:
    """Set what the address says; what it does not name stays as it is.

    Raises:
        ValueError: the camera lacks a feature, or refuses the value.
    """
    if address.pixel_format:
        write_feature(nodes, "pixel-format", ("PixelFormat",), address.pixel_format)
    for option, value in (("exposure", address.exposure_us), ("gain", address.gain)):
        if value is not None:
            names, automatic = FEATURES[option]
            if hasattr(nodes, automatic):
                write_feature(nodes, option, (automatic,), "Off")
            write_feature(nodes, option, names, value)
    if address.trigger:
        if hasattr(nodes, "TriggerSelector"):
            write_feature(nodes, "trigger", ("TriggerSelector",), "FrameStart")
        write_feature(nodes, "trigger", ("TriggerSource",), address.trigger)
        write_feature(nodes, "trigger", ("TriggerMode",), "On")
    elif hasattr(nodes, "TriggerMode"):
        write_feature(nodes, "trigger", ("TriggerMode",), "Off")


def write_feature(nodes: Any, option: str, names: Sequence[str], value: Any) -> None:
    """Write a feature under the first of its names that the camera has.

    Raises:
        ValueError: it has none, or refuses the value.
    """
    name = next((name for name in names if hasattr(nodes, name)), None)
    if name is None:
        raise ValueError(
            f"{option} must be a feature of the camera ({' or '.join(names)}); it has none; leave "
            f"{option} out"
        )
    node = getattr(nodes, name)
    try:
        node.value = int(value) if type(node).__name__ == "IInteger" else value
    except ERRORS as error:
        known = f"; it knows {', '.join(node.symbolics)}" if hasattr(node, "symbolics") else ""
        raise ValueError(
            f"{option} must be a value that the camera takes; {value} is none{known} "
            f"({words_of(error)})"
        ) from error


def read_feature(nodes: Any, *names: str) -> float | None:
    """Return the value of the first of some features that the camera has and can be read."""
    for name in names:
        with suppress(AttributeError, *ERRORS):
            return float(getattr(nodes, name).value)
    return None


def words_of(error: BaseException) -> str:
    """Return the first line of a library's message."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

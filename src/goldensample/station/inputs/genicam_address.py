"""Addresses of GenICam cameras, and where the drivers of their makers (producers) are."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

SCHEME = "genicam:"
FORM = "genicam:SERIAL?exposure=MICROSECONDS&gain=NUMBER&pixel-format=NAME&trigger=Line1|Software"
PRODUCERS = "GENICAM_GENTL64_PATH"
"""The variable that names the folders of producers, by the standard GenTL."""
SOFTWARE = "Software"


@dataclass(frozen=True, slots=True)
class GenicamAddress:
    """Which camera, and what is set in it.

    Args:
        serial: serial number, id or name of its user; "" for the only camera.
        exposure_us: time of exposure in microseconds; None leaves the camera's own.
        gain: in the camera's unit; None leaves its own.
        pixel_format: one of `pixel_formats.FORMATS`; None leaves its own.
        trigger: what starts a frame: "Software", or a line such as "Line1"; None runs freely.
    """

    serial: str
    exposure_us: float | None = None
    gain: float | None = None
    pixel_format: str | None = None
    trigger: str | None = None

    @property
    def has_line(self) -> bool:
        """Whether a signal at the camera itself starts each frame."""
        return self.trigger not in (None, SOFTWARE)


def parse_genicam(url: str) -> GenicamAddress:
    """Parse the address of a GenICam camera.

    Raises:
        ValueError: it is not of that form.
    """
    serial, _, query = url.removeprefix(SCHEME).partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        options = dict(pairs)
        unknown = set(options) - {"exposure", "gain", "pixel-format", "trigger"}
        if unknown or len(pairs) != len(options) or "" in options.values():
            raise ValueError(f"{', '.join(sorted(unknown)) or 'an empty or double option'}")
        return GenicamAddress(
            unquote(serial),
            float(options["exposure"]) if "exposure" in options else None,
            float(options["gain"]) if "gain" in options else None,
            options.get("pixel-format"),
            options.get("trigger"),
        )
    except ValueError as error:
        raise ValueError(f"--camera must be {FORM}; got {url!r} ({error})") from error


def find_producers(given: Sequence[Path] = ()) -> list[Path]:
    """Return the files of producers: those given, else those in the folders of PRODUCERS."""
    if given:
        return list(given)
    folders = [Path(name) for name in os.environ.get(PRODUCERS, "").split(os.pathsep) if name]
    return sorted(file for folder in folders for file in folder.glob("*.cti"))

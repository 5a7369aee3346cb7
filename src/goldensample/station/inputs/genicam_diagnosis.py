"""What keeps a GenICam camera from giving a picture: each step on the way to a frame."""

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldensample.images.codec import encode_png
from goldensample.locales.language import gettext, mark
from goldensample.locales.unmarked import translated
from goldensample.station.inputs.frame import DamagedFrame
from goldensample.station.inputs.genicam import GenicamCamera
from goldensample.station.inputs.genicam_address import (
    PRODUCERS,
    SCHEME,
    find_producers,
    parse_genicam,
)
from goldensample.station.inputs.genicam_device import DeviceError, describe, open_producers
from goldensample.storage.atomic import write_atomic

ACCESS = {
    1: mark("free"),
    2: mark("free"),
    3: mark("only to be read"),
    4: mark("used by another program"),
    5: mark("busy"),
}
"""What the standard GenTL numbers; 2 is what others may read meanwhile."""
UNKNOWN = mark("state unknown")
FACTS = {
    "frame": mark("frame %(value)s"),
    "timestamp_ns": mark("time %(value)s ns"),
    "exposure_us": mark("exposure %(value)s µs"),
    "gain": mark("gain %(value)s"),
    "pixel_format": mark("pixel format %(value)s"),
}
"""What is told of a frame."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step on the way to a frame.

    Args:
        name: what was looked at, in English.
        passed: whether it succeeded; later steps need it.
        text: what was found, in the language in use.
        remedy: what to do where it failed, so too.
    """

    name: str
    passed: bool
    text: str
    remedy: str = ""


def diagnose(
    url: str, given: Sequence[Path], output: Path | None, is_named: bool
) -> Iterator[Step]:
    """Give each step up to the first that fails.

    Args:
        url: of the camera, see `parse_genicam`; without a serial number for all.
        given: files of drivers; none for those that are installed.
        output: where a frame is kept, or None.
        is_named: whether one camera was asked for: a frame is taken of it, else of each.

    Raises:
        ValueError: the URL is invalid.
    """
    parse_genicam(url)
    producers = find_producers(given)
    if not producers:
        value = os.environ.get(PRODUCERS, "")
        text = gettext("%(variable)s is not set")
        if value:
            text = gettext("no .cti file: %(variable)s is '%(value)s'")
        text %= {"variable": PRODUCERS, "value": value}
        remedy = gettext("install the camera maker's software, or --producer FILE")
        yield Step(mark("driver"), False, text, remedy)
        return
    yield Step("driver", True, ", ".join(str(path) for path in producers))
    try:
        with open_producers(producers) as harvester:
            found = [(describe(one), one.access_status) for one in harvester.device_info_list]
    except DeviceError as error:
        remedy = gettext("is it of this machine's kind, and all its parts?")
        yield Step(mark("loads"), False, translated(str(error)), remedy)
        return
    yield Step("loads", True, gettext("every driver can be used"))
    if not found:
        remedy = gettext(
            "power, cable and address of the camera; is this program let through the firewall?"
        )
        yield Step(mark("devices"), False, gettext("none"), remedy)
        return
    for about, access in found:
        state = gettext(ACCESS.get(access, UNKNOWN))
        text = f"{_url(about)}: {about['vendor']} {about['model']}, {about['tl_type']}, {state}"
        yield Step(mark("device"), True, text)
    urls = [url] if is_named else [_url(about) for about, _ in found]
    for one in urls:
        yield frame_step(one, producers, output)


def frame_step(url: str, producers: Sequence[Path], output: Path | None) -> Step:
    """Take a frame."""
    stop = threading.Event()
    try:
        camera = GenicamCamera(url, 0.001, stop, producers)
        frame = next(iter(camera))
    except (OSError, ValueError) as error:
        remedy = gettext("close other programs; look at the options")
        return Step(mark("frame"), False, f"{url}: {translated(str(error))}", remedy)
    finally:
        stop.set()
    if isinstance(frame, DamagedFrame):
        remedy = gettext("a larger packet size (jumbo frames), another cable or port")
        return Step("frame", False, f"{url}: {translated(gettext(frame.reason))}", remedy)
    if output is not None:
        write_atomic(output, encode_png(frame.pixels))
    height, width = frame.pixels.shape[:2]
    size = gettext("%(rows)s rows, %(columns)s columns") % {"rows": height, "columns": width}
    facts = [
        gettext(FACTS[name]) % {"value": value}
        for name, value in frame.facts.items()
        if name in FACTS
    ]
    kept = [gettext("kept as %(file)s") % {"file": output}] if output else []
    return Step("frame", True, f"{url}: {', '.join([size, *facts, *kept])}")


def _url(about: dict[str, str]) -> str:
    return SCHEME + (about["serial_number"] or about["id"])

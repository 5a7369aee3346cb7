"""What keeps a GenICam camera from giving a picture: each step on the way to a frame."""

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldensample.images.codec import encode_png
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

ACCESS = {1: "free", 2: "free", 3: "only to be read", 4: "used by another program", 5: "busy"}
"""What the standard GenTL numbers; 2 is what others may read meanwhile."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step on the way to a frame.

    Args:
        name: what was looked at.
        passed: whether it succeeded; later steps need it.
        text: what was found.
        remedy: what to do where it failed.
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
        text = f"no .cti file: {PRODUCERS} is {value!r}" if value else f"{PRODUCERS} is not set"
        yield Step("driver", False, text, "install the camera maker's software, or --producer FILE")
        return
    yield Step("driver", True, ", ".join(str(path) for path in producers))
    try:
        with open_producers(producers) as harvester:
            found = [(describe(one), one.access_status) for one in harvester.device_info_list]
    except DeviceError as error:
        yield Step("loads", False, str(error), "is it of this machine's kind, and all its parts?")
        return
    yield Step("loads", True, "every driver can be used")
    if not found:
        remedy = "power, cable and address of the camera; is this program let through the firewall?"
        yield Step("devices", False, "none", remedy)
        return
    for about, access in found:
        serial = about["serial_number"] or about["id"]
        text = f"{SCHEME}{serial}: {about['vendor']} {about['model']}, {about['tl_type']}"
        yield Step("device", True, f"{text}, {ACCESS.get(access, 'state unknown')}")
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
        return Step("frame", False, f"{url}: {error}", "close other programs; look at the options")
    finally:
        stop.set()
    if isinstance(frame, DamagedFrame):
        remedy = "a larger packet size (jumbo frames), another cable or port"
        return Step("frame", False, f"{url}: {frame.reason}", remedy)
    if output is not None:
        write_atomic(output, encode_png(frame.pixels))
    height, width = frame.pixels.shape[:2]
    facts = ", ".join(f"{name} {value}" for name, value in frame.facts.items() if name != "camera")
    kept = f", kept as {output}" if output else ""
    return Step("frame", True, f"{url}: {height} rows, {width} columns, {facts}{kept}")


def _url(about: dict[str, str]) -> str:
    return SCHEME + (about["serial_number"] or about["id"])

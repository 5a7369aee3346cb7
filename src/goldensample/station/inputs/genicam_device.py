"""One GenICam camera of this process, by the driver of its maker.

A process must open one camera at most: the library lists no device a second time, and looking for
devices again takes away those that are open.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harvesters.core import Callback, Harvester
from harvesters.util.pfnc import dict_by_ints

from goldensample.images.pixel_formats import decode_pixels
from goldensample.locales.language import mark
from goldensample.records import Array
from goldensample.station.inputs.genicam_address import PRODUCERS, SOFTWARE, GenicamAddress
from goldensample.station.inputs.genicam_features import (
    ERRORS,
    FEATURES,
    configure,
    read_feature,
    words_of,
)

NAMES = ("serial_number", "id_", "user_defined_name")
for _name in ("harvesters", "harvesters.core", "genicam"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)  # we say what is wrong


class DeviceError(OSError):
    """A camera, or the driver of its maker, cannot be used."""


@contextmanager
def open_producers(paths: Sequence[Path]) -> Iterator[Harvester]:
    """Load producers and look for devices.

    Raises:
        DeviceError: there is none, or one cannot be loaded.
    """
    if not paths:
        raise DeviceError(
            f"a GenICam camera must have the driver of its maker, a .cti file; {PRODUCERS} names "
            "no folder with one; install the maker's software, or give --producer FILE"
        )
    harvester = Harvester()
    try:
        for path in paths:
            if not path.is_file():
                raise DeviceError(f"--producer must be a .cti file; {path} is none")
            harvester.add_file(str(path), check_existence=True, check_validity=True)
        harvester.update()
        yield harvester
    except OSError as error:  # `check_validity` loads it
        if isinstance(error, DeviceError):
            raise
        raise DeviceError(f"a driver cannot be loaded: {error}") from error
    finally:
        harvester.reset()


def describe(device: Any) -> dict[str, str]:
    """Return what a device says of itself."""
    about = device.property_dict  # what a producer lacks is None here
    names = ("id_", "vendor", "model", "serial_number", "user_defined_name", "tl_type")
    return {name.rstrip("_"): str(about.get(name) or "") for name in names}


class Device:
    """An open camera that takes frames.

    Args:
        harvester: with the devices.
        address: which camera, and what is set in it.

    Raises:
        DeviceError: there is no such camera, or others use it.
        ValueError: it lacks a feature that is to be set, or refuses the value.
    """

    def __init__(self, harvester: Harvester, address: GenicamAddress) -> None:
        self._address, self._incomplete = address, 0
        info = _choose(harvester, address.serial)
        try:
            self._camera = harvester.create(info)
        except ERRORS as error:
            raise DeviceError(
                f"the camera {address.serial} must be free; it cannot be opened "
                f"({words_of(error)}); close other programs that use it"
            ) from error
        self._nodes = self._camera.remote_device.node_map
        self.about = describe(info)
        self._camera.add_callback(self._camera.Events.INCOMPLETE_BUFFER, _Counter(self))
        configure(self._nodes, address)
        self._camera.start()

    def trigger(self) -> None:
        """Have the camera take a frame now, where its trigger is the software."""
        if self._address.trigger == SOFTWARE:
            self._nodes.TriggerSoftware.execute()

    def note_incomplete(self) -> None:
        """Count a buffer that did not arrive whole."""
        self._incomplete += 1

    def fetch(self, timeout_s: float) -> tuple[Array, dict[str, Any]] | str | None:
        """Return the next frame's pixels and facts, why it is not whole, or None without any.

        Raises:
            DeviceError: the camera is away.
            ImageError: its pixel format cannot be read.
        """
        seen, end = self._incomplete, time.monotonic() + timeout_s
        try:
            while (buffer := self._camera.try_fetch(timeout=0.05, is_raw=True)) is None:
                if self._incomplete > seen:
                    return mark("a part of it is missing")
                if time.monotonic() > end:
                    return None
            try:
                return self._decode(buffer)
            finally:
                buffer.parent.queue_buffer(buffer)
        except ERRORS as error:
            raise DeviceError(f"the camera is away: {words_of(error)}") from error

    def close(self) -> None:
        """Stop, and let others use the camera."""
        with suppress(*ERRORS):
            self._camera.destroy()

    def _decode(self, buffer: Any) -> tuple[Array, dict[str, Any]]:
        """Return pixels and facts of a buffer."""
        height = _of(buffer, "height") or self._nodes.Height.value
        width = _of(buffer, "width") or self._nodes.Width.value
        number = _of(buffer, "pixel_format")
        name = dict_by_ints.get(number) if number else self._nodes.PixelFormat.value
        start, pad = _of(buffer, "image_offset") or 0, _of(buffer, "padding_x") or 0
        data = bytes(buffer.raw_buffer[start:])
        pixels = decode_pixels(data, name or f"number {number:#x}", height, width, pad)
        facts = {
            "camera": self.about["serial_number"] or self.about["id"],
            "frame": _of(buffer, "frame_id"),
            "timestamp_ns": _of(buffer, "timestamp_ns"),
            "exposure_us": read_feature(self._nodes, "ChunkExposureTime", *FEATURES["exposure"][0]),
            "gain": read_feature(self._nodes, "ChunkGain", *FEATURES["gain"][0]),
            "pixel_format": name,
        }
        return pixels, {key: value for key, value in facts.items() if value is not None}


class _Counter(Callback):  # type: ignore[misc]
    """Counts incomplete buffers, as the library calls it."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def emit(self, context: Any = None) -> None:
        """Count one."""
        self._device.note_incomplete()


def _choose(harvester: Harvester, serial: str) -> Any:
    """Return the device of a serial number, id or name.

    Raises:
        DeviceError: there is none, or none is named and there are several.
    """
    found = harvester.device_info_list
    chosen = [one for one in found if serial in [one.property_dict.get(name) for name in NAMES]]
    chosen = chosen if serial else list(found)
    if len(chosen) != 1:
        names = ", ".join(describe(one)["serial_number"] or one.id_ for one in found) or "none"
        raise DeviceError(
            f"genicam: must name one camera by its serial number ({names}); it names "
            f"{serial or 'none'}; golden cameras lists them"
        )
    return chosen[0]


def _of(buffer: Any, name: str) -> int | None:
    """Return what a buffer says of itself, or None where its producer does not know."""
    with suppress(*ERRORS):
        return int(getattr(buffer, name))
    return None

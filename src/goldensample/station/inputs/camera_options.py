"""Cameras as the command line gives them: product, name, address, options of FFmpeg."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from goldensample.station.inputs.camera_source import CameraSource
from goldensample.station.inputs.ffmpeg_options import is_option

_LABEL = re.compile(r"(?:([^/=:]+)/)?([^/=:]+)=(.+)", re.DOTALL)
_OPTION = re.compile(r"(?:([^=:]+):)?([A-Za-z0-9_.-]+)=(.*)", re.DOTALL)


def parse_camera(argument: str, products: Collection[str]) -> tuple[str, CameraSource]:
    """Return the product's key and the source of `[PRODUCT=|NAME=|PRODUCT/NAME=]URL`.

    Args:
        argument: of --camera. What is the name of a file is a file.
        products: keys of the station's products.

    Raises:
        ValueError: the product is unknown, or there are several and none is named.
    """
    match = None if Path(argument).exists() else _LABEL.fullmatch(argument)
    key, name, url = match.groups() if match else (None, "", argument)
    if key is None and name in products:
        key, name = name, ""
    if key is None and len(products) == 1:
        [key] = products
    if key not in products or key is None:
        names = ", ".join(products) or "none"
        raise ValueError(
            f"--camera must name one of the products ({names}) as PRODUCT=URL or PRODUCT/NAME=URL; "
            f"it names {name or key or 'none'}"
        )
    return key, CameraSource(url, name)


def parse_camera_options(
    arguments: Sequence[str], cameras: Collection[str]
) -> dict[str, dict[str, str]]:
    """Return the options of FFmpeg of each camera by its name, from `[NAME:]KEY=VALUE`.

    Raises:
        ValueError: one is none, FFmpeg has no such option, or no camera has that name.
    """
    options: dict[str, dict[str, str]] = {name: {} for name in cameras}
    for argument in arguments:
        match = _OPTION.fullmatch(argument)
        if not match:
            raise ValueError(f"--camera-option must be KEY=VALUE or NAME:KEY=VALUE; {argument!r}")
        camera, key, value = match.groups()
        if camera and camera not in cameras:
            names = ", ".join(filter(None, cameras)) or "none has a name"
            raise ValueError(f"--camera-option must name a camera ({names}); {camera} is none")
        if not is_option(key):
            raise ValueError(
                f"--camera-option must be an option of FFmpeg; {key} is none; look it up in the "
                "documentation of FFmpeg's formats, protocols and devices"
            )
        for name in [camera] if camera else cameras:
            options[name][key] = value
    return options

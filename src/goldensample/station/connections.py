"""Inputs and outputs of a station, from the options of the command line."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from goldensample.parts.codes import check_installed
from goldensample.parts.grouping import DEFAULT_PATTERN
from goldensample.station.inputs.folder_target import FolderTarget, SinglePictures
from goldensample.station.inputs.part_folder import PART_WAIT_S, PartFolder
from goldensample.station.inputs.watched_folder import FolderWatch
from goldensample.station.outputs.connect import (
    OutputOptions,
    connect_outputs,
    connect_triggers,
)
from goldensample.station.station import Station


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Options of inputs and outputs; none by default.

    Args:
        watch: DIR, PRODUCT=DIR or PART=DIR.
        name_pattern: of the names of pictures of parts of several views in a folder.
        read_codes: PRODUCT or PART/VIEW, whose pictures show a code with the serial number.
        part_wait_s: seconds until a part of a folder is answered without what is missing.
        cameras: URL, PRODUCT=URL, NAME=URL or PRODUCT/NAME=URL.
        camera_options: of FFmpeg, KEY=VALUE or NAME:KEY=VALUE.
        producers: files of drivers of GenICam cameras; none for those that are installed.
        every_s: seconds between two frames of a camera; 0 for triggers alone.
        outputs: where verdicts go.
    """

    watch: Sequence[str] = ()
    name_pattern: str = DEFAULT_PATTERN
    part_wait_s: float = PART_WAIT_S
    read_codes: Sequence[str] = ()
    cameras: Sequence[str] = ()
    camera_options: Sequence[str] = ()
    producers: Sequence[Path] = ()
    every_s: float = 1.0
    outputs: OutputOptions = field(default_factory=OutputOptions)


def connect(station: Station, connections: Connections) -> None:
    """Add inputs and outputs to a station: outputs first, so that they miss no verdict.

    Raises:
        ValueError: a name or address is invalid, or a library is not installed.
        ImageError: a folder to watch does not exist.
        ArtifactError: an OPC UA server cannot listen.
    """

    connect_outputs(station, connections.outputs)
    station.answer_interrupted()
    station.read_codes |= {product_with_code(station, name) for name in connections.read_codes}
    watches = [split_watch(station, argument, connections) for argument in connections.watch]
    check_disjoint([folder for _, folder in watches])
    for target, folder in watches:
        station.add_input(FolderWatch(station, target, folder))
    connect_cameras(station, connections)
    connect_triggers(station, connections.outputs)


def connect_cameras(station: Station, connections: Connections) -> None:
    """Add cameras to a station.

    Raises:
        ValueError: a name, an option or the interval is invalid.
    """
    if not connections.cameras and not connections.camera_options:
        return
    from goldensample.station.inputs.camera import Camera
    from goldensample.station.inputs.camera_options import parse_camera, parse_camera_options
    from goldensample.station.inputs.part_cameras import connect_part_cameras

    keys = [one.key for one in (*station.products, *station.parts)]
    cameras = [parse_camera(argument, keys) for argument in connections.cameras]
    names = [source.name for _, source in cameras]
    options = parse_camera_options(connections.camera_options, names)
    sources = [
        (key, replace(source, options=options[source.name], producers=connections.producers))
        for key, source in cameras
    ]
    for key, source in sources:
        if product := station.products.get(key):
            station.add_input(Camera(station, product, source, connections.every_s))
    for part in station.parts:
        if of_part := [source for key, source in sources if key == part.key]:
            connect_part_cameras(station, part, of_part, connections.every_s)


def check_disjoint(folders: Sequence[Path]) -> None:
    """Refuse overlapping folders: each file is inspected once, so by one product only.

    Raises:
        ValueError: two are the same, or one contains another.
    """
    resolved = [folder.resolve() for folder in folders]
    for index, folder in enumerate(resolved):
        if any(
            folder.is_relative_to(other) or other.is_relative_to(folder)
            for other in resolved[:index]
        ):
            raise ValueError(
                f"--watch must name folders apart from each other, as each file is judged once; "
                f"{folders[index]} is there twice, or lies in another or around it"
            )


def product_with_code(station: Station, name: str) -> str:
    """Return the key of the product of PRODUCT or PART/VIEW in whose pictures codes are read.

    Raises:
        ValueError: there is none.
        GoldenError: codes cannot be read here.
    """
    part, _, view = name.partition("/")
    target = station.parts.get(part)
    key = target.products[view].key if target and view in target.names else name
    if station.products.get(key) is None:
        names = [f"{one.key}/{view}" for one in station.parts for view in one.names]
        names = names or [product.key for product in station.products]
        raise ValueError(
            f"--read-code must name a view of a part or a product ({', '.join(names) or 'none'}); "
            f"got {name!r}"
        )
    check_installed()
    return key


def split_watch(
    station: Station, argument: str, connections: Connections
) -> tuple[FolderTarget, Path]:
    """Split PRODUCT=DIR or PART=DIR; the name may be left out where there is one product only.

    Raises:
        ValueError: there is no such product, or there are several and none is named; or the name
            pattern or waiting time of parts is none.
    """
    key, equals, folder = argument.partition("=")
    if equals and (part := station.parts.get(key)):
        pattern, wait_s = connections.name_pattern, connections.part_wait_s
        return PartFolder(station, part, pattern, wait_s), Path(folder)
    if equals and (product := station.products.get(key)):
        return SinglePictures(station, product), Path(folder)
    products = list(station.products)
    if len(products) == 1:
        return SinglePictures(station, products[0]), Path(argument)
    names = ", ".join(one.key for one in (*station.parts, *products)) or "none"
    raise ValueError(
        f"--watch must name one of the products ({names}) as PRODUCT=...; got {argument!r}"
    )

"""What a station is connected to, from the words of the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from goldensample.station.inputs.watched_folder import FolderWatch
from goldensample.station.outputs.outputs import Mqtt, Webhook
from goldensample.station.products.products import Product
from goldensample.station.station import Station


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Where pictures come from and verdicts go; nothing by default.

    Args:
        watch: DIR or PRODUCT=DIR.
        cameras: URL or PRODUCT=URL.
        every_s: seconds between two frames of a camera.
        webhook: URL that each verdict is posted to.
        mqtt: broker that each verdict is published to.
        opcua: endpoint of a server for the last verdicts.
    """

    watch: Sequence[str] = ()
    cameras: Sequence[str] = ()
    every_s: float = 1.0
    webhook: str | None = None
    mqtt: str | None = None
    opcua: str | None = None


def connect(station: Station, asked: Connections) -> None:
    """Connect a station: where verdicts go first, so that none is missed.

    Raises:
        ValueError: a name or address is wrong, or a library is not installed.
        ImageError: a folder to watch is not there.
        ArtifactError: an OPC UA server cannot listen.
    """
    trouble = partial(station.note, "", "", "output", None)
    if asked.webhook:
        station.tell(Webhook(asked.webhook, trouble))
    if asked.mqtt:
        station.tell(Mqtt(asked.mqtt, trouble))
    if asked.opcua:
        from goldensample.station.outputs.opcua import OpcUa

        station.tell(OpcUa(asked.opcua, [product.key for product in station.products]))
    watched = [split(station, words, "--watch") for words in asked.watch]
    check_apart([Path(folder) for _, folder in watched])
    for product, folder in watched:
        station.feed(FolderWatch(station, product, Path(folder)))
    for words in asked.cameras:
        from goldensample.station.inputs.camera import Camera

        product, url = split(station, words, "--camera")
        station.feed(Camera(station, product, url, asked.every_s))


def check_apart(folders: Sequence[Path]) -> None:
    """Refuse folders that hold the same files: each file is judged once, so by one product alone.

    Raises:
        ValueError: two are the same, or one lies in another.
    """
    real = [folder.resolve() for folder in folders]
    for number, one in enumerate(real):
        if any(one.is_relative_to(other) or other.is_relative_to(one) for other in real[:number]):
            raise ValueError(
                f"--watch must name folders apart from each other, as each file is judged once; "
                f"{folders[number]} is there twice, or lies in another or around it"
            )


def split(station: Station, words: str, option: str) -> tuple[Product, str]:
    """Return the product and the rest of PRODUCT=REST; with one product its name may be left out.

    Raises:
        ValueError: there is no such product, or several and none is named.
    """
    key, equals, rest = words.partition("=")
    product = station.products.get(key) if equals else None
    if product is not None:
        return product, rest
    products = list(station.products)
    if len(products) == 1:
        return products[0], words
    names = ", ".join(one.key for one in products) or "none"
    raise ValueError(
        f"{option} must name one of the products ({names}) as PRODUCT=...; got {words!r}"
    )

"""Outputs of a station, from the options of the command line."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

from goldensample.station.outputs.courier import Courier, OutboxLimits
from goldensample.station.outputs.receiver import Receiver
from goldensample.station.outputs.webhook import Webhook
from goldensample.station.station import Station
from goldensample.station.troubles import JournalLine

OPTION = {"webhook": "--webhook", "mqtt": "--mqtt"}
NAMES = {"webhook": "web server", "mqtt": "MQTT broker"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """Options of outputs; none by default.

    Args:
        webhook: URL that each verdict is posted to.
        limits: of verdicts that wait for a web server or broker.
        mqtt: broker that each verdict is published to.
        mqtt_client_id: name of the station at the broker; None for one made of machine and folder.
        mqtt_expiry_s: seconds after which the broker forgets a verdict; None for never.
        mqtt_ca: file of certificates that the broker's must be signed by; None for the system's.
        mqtt_certificate: file of the station's certificate for the broker.
        mqtt_key: file of its key, unless the same file has it.
        opcua: endpoint of a server for the last verdicts.
        opcua_encrypt: offer that server with Basic256Sha256 alone.
        opcua_users: password by name of its users; empty lets everybody read.
    """

    webhook: str | None = None
    limits: OutboxLimits = field(default_factory=OutboxLimits)
    mqtt: str | None = None
    mqtt_client_id: str | None = None
    mqtt_expiry_s: int | None = None
    mqtt_ca: Path | None = None
    mqtt_certificate: Path | None = None
    mqtt_key: Path | None = None
    opcua: str | None = None
    opcua_encrypt: bool = False
    opcua_users: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        files = (self.mqtt_ca, self.mqtt_certificate, self.mqtt_key)
        given = (self.mqtt_client_id, self.mqtt_expiry_s, *files)
        if self.mqtt is None and any(value is not None for value in given):
            raise ValueError("options of --mqtt must go with it; give --mqtt, too")
        if self.opcua is None and (self.opcua_encrypt or self.opcua_users):
            raise ValueError("options of --opcua must go with it; give --opcua, too")


def connect_outputs(station: Station, options: OutputOptions) -> None:
    """Add outputs to a station.

    Raises:
        ValueError: an address or option is invalid, or a library is not installed.
        ArtifactError: an OPC UA server cannot listen.
    """
    if options.webhook:
        _add_courier(station, Webhook(options.webhook), options.limits)
    if options.mqtt:
        from goldensample.station.outputs.mqtt import Mqtt
        from goldensample.station.outputs.mqtt_options import MqttOptions

        mqtt_options = MqttOptions(
            client_id=options.mqtt_client_id or default_client_id(station.settings.folder),
            expiry_s=options.mqtt_expiry_s,
            ca=options.mqtt_ca,
            certificate=options.mqtt_certificate,
            key=options.mqtt_key,
        )
        products = [product.key for product in station.products]
        _add_courier(station, Mqtt(options.mqtt, mqtt_options, products), options.limits)
    if options.opcua:
        from goldensample.station.outputs.opcua import OpcUa
        from goldensample.station.outputs.opcua_security import OpcUaSecurity

        folder = station.settings.folder / "opcua" if options.opcua_encrypt else None
        security = OpcUaSecurity(folder=folder, users=options.opcua_users)
        products = [product.key for product in station.products]
        station.add_output(OpcUa(options.opcua, security, products, station.ledger.get))
    _tell_of_unnamed(station, options)


def default_client_id(folder: Path) -> str:
    """Return the name of a station at a broker: that of its last run, and of no other station.

    A broker that still holds the connection of a killed run ends that one first, so its last will
    cannot come after the new run's "online".
    """
    place = f"{socket.gethostname()}:{folder.absolute()}"
    return f"golden-{sha256(place.encode()).hexdigest()[:12]}"


def _add_courier(station: Station, receiver: Receiver, limits: OutboxLimits) -> None:
    """Add an output that delivers what waits in the outbox."""
    add = partial(station.log_change, "", "", "output", None)
    name = f"{NAMES[receiver.kind]} {receiver.name}"
    station.add_output(
        Courier(
            receiver,
            station.ledger.outbox,
            limits,
            trouble=station.trouble(name),
            refusals=station.trouble(name),
            dropped=JournalLine(add, station.amend_change),
        )
    )


def _tell_of_unnamed(station: Station, options: OutputOptions) -> None:
    """Tell of verdicts that wait for an output which is not named this time."""
    for kind, option in OPTION.items():
        if getattr(options, kind) is None and (count := sum(station.ledger.outbox.count(kind))):
            verdicts = "1 verdict waits" if count == 1 else f"{count:,} verdicts wait"
            message = f"{verdicts} for a {NAMES[kind]}, and none is named; give {option} to send"
            JournalLine(
                partial(station.log_change, "", "", "output", None), station.amend_change
            ).write(message)

"""Outputs of a station, from the options of the command line."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from goldensample.station.outputs.courier import Courier, OutboxLimits
from goldensample.station.outputs.receiver import Receiver
from goldensample.station.outputs.webhook import Webhook
from goldensample.station.station import Station
from goldensample.station.troubles import JournalLine

if TYPE_CHECKING:
    from goldensample.station.outputs.mqtt_options import MqttOptions

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
        modbus: where a Modbus server listens.
        s7: controller and data block that the last verdict is written to.
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
    modbus: str | None = None
    s7: str | None = None
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

        mqtt = Mqtt(options.mqtt, _mqtt_options(station, options), station.answered_keys)
        _add_courier(station, mqtt, options.limits)
    _connect_controllers(station, options)
    _tell_of_unnamed(station, options)


def _mqtt_options(station: Station, options: OutputOptions) -> "MqttOptions":
    """Return the options of a connection to a broker."""
    from goldensample.station.outputs.mqtt_options import MqttOptions

    return MqttOptions(
        client_id=options.mqtt_client_id or default_client_id(station.settings.folder),
        expiry_s=options.mqtt_expiry_s,
        ca=options.mqtt_ca,
        certificate=options.mqtt_certificate,
        key=options.mqtt_key,
    )


def connect_triggers(station: Station, options: OutputOptions) -> None:
    """Have a broker's messages trigger the cameras, which are there already.

    Raises:
        ValueError: a camera's name cannot be part of a topic.
    """
    if options.mqtt and station.triggers.cameras:
        from goldensample.station.outputs.mqtt_triggers import MqttTriggers

        trouble = station.trouble(f"MQTT broker {_shown(options.mqtt)}", action="camera")
        mqtt_options = _mqtt_options(station, options)
        station.add_input(MqttTriggers(options.mqtt, mqtt_options, station.triggers, trouble))


def _connect_controllers(station: Station, options: OutputOptions) -> None:
    """Add outputs that controllers read.

    Raises:
        ValueError: an address is invalid, or a library is not installed.
        ArtifactError: a server cannot listen.
    """
    if options.modbus:
        _check_extra("pymodbus", "--modbus")
        from goldensample.station.outputs.modbus import Modbus

        image, triggers = station.image, station.triggers
        station.add_output(Modbus(options.modbus, image, triggers, lambda: station.answered_keys))
    if options.s7:
        _check_extra("snap7", "--s7")
        from goldensample.station.outputs.s7 import S7

        trouble = station.trouble(f"S7 controller {_shown(options.s7)}")
        station.add_output(S7(options.s7, station.image, station.triggers, trouble))
    if options.opcua:
        from goldensample.station.outputs.opcua import OpcUa
        from goldensample.station.outputs.opcua_security import OpcUaSecurity

        folder = station.settings.folder / "opcua" if options.opcua_encrypt else None
        security = OpcUaSecurity(folder=folder, users=options.opcua_users)
        find, image, triggers = station.ledger.get_answer, station.image, station.triggers
        keys = station.answered_keys
        station.add_output(OpcUa(options.opcua, security, keys, find, image, triggers))


def _check_extra(module: str, option: str) -> None:
    """Refuse an option whose library is not installed.

    Raises:
        ValueError: it is not.
    """
    if find_spec(module) is None:
        raise ValueError(
            f"{option} must have the extra [plc]; {module} is not installed; "
            'pip install "goldensample[plc]"'
        )


def _shown(url: str) -> str:
    """Return the host of an address."""
    return urlsplit(url).hostname or ""


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

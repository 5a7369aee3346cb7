"""Options of `golden serve` on where verdicts go."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from goldensample.station.outputs.courier import OutboxLimits

WebhookUrl = Annotated[str | None, typer.Option(metavar="URL", help="Post each verdict there.")]
MqttUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Publish each verdict there: mqtt://host:port/topic."),
]
MqttClientId = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Name at the broker. \\[default: one of this machine and folder]"
    ),
]
MqttExpiry = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="SECONDS", help="Have the broker forget a verdict that old (MQTT 5)."
    ),
]
MqttCa = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Certificates (PEM) that the broker's must be signed by."),
]
MqttCert = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The station's certificate (PEM) there.")
]
MqttKey = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Its key (PEM), unless that file has it.")
]
ModbusUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Offer the last verdicts to controllers there: modbus://host:port."
    ),
]
S7Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Write the last verdict into a data block: s7://host/DB10?rack=0&slot=1.",
    ),
]
OpcUaUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Offer the last verdicts there: opc.tcp://host:port."),
]
OpcUaEncrypt = Annotated[
    bool,
    typer.Option(
        "--opcua-encrypt",
        help="Encrypted alone (Basic256Sha256), with a certificate made in the folder.",
    ),
]
OpcUaUser = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME:SECRET",
        help="Who may read there, or a file of such lines; again for more. \\[default: everybody]",
    ),
]
OutboxLimit = Annotated[
    int,
    typer.Option(help="Verdicts kept for a web server or broker that is away; the oldest go."),
]
OutboxDays = Annotated[float, typer.Option(help="Days that they are kept at most.")]


def outbox_limits(records: int, days: float) -> "OutboxLimits":
    """Return the limits of what waits for outputs.

    Raises:
        ValueError: a number is out of its range.
    """
    from goldensample.station.outputs.courier import OutboxLimits

    return OutboxLimits(records, days)


def parse_users(values: Iterable[str]) -> dict[str, str]:
    """Return the password of each user, from NAME:SECRET or files with such lines.

    Raises:
        ValueError: one is not of that form.
    """
    users: dict[str, str] = {}
    for value in values:
        path = Path(value)
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [value]
        pairs = [line.strip().partition(":") for line in lines if line.strip()]
        if not all(name and secret for name, _, secret in pairs):
            raise ValueError("--opcua-user must be NAME:SECRET, or a file of such lines; it is not")
        users |= {name: secret for name, _, secret in pairs}
    return users

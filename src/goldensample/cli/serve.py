"""`golden serve`: run the inspection station."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldensample.cli.output_options import (
    ModbusUrl,
    MqttCa,
    MqttCert,
    MqttClientId,
    MqttExpiry,
    MqttKey,
    MqttUrl,
    OpcUaEncrypt,
    OpcUaUrl,
    OpcUaUser,
    OutboxDays,
    OutboxLimit,
    S7Url,
    WebhookUrl,
    outbox_limits,
    parse_users,
)
from goldensample.cli.serve_options import (
    MISSING,
    ConfirmLearning,
    DeadlineOption,
    Demo,
    KeepDays,
    KeepDefectDays,
    KeepGb,
    Language,
    NamePattern,
    Network,
    PartWait,
    Pictures,
    Producer,
    ReadCode,
    Shifts,
    Token,
    explain_missing,
    parse_deadline,
    parse_time,
    parse_tokens,
    prepare_demo,
    with_retention,
    with_shifts,
)
from goldensample.locales.language import speak

if TYPE_CHECKING:
    from goldensample.station.settings import Settings


Watch = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[PRODUCT=]DIR",
        help="Inspect pictures that appear in a folder, of a product or a part; again for more.",
    ),
]
CameraUrl = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[PRODUCT/][NAME=]URL",
        help="Inspect frames of a camera or video: rtsp://, http://, /dev/video0, a file, "
        "genicam:SERIAL.",
    ),
]
CameraOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[NAME:]KEY=VALUE", help="Option of FFmpeg for all cameras, or the one; repeat."
    ),
]
Every = Annotated[
    float,
    typer.Option(help="Seconds between two frames of a camera; 0: only when a trigger asks."),
]


def command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE...]", help="A .golden file a product, or a .golden-part file."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8080,
    folder: Annotated[
        Path, typer.Option(help="Where pictures, records and new products are kept.")
    ] = Path("station"),
    db: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="SQLAlchemy URL of the records. \\[default: SQLite there]"
        ),
    ] = None,
    token: Token = None,
    waiting: Annotated[
        int, typer.Option(min=1, help="Pictures that may wait; more are answered 429.")
    ] = 64,
    watch: Watch = None,
    name_pattern: NamePattern = "{serial}_{view}",
    part_wait: PartWait = "30s",
    read_code: ReadCode = None,
    camera: CameraUrl = None,
    camera_option: CameraOption = None,
    producer: Producer = None,
    every: Every = 1.0,
    deadline: DeadlineOption = None,
    webhook: WebhookUrl = None,
    mqtt: MqttUrl = None,
    mqtt_client_id: MqttClientId = None,
    mqtt_expiry: MqttExpiry = None,
    mqtt_ca: MqttCa = None,
    mqtt_cert: MqttCert = None,
    mqtt_key: MqttKey = None,
    modbus: ModbusUrl = None,
    s7: S7Url = None,
    opcua: OpcUaUrl = None,
    opcua_encrypt: OpcUaEncrypt = False,
    opcua_user: OpcUaUser = None,
    outbox_limit: OutboxLimit = 100_000,
    outbox_days: OutboxDays = 7.0,
    pictures: Pictures = None,
    backbone: Network = "builtin",
    keep_days: KeepDays = 90.0,
    keep_defect_days: KeepDefectDays = 730.0,
    keep_gb: KeepGb = None,
    confirm_learning: ConfirmLearning = None,
    language: Language = None,
    shifts: Shifts = None,
    demo: Demo = False,
) -> None:
    """Open the inspection station: pages for people, an API for machines."""
    speak("en")  # what it stores and sends; pages have a language of their own
    settings = build_settings(folder, db, token or [], host, waiting)
    keep = (keep_days, keep_defect_days, keep_gb)
    settings = with_retention(settings, keep, pictures, backbone)
    settings = replace(settings, confirm_learning=confirm_learning, language=language)
    settings = replace(settings, deadline_s=parse_deadline(deadline))
    settings = with_shifts(settings, shifts)
    if demo:
        demo_pictures = prepare_demo(folder)
        settings = replace(settings, pictures=pictures or demo_pictures)
    cameras = {"watch": watch or [], "cameras": camera or [], "every_s": every}
    cameras["producers"] = producer or []
    cameras["camera_options"] = camera_option or []
    cameras["read_codes"] = read_code or []
    cameras["name_pattern"] = name_pattern
    cameras["part_wait_s"] = parse_time(part_wait, "--part-wait")
    outputs = {
        "webhook": webhook,
        "limits": outbox_limits(outbox_limit, outbox_days),
        "mqtt": mqtt,
        "mqtt_client_id": mqtt_client_id,
        "mqtt_expiry_s": mqtt_expiry,
        "mqtt_ca": mqtt_ca,
        "mqtt_certificate": mqtt_cert,
        "mqtt_key": mqtt_key,
        "modbus": modbus,
        "s7": s7,
        "opcua": opcua,
        "opcua_encrypt": opcua_encrypt,
        "opcua_users": parse_users(opcua_user or []),
    }
    _serving().serve(settings, files or [], port, cameras, outputs)


def _serving() -> Any:
    """Return the module that serves the station, or explain how to install it."""
    with explain_missing(MISSING):
        from goldensample.station import serving
    return serving


def build_settings(
    folder: Path, database: str | None, tokens: list[str], host: str, waiting: int
) -> "Settings":
    """Return the settings of a station, or explain how to install it."""
    with explain_missing(MISSING):
        from goldensample.station.settings import Settings
    return Settings(
        folder=folder,
        database=database,
        tokens=parse_tokens(tokens),
        host=host,
        waiting=waiting,
    )

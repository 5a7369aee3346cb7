"""What the OPC UA server says of a verdict: variables of a product, and answers of a method."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from goldensample.station.line.controller_image import ControllerImage, heartbeat
from goldensample.station.line.controller_words import error_code
from goldensample.station.outputs.messages import encode_message, finite
from goldensample.station.records.rows import Record

VARIABLES: dict[str, tuple[Any, Callable[[Record], Any]]] = {
    "Message": (ua.VariantType.String, lambda record: encode_message(record).decode()),
    "Product": (ua.VariantType.String, lambda record: record.product),
    "Verdict": (ua.VariantType.String, lambda record: record.verdict or ""),
    "Score": (ua.VariantType.Double, lambda record: finite(record.score)),
    "Threshold": (ua.VariantType.Double, lambda record: finite(record.limit_score)),
    "PValue": (ua.VariantType.Double, lambda record: finite(record.p_value)),
    "Regions": (ua.VariantType.Int32, lambda record: len(record.regions)),
    "Name": (ua.VariantType.String, lambda record: record.name),
    "Serial": (ua.VariantType.String, lambda record: record.serial or ""),
    "Job": (ua.VariantType.String, lambda record: record.job or ""),
    "Error": (ua.VariantType.UInt16, error_code),
    "Time": (ua.VariantType.DateTime, lambda record: _utc(record.time)),
    "Revision": (ua.VariantType.Int32, lambda record: record.revision),
    "Record": (ua.VariantType.Int64, lambda record: record.id),
}
"""Variables of a product in the order of writing: `Record` last, so that a client that subscribes
to it finds the others updated; `Message` has all of one verdict in one value, as JSON."""
EMPTY: dict[Any, Any] = {
    ua.VariantType.String: "",
    ua.VariantType.Double: 0.0,
    ua.VariantType.Int32: 0,
    ua.VariantType.Int64: 0,
    ua.VariantType.UInt16: 0,
    ua.VariantType.Boolean: False,
    ua.VariantType.DateTime: datetime(1970, 1, 1),
}


BEATS: dict[str, Any] = {
    "Heartbeat": ua.VariantType.UInt16,
    "State": ua.VariantType.String,
    "AutomaticModeState": ua.VariantType.String,
    "Ready": ua.VariantType.Boolean,
    "Busy": ua.VariantType.Boolean,
}
"""Variables of the station."""


def station_values(image: ControllerImage) -> dict[str, Any]:
    """Return the values of the station's variables; states by their names in OPC 40100-1."""
    signals = image.signals()
    mode = "SingleExecution" if signals.busy else "Ready" if signals.ready else "Initialized"
    return {
        "Heartbeat": heartbeat(),
        "State": "Error" if signals.trouble else "Operational",
        "AutomaticModeState": "" if signals.trouble else mode,
        "Ready": signals.ready,
        "Busy": signals.busy,
    }


def data_values(record: Record) -> dict[str, ua.DataValue]:
    """Return the value of each variable, all with the time of the record as source timestamp."""
    stamp, status = _utc(record.time), ua.StatusCode(ua.UInt32(ua.StatusCodes.BadNoData))
    values = {}
    for name, (kind, read_value) in VARIABLES.items():
        value = read_value(record)
        if value is None:  # such as a threshold that a product does not have: never a 0
            values[name] = ua.DataValue(ua.Variant(), status, stamp)
        else:
            values[name] = ua.DataValue(ua.Variant(value, kind), SourceTimestamp=stamp)
    return values


def waiting_value() -> ua.DataValue:
    """Return the value of each variable before the first verdict."""
    code = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadWaitingForInitialData))
    return ua.DataValue(ua.Variant(), code, datetime.now(UTC).replace(tzinfo=None))


def method_answer(record: Record) -> list[ua.Variant]:
    """Return all of one verdict, as the method answers it; NaN for a number it does not have."""
    answer = []
    for kind, read_value in VARIABLES.values():
        value = read_value(record)
        answer.append(ua.Variant(float("nan") if value is None else value, kind))
    return answer


def method_arguments() -> tuple[list[ua.Argument], list[ua.Argument]]:
    """Return inputs and outputs of the method."""
    number = _argument("Record", ua.VariantType.Int64)
    return [number], [_argument(name, kind) for name, (kind, _) in VARIABLES.items()]


def trigger_arguments() -> tuple[list[ua.Argument], list[ua.Argument]]:
    """Return inputs and outputs of the method that takes a picture."""
    names = ("Camera", "Serial", "Job")
    return [_argument(name, ua.VariantType.String) for name in names], method_arguments()[1]


def _argument(name: str, kind: Any) -> ua.Argument:
    argument = ua.Argument()
    argument.Name, argument.DataType, argument.ValueRank = name, ua.NodeId(kind.value), -1
    return argument


def _utc(seconds: float) -> datetime:
    """Return a time as OPC UA has it: in UTC, without a zone."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)

"""The message of a verdict, as every receiver gets it."""

import json
import math
from typing import Any

from goldensample.station.records.parts import WholePart
from goldensample.station.records.rows import Record, iso

REGION_KEYS = ("box_px", "area_px", "peak", "peak_px", "p_value")


def verdict_message(record: Record) -> dict[str, Any]:
    """Return the JSON message of a record; that of a part has those of its views within."""
    message = {
        "record": record.id,
        "product": record.product,
        "name": record.name,
        "serial": record.serial,
        "job": record.job,
        "part": record.part,
        "view": record.view,
        "time": iso(record.time),
        "verdict": record.verdict,
        "score": finite(record.score),
        "threshold": finite(record.limit_score),
        "p_value": finite(record.p_value),
        "regions": [{name: region[name] for name in REGION_KEYS} for region in record.regions],
        "note": record.note,
        "revision": record.revision,
        "file_sha256": record.file_sha256,
        "picture_sha256": record.picture_sha256,
    }
    if isinstance(record, WholePart):
        message["views"] = {one.view: verdict_message(one) for one in record.views}
    return message


def encode_message(record: Record) -> bytes:
    """Return the JSON message of a record as bytes."""
    return json.dumps(verdict_message(record), allow_nan=False).encode()


def finite(value: float | None) -> float | None:
    """Return a number, or None where there is none, as for a picture that could not be read."""
    return value if value is not None and math.isfinite(value) else None

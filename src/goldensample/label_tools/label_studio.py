"""Label Studio's JSON: polygons, rectangles and ellipses in percent, and brush masks."""

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from goldensample.label_tools.marks import (
    Mark,
    MarkedPicture,
    Size,
    from_box,
    from_ellipse,
    from_mask,
    from_polygons,
    turned_box,
)
from goldensample.records import Array
from goldensample.storage.atomic import write_atomic

_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
_WORD, _RUN_BITS = 8, 16
"""Bits of a value and of a run's length in the brush masks that are written."""


def read(path: Path) -> list[MarkedPicture]:
    """Read an export in the format "JSON" (not JSON-MIN); what was cancelled is left out.

    A task with an annotation and no region is good; one without annotations was not looked at, and
    is left out. Several annotations of a picture are united. A brush mask marks where it is not
    transparent. The eight letters before an uploaded file's name are taken away.
    """
    pictures = []
    for task in json.loads(path.read_text(encoding="utf-8")):
        done = [one for one in task["annotations"] if not one.get("was_cancelled")]
        if not done:
            continue
        entries = [entry for one in done for entry in one["result"] if "original_width" in entry]
        sizes = {(int(e["original_height"]), int(e["original_width"])) for e in entries}
        if len(sizes) > 1:
            raise ValueError(f"a picture must have one size; task {task.get('id')} has {sizes}")
        size_hw = next(iter(sizes), (0, 0))
        marks = [_mark(entry, size_hw) for entry in entries]
        name = _name(task["data"])
        pictures.append(MarkedPicture(name, size_hw, tuple(mark for mark in marks if mark)))
    return pictures


def _name(data: dict[str, Any]) -> str:
    """Return the picture's path or name: the first address among a task's data."""
    key = "image" if "image" in data else next(iter(data))
    address = urlsplit(str(data[key]).replace("\\", "/"))
    local = parse_qs(address.query).get("d")
    path = unquote(local[0] if local else address.path)
    return _UPLOADED.sub("", PurePosixPath(path).name) if "/upload/" in path else path.lstrip("/")


def _mark(entry: dict[str, Any], size_hw: Size) -> Mark | None:
    value, kind = entry["value"], entry["type"].removesuffix("labels")
    label = str(next(iter(value.get(f"{kind}labels") or ["defect"])))
    across, down = size_hw[1] / 100, size_hw[0] / 100
    if kind == "polygon":
        points = [side for x, y in value["points"] for side in (x * across, y * down)]
        return from_polygons(label, [points], size_hw)
    if kind == "rectangle":
        left, top = value["x"] * across, value["y"] * down
        box = (left, top, left + value["width"] * across, top + value["height"] * down)
        turn = float(value.get("rotation") or 0)
        if not turn:
            return from_box(label, box, size_hw)
        return from_polygons(label, [turned_box(box, turn, (left, top))], size_hw)
    if kind == "ellipse":
        centre = (value["x"] * across, value["y"] * down)
        radii = (value["radiusX"] * across, value["radiusY"] * down)
        return from_ellipse(label, centre, radii, float(value.get("rotation") or 0), size_hw)
    if kind == "brush":
        return from_mask(label, unpack(value["rle"]).reshape(*size_hw, 4)[..., 3] > 0)
    if kind in ("choices", "textarea", "rating", "taxonomy", "number"):
        return None  # said of the picture as a whole
    raise ValueError(
        f"a region must be a polygon, rectangle, ellipse or brush mask; {label} is a {kind}"
    )


def unpack(data: Sequence[int]) -> Array:
    """Return the bytes of a brush mask: flat RGBA by rows.

    The form: the number of values (32 bits), bits of a value less 1 (5), four lengths less 1 (4
    each); then runs: a bit (equal values or not), which length (2), the run less 1, the values.
    """
    bits = np.unpackbits(np.asarray(data, np.uint8))
    at = 0

    def take(count: int) -> int:
        nonlocal at
        if at + count > len(bits):
            raise ValueError("a brush mask must be whole; its run lengths end too soon")
        number = int("".join(map(str, bits[at : at + count])), 2) if count else 0
        at += count
        return number

    total, word = take(32), take(5) + 1
    lengths = [take(4) + 1 for _ in range(4)]
    values = np.zeros(total, np.uint8)
    start = 0
    while start < total:
        same = take(1)
        end = min(start + 1 + take(lengths[take(2)]), total)
        if same:
            values[start:end] = take(word)
        else:
            values[start:end] = [take(word) for _ in range(end - start)]
        start = end
    return values


def pack(values: Array) -> list[int]:
    """Return bytes as Label Studio packs them: runs of equal values alone."""
    flat = np.ravel(values).astype(np.uint8)
    text = f"{len(flat):032b}{_WORD - 1:05b}" + f"{_RUN_BITS - 1:04b}" * 4
    bounds = [0, *(np.flatnonzero(np.diff(flat)) + 1).tolist(), len(flat)]
    pieces = [text]
    for begin, end in pairwise(bounds):
        for start in range(begin, end, 2**_RUN_BITS):
            length = min(end - start, 2**_RUN_BITS)
            pieces.append(f"100{length - 1:016b}{flat[begin]:08b}")
    bits = "".join(pieces)
    padded = bits + "0" * (-len(bits) % 8)
    return [int(padded[k : k + 8], 2) for k in range(0, len(padded), 8)]


def write(pictures: Sequence[MarkedPicture], path: Path) -> None:
    """Write tasks with brush masks, for Label Studio's import as annotations."""
    tasks = []
    for number, picture in enumerate(pictures, 1):
        results = [
            _result(f"{number}-{k}", mark) for k, mark in enumerate(picture.marks) if mark.counts
        ]
        tasks.append(
            {"id": number, "data": {"image": picture.name}, "annotations": [{"result": results}]}
        )
    write_atomic(path, json.dumps(tasks).encode())


def _result(name: str, mark: Mark) -> dict[str, Any]:
    height, width = mark.size_hw
    alpha = np.repeat(mark.mask()[..., None].astype(np.uint8) * 255, 4, axis=2)
    return {
        "id": name,
        "type": "brushlabels",
        "from_name": "tag",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {"format": "rle", "rle": pack(alpha), "brushlabels": [mark.label]},
    }

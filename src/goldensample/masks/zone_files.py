"""Zones from a JSON file, as polygons in it or as mask files next to it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from goldensample.errors import ImageError
from goldensample.masks.roi_files import read_mask, read_roi
from goldensample.preparation.preparation import Preparation
from goldensample.preparation.roi import draw_polygons, roi_from_mask
from goldensample.preparation.zones import Zone, Zones, check_names

FORM = (
    '{"zones": [{"name": "label", "limit": 2, "polygons": [[[row, column], ...], ...]}, ...]}, or '
    '"mask": "FILE" for "polygons"'
)


def add_roi_and_zones(
    preparation: Preparation,
    files: tuple[Path | None, Path | None, Path | None],
    shapes: Sequence[tuple[int, int]],
) -> Preparation:
    """Return a preparation with the region of interest and the zones from files.

    Args:
        preparation: with neither; not changed.
        files: the masks of what to ignore and to look at, see `roi_files.read_roi`, and the zones;
            each may be None.
        shapes: (H, W) of the pictures.

    Raises:
        ImageError, ValueError: see `read_roi` and `read_zones`.
    """
    ignore, look_at, zones = files
    roi = read_roi(ignore, look_at, shapes)
    return replace(preparation, view=roi, zones=read_zones(zones, shapes))


def read_zones(path: Path | None, shapes: Iterable[tuple[int, int]] = ()) -> Zones:
    """Read parts of every picture with limits of their own.

    Args:
        path: `{"zones": [...]}`, each with "name", "limit" (how many times the limit elsewhere) and
            either "polygons", in shares of the picture, or "mask", a picture with the aspect of the
            others, not 0 in the zone, relative to the folder of this file. None for no zones.
        shapes: (H, W) of the pictures, whose aspect a mask must have.

    Returns:
        The zones in the order of the file, which decides where two overlap: the later one counts.

    Raises:
        ImageError: the file or a mask cannot be read, or has another form.
    """
    if path is None:
        return ()
    distinct = sorted(set(shapes))
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if (
            not isinstance(content, dict)
            or set(content) != {"zones"}
            or not _is_nonempty_list(content["zones"])
        ):
            raise ValueError(f"it must be {FORM}")
        zones = tuple(_zone(entry, path.parent, distinct) for entry in content["zones"])
        check_names(zones)
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise ImageError(f"cannot read zones from {path}: {error}") from error
    return zones


def _is_nonempty_list(value: Any) -> bool:
    """Return whether a value is a list with at least one item."""
    return isinstance(value, list) and len(value) > 0


def _zone(entry: Any, folder: Path, shapes: list[tuple[int, int]]) -> Zone:
    """Return the zone of an entry in the file."""
    if not isinstance(entry, dict) or set(entry) not in (
        {"name", "limit", "polygons"},
        {"name", "limit", "mask"},
    ):
        keys = ", ".join(map(str, entry)) if isinstance(entry, dict) else str(entry)[:60]
        raise ValueError(f"a zone must have name, limit, and polygons or mask; got {keys}")
    name, limit = entry["name"], entry["limit"]
    if not isinstance(name, str):
        raise ValueError(f"a zone's name must be a text; got {str(name)[:60]}")
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        raise ValueError(f"a zone's limit must be a number; that of {name} is {str(limit)[:60]}")
    if "mask" in entry:
        if not isinstance(entry["mask"], str):
            raise ValueError(f"a zone's mask must be a file name; got {str(entry['mask'])[:60]}")
        mask = read_mask(folder / entry["mask"], shapes)
    elif _is_nonempty_list(entry["polygons"]):
        mask = draw_polygons(entry["polygons"])
    else:
        raise ValueError(f"a zone's polygons must be a list of them; those of {name} are not")
    if not mask.any():
        raise ValueError(f"a zone must cover a part of the picture; {name} covers nothing")
    return Zone(name, limit, roi_from_mask(mask))

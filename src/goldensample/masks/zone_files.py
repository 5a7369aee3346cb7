"""Zones from a JSON file, drawn as polygons there or as masks beside it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from goldensample.errors import ImageError
from goldensample.masks.roi_files import read_mask, read_view
from goldensample.preparation.preparation import Preparation
from goldensample.preparation.roi import drawn, view_of
from goldensample.preparation.zones import Zone, Zones, check_names

FORM = (
    '{"zones": [{"name": "label", "limit": 2, "polygons": [[[row, column], ...], ...]}, ...]}, or '
    '"mask": "FILE" for "polygons"'
)


def with_areas(
    preparation: Preparation,
    files: tuple[Path | None, Path | None, Path | None],
    shapes: Sequence[tuple[int, int]],
) -> Preparation:
    """Return a preparation with the view and the zones that files draw.

    Args:
        preparation: with neither; not changed.
        files: what is ignored, what is looked at, see `view_files.read_view`, and the zones; each
            may be None.
        shapes: (H, W) of the pictures.

    Raises:
        ImageError, ValueError: see `read_view` and `read_zones`.
    """
    ignore, look_at, zones = files
    view = read_view(ignore, look_at, shapes)
    return replace(preparation, view=view, zones=read_zones(zones, shapes))


def read_zones(path: Path | None, shapes: Iterable[tuple[int, int]] = ()) -> Zones:
    """Read parts of every picture with limits of their own.

    Args:
        path: `{"zones": [...]}`, each with "name", "limit" (how many times the limit elsewhere) and
            either "polygons", in shares of the picture, or "mask", a picture of the form of the
            others, white in the zone, named from the folder of this file. None for no zones.
        shapes: (H, W) of the pictures, whose aspect a mask must have.

    Returns:
        The zones in the order of the file, which decides where two overlap: the later one counts.

    Raises:
        ImageError: the file or a mask cannot be read, or has another form.
    """
    if path is None:
        return ()
    known = sorted(set(shapes))
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(given, dict) or set(given) != {"zones"} or not _listed(given["zones"]):
            raise ValueError(f"it must be {FORM}")
        zones = tuple(_zone(one, path.parent, known) for one in given["zones"])
        check_names(zones)
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise ImageError(f"cannot read zones from {path}: {error}") from error
    return zones


def _listed(value: Any) -> bool:
    """Tell whether a value is a list with something in it."""
    return isinstance(value, list) and len(value) > 0


def _zone(given: Any, folder: Path, shapes: list[tuple[int, int]]) -> Zone:
    """Return one zone of the file."""
    if not isinstance(given, dict) or set(given) not in (
        {"name", "limit", "polygons"},
        {"name", "limit", "mask"},
    ):
        keys = ", ".join(map(str, given)) if isinstance(given, dict) else str(given)[:60]
        raise ValueError(f"a zone must have name, limit, and polygons or mask; got {keys}")
    name, limit = given["name"], given["limit"]
    if not isinstance(name, str):
        raise ValueError(f"a zone's name must be a text; got {str(name)[:60]}")
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        raise ValueError(f"a zone's limit must be a number; that of {name} is {str(limit)[:60]}")
    if "mask" in given:
        if not isinstance(given["mask"], str):
            raise ValueError(f"a zone's mask must be a file name; got {str(given['mask'])[:60]}")
        where = read_mask(folder / given["mask"], shapes)
    elif _listed(given["polygons"]):
        where = drawn(given["polygons"])
    else:
        raise ValueError(f"a zone's polygons must be a list of them; those of {name} are not")
    if not where.any():
        raise ValueError(f"a zone must cover a part of the picture; {name} covers nothing")
    return Zone(name, limit, view_of(where))

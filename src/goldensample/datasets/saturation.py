"""How much of a defect is enough: MVTec LOCO's `defects_config.json`, which sPRO rests on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.errors import ImageError
from goldensample.evaluation.pixel_metrics import Channel
from goldensample.images.codec import read_samples

CONFIG = "defects_config.json"


@dataclass(frozen=True, slots=True)
class Saturation:
    """The part of a defect that counts as all of it.

    Args:
        defect: its name.
        threshold: number of pixels, or, if `relative`, share of the defect's pixels in (0, 1].
        relative: see `threshold`.
    """

    defect: str
    threshold: float
    relative: bool

    def pixels(self, area: int) -> int:
        """Return the pixels that are enough, of a defect of `area` pixels: from 1 to `area`."""
        wanted = self.threshold * area if self.relative else self.threshold
        return max(1, min(int(wanted), area))


def read_saturations(folder: Path) -> dict[int, Saturation]:
    """Return the saturations of a category by the grey value of its masks.

    Args:
        folder: of the category; without the file there are none.

    Raises:
        ImageError: the file has another form.
    """
    path = folder / CONFIG
    if not path.is_file():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {int(entry["pixel_value"]): _saturation(entry) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImageError(
            f"{path} must be MVTec LOCO's list of defects, each with defect_name, pixel_value, "
            f"saturation_threshold and relative_saturation; it is not ({type(error).__name__}: "
            f"{error}); unpack it again"
        ) from error


def _saturation(entry: Mapping[str, Any]) -> Saturation:
    threshold, relative = float(entry["saturation_threshold"]), bool(entry["relative_saturation"])
    if threshold <= 0 or (relative and threshold > 1):
        raise ValueError(f"a saturation of {threshold:g}")
    return Saturation(str(entry["defect_name"]), threshold, relative)


def read_channel(path: Path, saturations: Mapping[int, Saturation]) -> Channel:
    """Read a mask of one defect, whose grey value names it.

    Raises:
        ImageError: it cannot be read, has several values, or one that is not in the list.
    """
    samples = read_samples(path)
    values = samples if samples.ndim == 2 else samples.max(axis=2)
    names = [int(value) for value in np.unique(values) if value]
    if len(names) != 1 or names[0] not in saturations:
        known = ", ".join(map(str, sorted(saturations)))
        raise ImageError(
            f"a mask of MVTec LOCO must have 0 and one grey value of {CONFIG} ({known}); {path} "
            f"has {', '.join(map(str, names)) or 'nothing but 0'}; unpack it again"
        )
    mask = values > 0
    return Channel(mask, saturations[names[0]].pixels(int(mask.sum())))

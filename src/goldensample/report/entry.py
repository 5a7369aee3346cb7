"""The record of one picture in a report: compact enough for thousands of pictures."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.images import codec
from goldensample.records import Array, Inspection
from goldensample.report.outline import outline

THUMBNAIL_PX = 384
HEAT_PX = 160
MAX_REGIONS = 24
_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Heat:
    """A max-pooled heat map: small peaks survive.

    Args:
        share: (h, w) float16, value over `largest`: float16 alone would overflow at 65,504.
        largest: the largest absolute value.
        block_px: side of a block in pixels of the picture.
    """

    share: Array
    largest: float
    block_px: int

    def values(self) -> Array:
        """Return the blocks' values, (h, w) float32."""
        return self.share.astype(np.float32) * np.float32(self.largest)

    def bounds(self) -> tuple[float, float]:
        """Return the smallest and the largest value."""
        return float(self.share.min()) * self.largest, float(self.share.max()) * self.largest


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a report.

    Args:
        inspection: without the heat map, and with the first regions only.
        label: True for defect, False for good, None where unknown.
        defect_type: the defect's name, or "".
        size_hw: (H, W) of the picture.
        thumbnail: JPEG.
        heat: the heat map in blocks; None without a map.
        heat_map_peak: (value, row, column) of the largest value; None without a map.
        truth: outline of the true mask as an SVG path, or "".
        regions: total number of regions.
    """

    inspection: Inspection
    label: bool | None
    defect_type: str
    size_hw: tuple[int, int]
    thumbnail: bytes
    heat: Heat | None
    heat_map_peak: tuple[float, int, int] | None
    truth: str
    regions: int

    @property
    def wrong(self) -> bool:
        """Whether verdict and label are known and disagree; "review" is never wrong."""
        verdict = self.inspection.verdict
        return self.label is not None and verdict == ("good" if self.label else "defect")

    @property
    def cropped(self) -> bool:
        """Whether a part of the picture was not inspected."""
        return self.inspection.box_px != (0, 0, *self.size_hw)


def make_entry(
    pixels: Array, inspection: Inspection, label: bool | None, defect_type: str, mask: Array | None
) -> Entry:
    """Make the record of a picture; arguments as for `Report.add`."""
    _check(pixels, inspection, mask)
    size_hw = (pixels.shape[0], pixels.shape[1])
    values, heat_map_peak = inspection.heat_map, None
    if values is not None:
        row, column = np.unravel_index(int(np.argmax(values)), values.shape)
        heat_map_peak = (float(values[row, column]), int(row), int(column))
    block_px = max(1, math.ceil(max(size_hw) / HEAT_PX))
    truth = (
        ""
        if mask is None
        else outline(max_pool(mask.astype(bool), block_px), 0.5, block_px, size_hw)
    )
    compact = dataclasses.replace(
        inspection,
        score=float(inspection.score),
        heat_map=None,
        regions=inspection.regions[:MAX_REGIONS],
    )
    return Entry(
        inspection=compact,
        label=label,
        defect_type=defect_type,
        size_hw=size_hw,
        thumbnail=codec.encode_jpeg(codec.shrink(pixels, THUMBNAIL_PX), _QUALITY),
        heat=None if values is None else pool_heat_map(values, block_px),
        heat_map_peak=heat_map_peak,
        truth=truth,
        regions=len(inspection.regions),
    )


def has_verdicts(entries: Sequence[Entry]) -> bool:
    """Return whether any picture has a verdict."""
    return any(entry.inspection.verdict is not None for entry in entries)


def pool_heat_map(heat_map: Array, block_px: int) -> Heat:
    """Max-pool a heat map (H, W) to blocks of `block_px` pixels a side, half precision."""
    blocks = max_pool(heat_map.astype(np.float32), block_px)
    largest = float(np.abs(blocks).max())
    return Heat((blocks / np.float32(largest or 1.0)).astype(np.float16), largest, block_px)


def max_pool(values: Array, block_px: int) -> Array:
    """Return the largest value of each block; the last blocks may be smaller.

    Args:
        values: (H, W), numbers or bool; not changed.

    Returns:
        (ceil(H / block_px), ceil(W / block_px)).

    Example:
        >>> max_pool(np.array([[1, 5, 2]]), 2)
        array([[5, 2]])
    """
    for _ in range(2):  # rows, then columns: the largest of each block's first, second, … line
        blocks = values[::block_px].copy()
        for line in range(1, min(block_px, len(values))):
            lines = values[line::block_px]
            np.maximum(blocks[: len(lines)], lines, out=blocks[: len(lines)])
        values = blocks.T
    return np.ascontiguousarray(values)


def _check(pixels: Array, inspection: Inspection, mask: Array | None) -> None:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or pixels.size == 0:
        raise ValueError(f"pixels must be (H, W, 3) uint8; got {pixels.shape} {pixels.dtype}")
    for name, array in (("heat_map", inspection.heat_map), ("mask", mask)):
        if array is not None and array.shape != pixels.shape[:2]:
            raise ValueError(
                f"{name} must be {pixels.shape[:2]}, as the picture; got {array.shape}"
            )
    values = inspection.heat_map
    if not math.isfinite(inspection.score) or (
        values is not None and not np.isfinite(values).all()
    ):
        raise ValueError(f"score and heat_map must be finite; those of {inspection.name!r} are not")

"""Shapes that people drew on a picture, as requests bring them, and masks as pages show them."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from goldensample.records import Array
from goldensample.report.png import encode_palette_png
from goldensample.station.web.answers import Strict

MAX_SHAPES, MAX_POINTS = 200, 2000
Coordinate = Annotated[float, Field(ge=-1e5, le=1e6, allow_inf_nan=False)]
COLOURS = np.array([[0, 0, 0, 0], [255, 61, 242, 255]], np.uint8)
"""Nothing where nothing is marked: so a mask can lie over its picture."""


class DrawnShape(BaseModel):
    """A shape: columns and rows in pixels of the picture, (0, 0) its upper left corner.

    A brush is round, and as wide as `width`; a rectangle has two opposite corners; what is drawn
    with `erase` takes away what was drawn before.
    """

    model_config = ConfigDict(extra="forbid")
    kind: Literal["brush", "rectangle", "polygon"] = "brush"
    points: Annotated[
        list[tuple[Coordinate, Coordinate]], Field(min_length=1, max_length=MAX_POINTS)
    ]
    width: Annotated[float, Field(ge=0, le=1e5, allow_inf_nan=False)] = 0.0
    erase: bool = False


Shapes = Annotated[list[DrawnShape], Field(max_length=MAX_SHAPES)]


class MarkAnswer(Strict):
    """Where a missed defect is marked; `time` in UTC as ISO 8601, shapes in pixels."""

    record: int
    time: str
    operator: str
    shapes: list[dict[str, Any]]


def mask_png(mask: Array) -> bytes:
    """Return a mask, (H, W) bool, as a picture that marks by the rule of `masks.reading`."""
    return encode_palette_png(mask.astype(np.uint8), COLOURS)

"""Options on how regions are printed, and the files that they are written to."""

from pathlib import Path
from typing import Annotated

import typer

Explain = Annotated[
    bool,
    typer.Option(
        "--explain",
        help="Tell of each region why: distance, p-value, the nearest good patch; with --json the "
        "contour too.",
    ),
]
MmPerPx = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER", help="Millimetres that a pixel shows: sizes of regions in mm as well."
    ),
]
Smallest = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="PIXELS",
        help="Leave out regions of fewer pixels; the verdict stays that of the score.",
    ),
]
Masks = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Write the regions of each picture as DIR/NAME.png, 255 in a region."
    ),
]
CocoFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write all regions as one COCO data set (JSON), masks run-length encoded.",
    ),
]
CocoResults = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write all regions as the list that COCO's loadRes reads."),
]

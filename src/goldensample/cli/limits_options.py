"""Options for score limits, and the lines that report on the threshold."""

from typing import Annotated

import typer

from goldensample.cli.options import parse_rate

FalseAlarms = Annotated[
    float | None,
    typer.Option(
        parser=parse_rate,
        metavar="NUMBER",
        help="Rate of good pictures that may be called defects; 0 sets no threshold and keeps "
        "no picture out of the bank. \\[default: 5%]",
    ),
]
Review = Annotated[
    float | None,
    typer.Option(
        parser=parse_rate,
        metavar="NUMBER",
        help="Larger rate of good pictures that may get the verdict review, look again, or defect.",
    ),
]
Groups = Annotated[
    str | None,
    typer.Option(
        metavar="BY",
        help="Keep whole groups of pictures aside for the limits: folder, day (by names or EXIF), "
        "name:PATTERN (a regular expression) or column:NAME (of the table).",
    ),
]
CalibrationScheme = Annotated[
    str,
    typer.Option(
        "--calibration",
        help="split: the limits rest on pictures kept out of the bank; cross: on every picture, "
        "each in its turn, with a weaker promise and five searches at every inspection; auto: by "
        "the number of pictures, down to an estimate without a promise.",
    ),
]

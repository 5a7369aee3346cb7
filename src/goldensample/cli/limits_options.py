"""How limits are asked for at the command line, and what they promise in words."""

from typing import Annotated

import typer

from goldensample.calibration.conformal import LEAST, needed
from goldensample.cli.console import say, tell
from goldensample.cli.options import share
from goldensample.inspection.inspector import Inspector
from goldensample.wording.limits import promise

FalseAlarms = Annotated[
    float | None,
    typer.Option(
        parser=share,
        metavar="NUMBER",
        help="Rate of good pictures that may be called defects; 0 sets no threshold and keeps "
        "no picture out of the bank. \\[default: 5%]",
    ),
]
Review = Annotated[
    float | None,
    typer.Option(
        parser=share,
        metavar="NUMBER",
        help="Larger rate of good pictures that may get the verdict review, look again, or defect.",
    ),
]
CalibrationWay = Annotated[
    str,
    typer.Option(
        "--calibration",
        help="split: the limits rest on pictures kept out of the bank; cross: on every picture, "
        "each in its turn, with a weaker promise and five searches at every inspection; auto: by "
        "the number of pictures, down to an estimate without a promise.",
    ),
]


def tell_threshold(inspector: Inspector, rate: float, count: int, calibration: str) -> None:
    """Say what the threshold rests on, or why there is none although a rate was asked for."""
    if inspector.threshold or not rate:
        say(f"threshold {promise(inspector.threshold, inspector.journal)}")
        return
    enough = {"split": 2 * needed(rate), "cross": needed(rate)}.get(calibration, LEAST)
    tell(
        f"golden: a rate of {rate:g} must rest on enough good pictures, with calibration "
        f"{calibration} on {enough}; got {count} pictures, so there are scores and no verdicts; "
        f"give {enough} pictures, or a larger --false-alarms"
    )

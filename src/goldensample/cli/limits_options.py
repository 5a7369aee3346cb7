"""Options for score limits, and the lines that report on the threshold."""

from typing import Annotated

import typer

from goldensample.calibration.conformal import MIN_TAIL_SCORES, required_count
from goldensample.cli.console import say, tell
from goldensample.cli.options import parse_rate
from goldensample.inspection.inspector import Inspector
from goldensample.wording.limits import promise

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
CalibrationScheme = Annotated[
    str,
    typer.Option(
        "--calibration",
        help="split: the limits rest on pictures kept out of the bank; cross: on every picture, "
        "each in its turn, with a weaker promise and five searches at every inspection; auto: by "
        "the number of pictures, down to an estimate without a promise.",
    ),
]


def tell_threshold(inspector: Inspector, rate: float, count: int, calibration: str) -> None:
    """Print what the threshold rests on, or why there is none despite a rate of false alarms."""
    if inspector.threshold or not rate:
        say(f"threshold {promise(inspector.threshold, inspector.journal)}")
        return
    counts = {"split": 2 * required_count(rate), "cross": required_count(rate)}
    required = counts.get(calibration, MIN_TAIL_SCORES)
    tell(
        f"golden: a rate of {rate:g} must rest on enough good pictures, with calibration "
        f"{calibration} on {required}; got {count} pictures, so there are scores and no verdicts; "
        f"give {required} pictures, or a larger --false-alarms"
    )

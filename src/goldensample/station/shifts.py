"""When today and this shift began, by the clock on the wall of the station.

A time of day is resolved for each date on its own, so that a shift begins at its hour also on the
days on which clocks are changed.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Literal

Period = Literal["today", "shift"]
"""What a page or a program may ask for, beside times."""


def parse_shifts(text: str) -> tuple[time, ...]:
    """Return the times at which shifts begin, in order, from a text like "06:00,14:00,22:00".

    Raises:
        ValueError: one is no time of day, or is there twice.
    """
    try:
        starts = [datetime.strptime(part.strip(), "%H:%M").time() for part in text.split(",")]
    except ValueError:
        starts = []
    if not starts or len(set(starts)) < len(starts):
        raise ValueError(
            "--shifts must be the times at which shifts begin, each once, like "
            f"06:00,14:00,22:00; got {text!r}"
        )
    return tuple(sorted(starts))


def begin_of(period: Period, shifts: Sequence[time], now: float) -> float:
    """Return when today or this shift began, in seconds since 1970.

    Args:
        period: which of the two.
        shifts: times of day in the local zone at which shifts begin.
        now: seconds since 1970.

    Raises:
        ValueError: no shifts are known.
    """
    today = datetime.fromtimestamp(now).date()
    if period == "today":
        return datetime.combine(today, time()).timestamp()
    if not shifts:
        raise ValueError(
            "this shift can be asked for where shifts are known; here they are not; start the "
            "station with --shifts 06:00,14:00,22:00, or ask for period=today"
        )
    begins = (
        datetime.combine(today - timedelta(days=days), start).timestamp()
        for days in (0, 1)
        for start in shifts
    )
    return max(begin for begin in begins if begin <= now)

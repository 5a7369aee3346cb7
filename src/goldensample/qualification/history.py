"""Records of a line over time: what control charts are drawn from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from goldensample.errors import GoldenError
from goldensample.records import Array

COLUMNS = ("time", "verdict", "score")
"""That a table of records must have; `answer`, `p_value`, `brightness` and `sharpness` may be there
as well."""
SMALLEST_STEP = 1e-6
"""Between two p-values, so that rounding makes none."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Judged pictures of one product in order of time; NaN where a number is not known.

    Args:
        time: (n,) seconds since 1970.
        defect: (n,) bool, called a defect.
        good: (n,) bool: a good part: called good and nobody says otherwise, or a person says so.
        answered: (n,) bool: a person has said good or defect.
        score, p_value, brightness, sharpness: (n,) float64.
    """

    time: Array
    defect: Array
    good: Array
    answered: Array
    score: Array
    p_value: Array
    brightness: Array
    sharpness: Array

    def __len__(self) -> int:
        return len(self.time)


def read_history(rows: Iterable[Mapping[str, Any]], where: str = "records") -> History:
    """Return the history of records; those without a score are left out.

    Args:
        rows: with COLUMNS; a time is seconds since 1970 or ISO 8601.
        where: what messages call them.

    Raises:
        GoldenError: a column is missing, or a value is not of its kind.
    """
    kept = []
    for number, row in enumerate(rows, 2):
        if missing := [name for name in COLUMNS if name not in row]:
            raise GoldenError(
                f"{where} must have the columns {', '.join(COLUMNS)}; {', '.join(missing)} is "
                "missing; download them from the page History of the station"
            )
        try:
            kept.append(_values(row))
        except (ValueError, TypeError) as error:
            raise GoldenError(
                f"{where} must have times of ISO 8601 and numbers; row {number} has others "
                f"({error}); correct it"
            ) from None
    kept = sorted((one for one in kept if not np.isnan(one[4])), key=lambda one: one[0])
    if not kept:
        raise GoldenError(f"{where} must have records with a score; there are none")
    time, defect, good, answered, *numbers = map(np.array, zip(*kept, strict=True))
    return History(time, defect, good, answered, *numbers)


def _values(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the fields of a History of one record."""
    verdict, answer = row["verdict"] or "", row.get("answer") or ""
    good = answer == "good" or (verdict == "good" and answer != "defect")
    known = answer in ("good", "defect")
    names = ("score", "p_value", "brightness", "sharpness")
    numbers = [float("nan") if row.get(name) in (None, "") else float(row[name]) for name in names]
    return (_seconds(row["time"]), verdict == "defect", good, known, *numbers)


def _seconds(time: Any) -> float:
    if isinstance(time, datetime):
        return time.timestamp()
    try:
        return float(time)
    except ValueError:
        return datetime.fromisoformat(time).timestamp()


def normal_scores(history: History) -> Array:
    """Return how odd pictures are, (n,), in numbers that are about normal for good parts.

    Scores are skewed. A p-value of a good part is uniform, whatever the revision of the file, so
    its normal score is taken: 0 for a usual part, 2 for one that 98 of 100 are less odd than.
    Where there are no p-values, the logarithm of the score.

    Source: Van der Waerden, 1952, for normal scores.
    """
    from scipy.special import ndtri

    p_values = history.p_value
    if np.isnan(p_values).any():
        positive = bool((history.score > 0).all())
        return np.log(history.score) if positive else history.score
    steps = np.diff(np.unique(np.round(p_values, 9)), prepend=0.0)
    step = float(steps[steps > SMALLEST_STEP].min(initial=1.0))
    middles = np.clip(p_values - step / 2, step / 2, 1 - step / 2)
    scores: Array = -ndtri(middles)
    return scores

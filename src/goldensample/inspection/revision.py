"""One change of a fitted inspector, and the limits that it set."""

from dataclasses import asdict, dataclass
from typing import Any

from goldensample.preparation.scope import Scope
from goldensample.records import Threshold

ACTIONS = ("fit", "learn", "forget", "drop", "limit", "calibrate", "revert", "regions")
FIT, LEARN, FORGET, DROP, LIMIT, CALIBRATE, REVERT, REGIONS = ACTIONS


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits in one precision, and the scores of good pictures that they rest on.

    Args:
        precision: of the network.
        threshold: the limits.
        scores: of held-out good pictures; empty where the limits rest on none.
        peaks: the largest values of their maps; None as in `Calibration`.
        watched: of the same pictures, see `drift.measures`; empty where they are not known.
        opinions: the two scores of each, of which the larger counts; None as in `Calibration`.
    """

    precision: str
    threshold: Threshold
    scores: tuple[float, ...] = ()
    peaks: tuple[float, ...] | None = None
    watched: tuple[tuple[float, ...], ...] = ()
    opinions: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """One change.

    Args:
        action: one of ACTIONS.
        time: ISO 8601; "" for the fit, which has none.
        reason: free text of the user.
        pictures: numbers of those that came in ("fit", "learn", "limit") or went out ("forget").
        measures: of pictures that came in as good, see `drift.measures`; empty if not known.
        limits: set by it; None where they stayed.
        cost: good pictures that became false alarms when it was tried, of how many; or None.
        scope: what was looked at before it, and what is after it; None where that stayed.
        parent: number of the revision it changed; -1 for the fit. `Journal.add_revision` sets it.
        sha256: of all the above, the rows that came in and went out, and the parent's sha256.

    Raises:
        ValueError: the action is unknown.
    """

    action: str
    time: str
    reason: str
    pictures: tuple[int, ...] = ()
    measures: tuple[tuple[float, ...], ...] = ()
    limits: tuple[Limits, ...] | None = None
    cost: tuple[int, int] | None = None
    scope: tuple[Scope, Scope] | None = None
    parent: int = -1
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"action must be one of {', '.join(ACTIONS)}; got {self.action!r}")


def to_entry(revision: Revision) -> dict[str, Any]:
    """Return a revision as JSON values; what came later than the format is left out if None."""
    entry = asdict(revision)
    if revision.scope is None:
        del entry["scope"]
    for limits in entry["limits"] or ():
        if limits["opinions"] is None:
            del limits["opinions"]
    return entry

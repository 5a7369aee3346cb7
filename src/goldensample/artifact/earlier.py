"""What files of earlier versions lack, as those meant it: they open, and score as they did."""

from typing import Any

PATCHCORE = "patchcore"
LATER_KNOBS = {"by_position": "off", "composition": "off"}
"""Knobs of PatchCore that came later, with what scores as before."""


def with_later_knobs(method: str, knobs: Any) -> Any:
    """Return the knobs of a header with those that came later, of each PatchCore in it."""
    if not isinstance(knobs, dict):
        return knobs
    if method == PATCHCORE:
        return {**LATER_KNOBS, **knobs}
    if isinstance(knobs.get(PATCHCORE), dict):  # of an ensemble, of a crossed fit
        return {**knobs, PATCHCORE: {**LATER_KNOBS, **knobs[PATCHCORE]}}
    return knobs


def with_grey_range(preparation: Any) -> Any:
    """Return the settings of a preparation; files up to 0.1 had a white level alone, from 0."""
    if not isinstance(preparation, dict) or "white" not in preparation:
        return preparation
    others = {name: value for name, value in preparation.items() if name != "white"}
    white = preparation["white"]
    return {**others, "grey_range": None if white is None else {"black": 0, "white": white}}


def with_later_facts(entry: Any) -> Any:
    """Return a revision's entry with None for all that `revision.to_entry` leaves out."""
    if not isinstance(entry, dict):
        return entry
    entry = {"scope": None, **entry}
    if not isinstance(entry.get("limits"), list):
        return entry
    limits = [
        {"opinions": None, **one} if isinstance(one, dict) else one for one in entry["limits"]
    ]
    return {**entry, "limits": limits}

"""Texts and JSON on what was counted in and what was left out."""

from dataclasses import asdict
from typing import Any

from goldensample.calibration.conformal import required_count
from goldensample.images.intake import FEW_LEVELS, Files, Intake
from goldensample.locales.language import gettext, mark, ngettext, speaking

KINDS = ("left_out", "equal", "masks", "same_stem", "single_value", "few_levels")
"""Fields of an intake that a user should know of."""
NOTES = {
    "left_out": mark(
        "%(files)s left out by the ending of the name; convert or rename what shows a part"
    ),
    "same_stem": mark(
        "%(files)s beside a picture of the same name with another ending; remove what is a copy"
    ),
    "few_levels": mark(
        "%(files)s with fewer than %(levels)s of 256 grey levels: little can be told apart in "
        "them; expose longer, or save them with more contrast"
    ),
    "single_value": mark("%(files)s of a single value all over: covered lens, or no light?"),
}
FITTED_NOTES = {
    "equal": mark("%(files)s left out, as their pixels are equal to those of another picture"),
    "masks": mark("%(files)s left out, as they look like masks of the pictures beside them"),
}
INSPECTED_NOTES = {
    "equal": mark("%(files)s the same, pixel by pixel, as a picture before"),
    "masks": mark("%(files)s inspected, though they look like masks of the pictures beside them"),
}
"""What is said of files of each kind."""
SINGLE_VALUE = mark(
    "no limits can be set: %(files)s of a single value all over, which shows no part; remove such "
    "pictures and fit again"
)
TOO_FEW = mark(
    "a rate of %(rate)s must rest on enough good pictures, with calibration %(calibration)s on "
    "%(required)s; got %(count)s, so there are scores and no verdicts; give %(required)s pictures, "
    "or a larger --false-alarms"
)
TOO_FEW_DIFFERENT = mark(
    "a rate of %(rate)s must rest on enough good pictures, with calibration %(calibration)s on "
    "%(required)s; got %(count)s different ones, and %(copies)s equal to these, so there are "
    "scores and no verdicts; give %(required)s pictures, or a larger --false-alarms"
)
"""Why there are no limits; files keep it in English, and `notes.told` translates it."""


def intake_notes(intake: Intake, fitted: bool = True) -> list[str]:
    """Return the sentences of `notes_by_kind`."""
    return list(notes_by_kind(intake, fitted).values())


def notes_by_kind(intake: Intake, fitted: bool = True) -> dict[str, str]:
    """Return a sentence for each thing about the files that a user should know, by its kind.

    Args:
        intake: of a fit, or of an inspection.
        fitted: whether they were learned from: copies and masks are left out of that, and not of
            an inspection.
    """
    texts = NOTES | (FITTED_NOTES if fitted else INSPECTED_NOTES)
    found = {name: getattr(intake, name) for name in KINDS}
    return {
        name: gettext(texts[name]) % {"files": listed(files), "levels": FEW_LEVELS}
        for name, files in found.items()
        if files
    }


def single_value_reason(intake: Intake | None) -> str:
    """Return why no rate of false alarms can be promised on pictures that show nothing, or ""."""
    if intake is None or not intake.single_value:
        return ""
    with speaking("en"):
        return SINGLE_VALUE % {"files": listed(intake.single_value)}


def too_few_reason(count: int, copies: int, rate: float, calibration: str, least: int) -> str:
    """Return why no limits can be set on so few pictures.

    Args:
        count: pictures of the fit.
        copies: those that were equal to one of them.
        rate: of false alarms, in (0, 1).
        calibration: as requested.
        least: pictures for an estimate by the method.
    """
    counts = {"split": 2 * required_count(rate), "cross": required_count(rate)}
    required = counts.get(calibration, least)
    return (TOO_FEW_DIFFERENT if copies else TOO_FEW) % {
        "rate": f"{rate:g}",
        "calibration": calibration,
        "required": required,
        "count": count,
        "copies": copies,
    }


def listed(files: Files) -> str:
    """Return a number of files with the first names, as "4 files (a, b, c and 1 more)"."""
    names, more = ", ".join(files.names), files.count - len(files.names)
    if more > 0:
        names = gettext("%(names)s and %(count)s more") % {"names": names, "count": more}
    text = ngettext("%(num)s file (%(names)s)", "%(num)s files (%(names)s)", files.count)
    return text % {"num": f"{files.count:,}", "names": names}


def inspected_json(intake: Intake) -> dict[str, Any]:
    """Return what an inspection or an audit left out, and what may show no part, by kind."""
    return {kind: asdict(getattr(intake, kind)) for kind in KINDS}


def intake_json(intake: Intake | None) -> dict[str, Any] | None:
    """Return an intake as JSON values; None where nobody has counted."""
    if intake is None:
        return None
    return {**asdict(intake), "no_promise": intake.no_promise or None}

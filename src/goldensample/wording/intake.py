"""Texts and JSON on what was counted in and what was left out."""

from dataclasses import asdict
from typing import Any

from goldensample.calibration.conformal import required_count
from goldensample.images.intake import FEW_LEVELS, Files, Intake

KINDS = ("left_out", "equal", "masks", "same_stem", "single_value", "few_levels")
"""Fields of an intake that a user should know of."""


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
    masks = "left out, as they look like" if fitted else "inspected, though they look like"
    equal = "left out, as their pixels are equal to those of" if fitted else "the same, pixel by"
    equal += " another picture" if fitted else " pixel, as a picture before"
    texts = {
        "left_out": "left out by the ending of the name; convert or rename what shows a part",
        "equal": equal,
        "masks": f"{masks} masks of the pictures beside them",
        "same_stem": "beside a picture of the same name with another ending; remove what is a copy",
        "few_levels": f"with fewer than {FEW_LEVELS} of 256 grey levels: little can be told apart "
        "in them; expose longer, or save them with more contrast",
        "single_value": "of a single value all over: covered lens, or no light?",
    }
    found = {name: getattr(intake, name) for name in texts}
    return {name: f"{listed(files)} {texts[name]}" for name, files in found.items() if files}


def single_value_reason(intake: Intake | None) -> str:
    """Return why no rate of false alarms can be promised on pictures that show nothing, or ""."""
    if intake is None or not intake.single_value:
        return ""
    return (
        f"no limits can be set: {listed(intake.single_value)} of a single value all over, which "
        "shows no part; remove such pictures and fit again"
    )


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
    got = f"{count} different ones, and {copies} equal to these" if copies else f"{count}"
    return (
        f"a rate of {rate:g} must rest on enough good pictures, with calibration {calibration} on "
        f"{required}; got {got}, so there are scores and no verdicts; give {required} pictures, or "
        "a larger --false-alarms"
    )


def listed(files: Files) -> str:
    """Return a number of files with the first names, as "4 files (a, b, c and 1 more)"."""
    more = f" and {files.count - len(files.names)} more" * (files.count > len(files.names))
    return f"{files.count:,} file{'s' * (files.count != 1)} ({', '.join(files.names)}{more})"


def inspected_json(intake: Intake) -> dict[str, Any]:
    """Return what an inspection or an audit left out, and what may show no part, by kind."""
    return {kind: asdict(getattr(intake, kind)) for kind in KINDS}


def intake_json(intake: Intake | None) -> dict[str, Any] | None:
    """Return an intake as JSON values; None where nobody has counted."""
    if intake is None:
        return None
    return {**asdict(intake), "no_promise": intake.no_promise or None}

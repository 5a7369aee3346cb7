"""`golden learn`, `forget` and `revert`: change a file, and undo it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.method_options import open_own
from goldensample.cli.options import Json, parse_rate
from goldensample.locales.language import gettext, ngettext

if TYPE_CHECKING:
    from goldensample.fitting.calibrate import Promise
    from goldensample.inspection.inspector import Inspector
    from goldensample.learning.revisions import Note
    from goldensample.records import Pictures

ChangedFile = Annotated[Path, typer.Argument(metavar="FILE", help="A .golden file; it is changed.")]
Reason = Annotated[str, typer.Option(help="Why, for the journal.")]
Calibrate = Annotated[
    list[str] | None,
    typer.Option(
        help="Good pictures, neither fitted nor learned, to set the limits anew on; a path, and "
        "again for more."
    ),
]
NewFalseAlarms = Annotated[
    float | None,
    typer.Option(
        parser=parse_rate, metavar="NUMBER", help="With --calibrate. \\[default: as in the file]"
    ),
]
NewReview = Annotated[
    float | None,
    typer.Option(
        parser=parse_rate,
        metavar="NUMBER",
        help="With --calibrate; 0 for no such limit. \\[default: as in the file]",
    ),
]


def learn(
    file: ChangedFile,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH...]", help="Good pictures: folders, files, globs."),
    ] = None,
    reason: Reason = "",
    calibrate: Calibrate = None,
    false_alarms: NewFalseAlarms = None,
    review: NewReview = None,
    json: Json = False,
) -> None:
    """Add good pictures to a file, without a new fit, or set its limits anew."""
    from goldensample.cli.summary import tell_renamed
    from goldensample.images.folder import read_images
    from goldensample.learning.learn import learn as add_pictures

    if not paths and not calibrate:
        raise ValueError("learn must have pictures to learn, or --calibrate; got neither")
    with locked_inspector(file) as inspector, progress() as notify:
        changed, grey_range = inspector, inspector.preparation.grey_range
        calibration = read_images(calibrate, grey_range) if calibrate else None
        if paths:
            changed = add_pictures(changed, read_images(paths, grey_range), note(reason), notify)
        if calibration is not None:
            rates = choose_rates(inspector, false_alarms, review)
            changed = recalibrate_all(changed, calibration, rates, note(reason))
        write(changed, file)
    learned = [picture.name for picture in changed.pictures[len(inspector.pictures) :]]
    count, rows = len(learned), _added_rows(inspector, changed)
    tell_renamed(paths, learned)
    done = gettext("set the limits anew")
    if paths:
        text = ngettext(
            "learned %(num)s picture, %(rows)s new bank rows",
            "learned %(num)s pictures, %(rows)s new bank rows",
            count,
        ) % {"num": count, "rows": f"{rows:,}"}
        both = gettext("%(learned)s, and set the limits anew")
        done = both % {"learned": text} if calibrate else text
    print_change(changed, file, done, {"pictures": count, "rows": rows, "names": learned}, json)


def forget(
    file: ChangedFile,
    picture: Annotated[str, typer.Argument(help="Name of the picture, as fitted or learned.")],
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Take out of a file what a picture brought in."""
    from goldensample.learning.learn import forget as remove_picture

    with locked_inspector(file) as inspector:
        changed = remove_picture(inspector, picture, note(reason))
        write(changed, file)
    rows = _added_rows(inspector, changed)
    values = {"picture": picture, "count": f"{-rows:,}"}
    done = gettext("forgot %(picture)s (places: %(count)s)") % values
    print_change(changed, file, done, {"rows": rows}, json)


def revert(
    file: ChangedFile,
    revision: Annotated[int, typer.Argument(help="Number in golden history; 0 is the fit.")],
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Bring a file back to what an earlier revision left; this can be undone, too."""
    from goldensample.learning.revisions import revert as restore_revision

    with locked_inspector(file) as inspector:
        changed = restore_revision(inspector, revision, note(reason))
        write(changed, file)
    done = gettext("as revision %(number)s left it") % {"number": revision}
    print_change(changed, file, done, {"as": revision}, json)


def _added_rows(before: "Inspector", after: "Inspector") -> int:
    """Return how many bank rows a change added; negative where it removed some."""
    from goldensample.learning.revisions import patchcore_of

    return len(patchcore_of(after).bank) - len(patchcore_of(before).bank)


@contextmanager
def locked_inspector(file: Path, method: str | None = None) -> "Iterator[Inspector]":
    """Give the inspector of a file, under a lock against changes by others."""
    from goldensample.artifact.store import load
    from goldensample.storage.lock import lock_file

    if not file.is_file():
        load(file)  # says what is wrong, and no lock is left behind
    with lock_file(file):
        yield load(file, open_own(method))


def write(inspector: "Inspector", file: Path) -> None:
    """Replace the file atomically."""
    from goldensample.artifact.store import save

    save(inspector, file)


def note(reason: str) -> "Note":
    """Return the time and the reason of a change, for the journal."""
    from goldensample.learning.revisions import Note

    return Note(datetime.now(UTC).isoformat(timespec="seconds"), reason)


def choose_rates(
    inspector: "Inspector", false_alarms: float | None, review: float | None
) -> "Promise":
    """Return the rates to calibrate for; None stands for those that the file was calibrated for."""
    from goldensample.fitting.calibrate import Promise
    from goldensample.learning.revisions import open_journal

    journal = open_journal(inspector)
    for limits in journal.revisions[journal.limits_revision(journal.head)].limits or ():
        false_alarms = false_alarms or limits.threshold.false_alarms
        file_review = limits.threshold.review_rate
        if review is None and file_review and false_alarms and file_review <= false_alarms:
            text = gettext(
                "golden: the limit for review goes; its rate, %(rate)s, is not above the other"
            )
            tell(text % {"rate": f"{file_review:g}"})
        elif review is None:
            review = file_review
    if not false_alarms:
        raise ValueError(
            "--calibrate must have a rate; this file has none; give --false-alarms, too"
        )
    return Promise(false_alarms, review or None)


def recalibrate_all(
    inspector: "Inspector", calibration: "Pictures", rates: "Promise", note: "Note"
) -> "Inspector":
    """Recompute the limits in every precision that has some; print which cannot be computed."""
    from goldensample.backbones.openvino import processor_has
    from goldensample.fitting.precision import convert_precision
    from goldensample.learning.revisions import recalibrate

    used, others = inspector.backbone.precision, []
    for precision in inspector.thresholds:
        if precision != used and processor_has(precision):
            others.append(convert_precision(inspector, precision).backbone)
        elif precision != used:
            text = gettext(
                "golden: the limits in %(precision)s go, as this processor does not have it"
            )
            tell(text % {"precision": precision})
    return recalibrate(inspector, calibration, rates, note, others)


def print_change(
    inspector: "Inspector", file: Path, done: str, values: dict[str, Any], json: bool
) -> None:
    """Print what a change did, and which guarantees no longer hold after it."""
    from goldensample.learning.revisions import open_journal, silent_composition

    journal, silent = open_journal(inspector), silent_composition(inspector)
    head, radius_known = journal.head, journal.radius_holds(journal.head)
    if json:
        facts = {"radius_known": radius_known, "limits_hold": journal.limits_hold(head)}
        print_json(
            {"file": str(file), "revision": head, **values, **facts, "composition_silent": silent}
        )
        return
    text = gettext("%(file)s: revision %(number)s, %(change)s")
    say(text % {"file": file, "number": head, "change": done})
    if not radius_known:
        tell(gettext("golden: places went that other pictures rely on; these may score higher now"))
    if silent:
        text = gettext(
            "golden: as pictures were learned or other regions set, single places are judged, not "
            "what parts there are"
        )
        tell(text)
    if not journal.limits_hold(head):
        text = gettext(
            "golden: good parts may score higher than when the limits were set, so no rate of "
            "false alarms is known; set them anew with golden learn --calibrate, or golden revert"
        )
        tell(text)

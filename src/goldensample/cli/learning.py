"""`golden learn`, `forget`, `history` and `revert`: change a file, and undo it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.options import share

if TYPE_CHECKING:
    from goldensample.fitting.calibrate import Promise
    from goldensample.inspection.inspector import Inspector
    from goldensample.learning.revisions import Note
    from goldensample.records import Pictures

File = Annotated[Path, typer.Argument(metavar="FILE", help="A .golden file; it is changed.")]
Reason = Annotated[str, typer.Option(help="Why, for the journal.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
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
        parser=share, metavar="NUMBER", help="With --calibrate. \\[default: as in the file]"
    ),
]
NewReview = Annotated[
    float | None,
    typer.Option(
        parser=share,
        metavar="NUMBER",
        help="With --calibrate; 0 for no such limit. \\[default: as in the file]",
    ),
]


def learn(
    file: File,
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
    from goldensample.images.folder import read_images
    from goldensample.learning.learn import learn as learned
    from goldensample.learning.revisions import bank_of

    if not paths and not calibrate:
        raise ValueError("learn must have pictures to learn, or --calibrate; got neither")
    with changing(file) as inspector, progress() as notify:
        taught, white = inspector, inspector.preparation.white
        held = read_images(calibrate, white) if calibrate else None
        if paths:
            taught = learned(taught, read_images(paths, white), note(reason), notify)
        if held is not None:
            taught = limited(taught, held, promised(inspector, false_alarms, review), note(reason))
        write(taught, file)
    names = len(taught.pictures) - len(inspector.pictures)
    rows = len(bank_of(taught).bank) - len(bank_of(inspector).bank)
    done = f"learned {names} picture{'s' * (names != 1)}, {rows:,} new bank rows" * bool(paths)
    done += ", and " * bool(paths and calibrate) + "set the limits anew" * bool(calibrate)
    show(taught, file, done, {"pictures": names, "rows": rows}, json)


def forget(
    file: File,
    picture: Annotated[str, typer.Argument(help="Name of the picture, as fitted or learned.")],
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Take out of a file what a picture brought in."""
    from goldensample.learning.learn import forget as forgotten
    from goldensample.learning.revisions import bank_of

    with changing(file) as inspector:
        less = forgotten(inspector, picture, note(reason))
        write(less, file)
    gone = len(bank_of(inspector).bank) - len(bank_of(less).bank)
    show(less, file, f"forgot {picture}, {gone:,} bank rows", {"rows": -gone}, json)


def revert(
    file: File,
    revision: Annotated[int, typer.Argument(help="Number in golden history; 0 is the fit.")],
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Bring a file back to what an earlier revision left; this can be undone, too."""
    from goldensample.learning.revisions import revert as reverted

    with changing(file) as inspector:
        before = reverted(inspector, revision, note(reason))
        write(before, file)
    show(before, file, f"as revision {revision} left it", {"as": revision}, json)


def history(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .golden file.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object a revision.")] = False,
) -> None:
    """List the changes made to a file since its fit, the latest last."""
    from goldensample.artifact.store import load
    from goldensample.learning.revisions import opened

    inspector = load(file)
    journal = opened(inspector)
    for number, change in enumerate(journal.revisions):
        known = [inspector.pictures[k].name for k in change.pictures]
        came, went = (int((of == number).sum()) for of in (journal.born, journal.drops[:, 0]))
        if json:
            names = {"pictures": len(known)} if not number else {"pictures": known}
            print_json(
                {
                    "revision": number,
                    "parent": change.parent,
                    "time": change.time,
                    "action": change.action,
                    "reason": change.reason,
                    **names,
                    "rows_in": came,
                    "rows_out": went,
                    "sha256": change.sha256,
                }
            )
            continue
        listed = f"{len(known)} pictures" if len(known) > 3 else ", ".join(known)
        back = f"to {change.parent}" if change.action == "revert" else listed
        words = f"{number:4}  {change.time or '-':25}  {change.action:9}  {back}"
        words += f"  +{came:,} rows" * (came > 0) + f"  -{went:,} rows" * (went > 0)
        say(words + (f"  ({change.reason})" if change.reason else ""))


@contextmanager
def changing(file: Path) -> "Iterator[Inspector]":
    """Give the inspector of a file that nobody else changes meanwhile."""
    from goldensample.artifact.store import load
    from goldensample.storage.lock import locked

    if not file.is_file():
        load(file)  # says what is wrong, and no lock is left behind
    with locked(file):
        yield load(file)


def write(inspector: "Inspector", file: Path) -> None:
    """Replace the file as a whole."""
    from goldensample.artifact.store import save

    save(inspector, file)


def note(reason: str) -> "Note":
    """Return what the journal says beside a change made now."""
    from goldensample.learning.revisions import Note

    return Note(datetime.now(UTC).isoformat(timespec="seconds"), reason)


def promised(inspector: "Inspector", false_alarms: float | None, review: float | None) -> "Promise":
    """Return the promise asked for; rates that are not given are those the file was set for."""
    from goldensample.fitting.calibrate import Promise
    from goldensample.learning.revisions import opened

    journal = opened(inspector)
    for one in journal.revisions[journal.limited_by(journal.head)].limits or ():
        false_alarms = false_alarms or one.threshold.false_alarms
        known = one.threshold.review_rate
        if review is None and known and false_alarms and known <= false_alarms:
            tell(f"golden: the limit for review goes; its rate, {known:g}, is not above the other")
        elif review is None:
            review = known
    if not false_alarms:
        raise ValueError(
            "--calibrate must have a rate; this file has none; give --false-alarms, too"
        )
    return Promise(false_alarms, review or None)


def limited(
    inspector: "Inspector", held: "Pictures", promise: "Promise", why: "Note"
) -> "Inspector":
    """Set the limits anew in every precision that has some, and say which cannot be computed."""
    from goldensample.backbones.openvino import processor_has
    from goldensample.fitting.precision import at
    from goldensample.learning.revisions import recalibrate

    used, others = inspector.backbone.precision, []
    for precision in inspector.thresholds:
        if precision != used and processor_has(precision):
            others.append(at(inspector, precision).backbone)
        elif precision != used:
            tell(f"golden: the limits in {precision} go, as this processor does not have it")
    return recalibrate(inspector, held, promise, why, others)


def show(inspector: "Inspector", file: Path, done: str, values: dict[str, Any], json: bool) -> None:
    """Say what a change did, and what is no longer known after it."""
    journal = inspector.journal
    assert journal, "a change has a journal"
    covers, keeps = journal.covers(journal.head), journal.keeps(journal.head)
    if json:
        facts = {"radius_known": covers, "limits_hold": keeps}
        print_json({"file": str(file), "revision": journal.head, **values, **facts})
        return
    say(f"{file}: revision {journal.head}, {done}")
    if not covers:
        tell("golden: rows went that other pictures relied on, so the radius is no longer known")
    if not keeps:
        tell(
            "golden: distances may be larger than when the limits were set, so no rate of false "
            "alarms is known; set them anew with golden learn --calibrate, or golden revert"
        )

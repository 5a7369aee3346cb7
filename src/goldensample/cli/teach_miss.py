"""`golden teach-miss`: why a defect was missed, and what it costs to have its like caught."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from goldensample.calibration.conformal import needed
from goldensample.cli.console import print_json, progress, say
from goldensample.cli.learning import File, Json, Reason, changing, note, show, write
from goldensample.cli.options import share
from goldensample.learning.misses import Excuse, Proposal, Study
from goldensample.records import Threshold
from goldensample.wording.limits import percent
from goldensample.wording.regions import source_json

SHOWN = 5


def command(
    file: File,
    picture: Annotated[Path, typer.Argument(help="The picture whose defect was missed.")],
    mask: Annotated[
        Path, typer.Option(help="Picture of the same size, not 0 where the defect is.")
    ],
    good: Annotated[
        list[str],
        typer.Option(
            help="Good pictures, best none of the fit, that the cost is counted on; a path, and "
            "again for more."
        ),
    ],
    apply: Annotated[
        str | None, typer.Option(help="drop or limit: do it. \\[default: propose alone]")
    ] = None,
    cost: Annotated[
        float,
        typer.Option(
            parser=share,
            metavar="NUMBER",
            help="Largest share of good pictures that may become false alarms, as far as the "
            "pictures of --good can tell: 1% needs 149 of them.",
        ),
    ] = 0.01,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Show what excused a missed defect, and propose how to catch it, with the cost."""
    from goldensample.datasets import read_mask
    from goldensample.datasets.items import Item
    from goldensample.images.folder import open_images, read_images
    from goldensample.learning.teach_miss import study

    if apply not in (None, "drop", "limit"):
        raise ValueError(f"--apply must be drop or limit; got {apply!r}")
    with changing(file) as inspector, progress() as notify:
        white = inspector.preparation.white
        missed = open_images(str(picture), white)[0]
        item = Item(missed.name, picture, "defect", True, (mask,))
        marked = read_mask(item, (missed.pixels.shape[0], missed.pixels.shape[1]))
        pictures = read_images(good, white, notify=notify)
        asked = replace(note(reason), cost=cost)
        found = study(inspector, missed, marked, pictures, asked, notify)
        chosen = [one for one in found.proposals if one.way == apply]
        if apply and not (chosen and chosen[0].holds):
            words = ", ".join(_words(one, cost) for one in chosen) or "nothing to change"
            raise ValueError(f"{apply} must catch the defect at a bearable cost; {words}")
        for one in chosen:
            write(one.taught, file)
    if apply:
        done = f"taught {missed.name}: {_words(chosen[0], cost)}"
        show(chosen[0].taught, file, done, {"proposal": _values(chosen[0])}, json)
        return
    if json:
        print_json(_study(missed.name, found, inspector.threshold, len(pictures)))
        return
    for line in _lines(missed.name, found, inspector.threshold, cost):
        say(line)


def _study(name: str, found: Study, limit: Threshold | None, good: int) -> dict[str, Any]:
    """Return what was found for machines."""
    return {
        "picture": name,
        "score": found.score,
        "threshold": limit.score if limit else None,
        "excused_by": [_excuse(one) for one in found.excuses],
        "proposals": [_values(one) for one in found.proposals],
        "good": good,
    }


def _lines(name: str, found: Study, limit: Threshold | None, cost: float) -> Iterator[str]:
    """Give what was found for people."""
    yield f"{name} scores {found.score:.4f}, and the limit is {limit.score if limit else 0:.4f}"
    yield f"excused by {len(found.excuses)} bank rows:"
    for excuse in found.excuses[:SHOWN]:
        row = excuse.source
        place = f"{row.picture} at row {row.row_px:.0f}, column {row.column_px:.0f}"
        yield f"  {place}: {excuse.patches} patches; {excuse.pictures} good pictures rely on it"
    for proposal in found.proposals:
        yield f"{proposal.way}: {_words(proposal, cost)}"
    best = [one.way for one in found.proposals if one.holds]
    yield f"do it with --apply {best[-1]}" if best else f"it cannot be done within {percent(cost)}"


def _words(proposal: Proposal, cost: float) -> str:
    """Return what a proposal does, and whether it holds."""
    what = "bank rows taken out" if proposal.way == "drop" else "patches of the defect taught"
    words = (
        f"{proposal.size:,} {what}, score {proposal.score:.4f}, {len(proposal.alarms)} of "
        f"{proposal.counted} good pictures become false alarms, of new ones "
        f"{percent(proposal.upper)} at most on average"
    )
    if proposal.counted < needed(cost):
        return f"{words}; to show {percent(cost)} takes {needed(cost)} such pictures"
    return words if proposal.holds else f"{words}; it cannot be done this way"


def _values(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal for machines."""
    return {
        "way": proposal.way,
        "size": proposal.size,
        "score": proposal.score,
        "false_alarms": proposal.alarms,
        "counted": proposal.counted,
        "false_alarm_rate_at_most": proposal.upper,
        "holds": proposal.holds,
    }


def _excuse(excuse: Excuse) -> dict[str, Any]:
    """Return an excuse for machines."""
    return {
        "row": source_json(excuse.source),
        "patches": excuse.patches,
        "good_pictures": excuse.pictures,
    }

"""`golden teach-miss`: why a defect was missed, and what it costs to catch similar ones."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from goldensample.calibration.conformal import required_count
from goldensample.cli.console import print_json, progress, say
from goldensample.cli.learning import (
    ChangedFile,
    Reason,
    locked_inspector,
    note,
    print_change,
    write,
)
from goldensample.cli.options import Json, parse_rate
from goldensample.learning.misses import Excuse, MissAnalysis, Proposal
from goldensample.locales.language import counted, gettext
from goldensample.records import Threshold
from goldensample.wording.limits import percent
from goldensample.wording.regions import source_json

SHOWN = 5


def command(
    file: ChangedFile,
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
            parser=parse_rate,
            metavar="NUMBER",
            help="Largest share of good pictures that may become false alarms, as far as the "
            "pictures of --good can tell: 1% needs 149 of them.",
        ),
    ] = 0.01,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Show what excused a missed defect, and propose how to catch it, with the cost."""
    from goldensample.images.folder import open_images, read_images
    from goldensample.learning.teach_miss import analyse_miss
    from goldensample.masks.reading import read_steering_mask, require_size

    if apply not in (None, "drop", "limit"):
        raise ValueError(f"--apply must be drop or limit; got {apply!r}")
    with locked_inspector(file) as inspector, progress() as notify:
        grey_range = inspector.preparation.grey_range
        missed = open_images(str(picture), grey_range)[0]
        size_hw = (missed.pixels.shape[0], missed.pixels.shape[1])
        defect_mask = require_size(read_steering_mask(mask), mask, picture, size_hw)
        pictures = read_images(good, grey_range, notify=notify)
        change_note = replace(note(reason), cost=cost)
        analysis = analyse_miss(inspector, missed, defect_mask, pictures, change_note, notify)
        chosen = [p for p in analysis.proposals if p.action == apply]
        if apply and not (chosen and chosen[0].accepted):
            outcome = ", ".join(_describe(p, cost) for p in chosen) or gettext("nothing to change")
            text = gettext("%(action)s must catch the defect at a bearable cost; %(outcome)s")
            raise ValueError(text % {"action": apply, "outcome": outcome})
        for proposal in chosen:
            write(proposal.inspector, file)
    if apply:
        taught = {"name": missed.name, "proposal": _describe(chosen[0], cost)}
        done = gettext("taught %(name)s: %(proposal)s") % taught
        print_change(chosen[0].inspector, file, done, {"proposal": _proposal_json(chosen[0])}, json)
        return
    if json:
        print_json(_analysis_json(missed.name, analysis, inspector.threshold, len(pictures)))
        return
    for line in _lines(missed.name, analysis, inspector.threshold, cost):
        say(line)


def _analysis_json(
    name: str, analysis: MissAnalysis, limit: Threshold | None, good: int
) -> dict[str, Any]:
    """Return the analysis as JSON values."""
    return {
        "picture": name,
        "score": analysis.score,
        "threshold": limit.score if limit else None,
        "excused_by": [_excuse_json(excuse) for excuse in analysis.excuses],
        "proposals": [_proposal_json(proposal) for proposal in analysis.proposals],
        "good": good,
    }


def _lines(
    name: str, analysis: MissAnalysis, limit: Threshold | None, cost: float
) -> Iterator[str]:
    """Give the analysis as lines of text."""
    scores = {"score": f"{analysis.score:.4f}", "limit": f"{limit.score if limit else 0:.4f}"}
    text = gettext("%(name)s scores %(score)s, and the limit is %(limit)s")
    yield text % {"name": name, **scores}
    yield counted(
        "it passes because it is like %(num)s remembered place of good pictures:",
        "it passes because it is like %(num)s remembered places of good pictures:",
        len(analysis.excuses),
    )
    text = gettext(
        "  %(picture)s at row %(row)s, column %(column)s: %(places)s of the defect like it; "
        "%(pictures)s would miss it"
    )
    for excuse in analysis.excuses[:SHOWN]:
        row = excuse.source
        yield text % {
            "picture": row.picture,
            "row": f"{row.row_px:.0f}",
            "column": f"{row.column_px:.0f}",
            "places": counted("%(num)s place", "%(num)s places", excuse.patches),
            "pictures": counted("%(num)s good picture", "%(num)s good pictures", excuse.pictures),
        }
    for proposal in analysis.proposals:
        yield f"{proposal.action}: {_describe(proposal, cost)}"
    accepted = [p.action for p in analysis.proposals if p.accepted]
    if accepted:
        yield gettext("do it with --apply %(action)s") % {"action": accepted[-1]}
    else:
        yield gettext("it cannot be done within %(rate)s") % {"rate": percent(cost)}


def _describe(proposal: Proposal, cost: float) -> str:
    """Return in words what a proposal does, and whether it is accepted."""
    if proposal.action == "drop":
        done = gettext("%(places)s forgotten")
    else:
        done = gettext("%(places)s of the defect remembered as one")
    text = gettext(
        "%(done)s, score %(score)s; of %(pictures)s %(alarms)s would become false alarms, of 100 "
        "new ones %(share)s at most on average"
    ) % {
        "done": done % {"places": counted("%(num)s place", "%(num)s places", proposal.size)},
        "score": f"{proposal.score:.4f}",
        "pictures": counted("%(num)s good picture", "%(num)s good pictures", proposal.tested),
        "alarms": len(proposal.alarms),
        "share": f"{100 * proposal.rate_bound:.2g}",
    }
    if proposal.tested < required_count(cost):
        few = gettext("%(proposal)s; to show %(rate)s takes %(count)s such pictures")
        count = required_count(cost)
        return few % {"proposal": text, "rate": percent(cost), "count": count}
    if proposal.accepted:
        return text
    return gettext("%(proposal)s; it cannot be done this way") % {"proposal": text}


def _proposal_json(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal as JSON values."""
    return {
        "way": proposal.action,
        "size": proposal.size,
        "score": proposal.score,
        "false_alarms": proposal.alarms,
        "counted": proposal.tested,
        "false_alarm_rate_at_most": proposal.rate_bound,
        "holds": proposal.accepted,
    }


def _excuse_json(excuse: Excuse) -> dict[str, Any]:
    """Return an excuse as JSON values."""
    return {
        "row": source_json(excuse.source),
        "patches": excuse.patches,
        "good_pictures": excuse.pictures,
    }

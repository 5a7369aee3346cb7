"""`golden history`: the changes made to a file since its fit."""

from typing import Annotated

import typer

from goldensample.cli.console import print_json, say
from goldensample.cli.options import GoldenFile
from goldensample.locales.language import counted, gettext


def command(
    file: GoldenFile,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a revision.")] = False,
) -> None:
    """List the changes made to a file since its fit, the latest last."""
    from goldensample.artifact.store import load
    from goldensample.learning.revisions import open_journal

    inspector = load(file)
    journal = open_journal(inspector)
    for number, change in enumerate(journal.revisions):
        pictures = [inspector.pictures[k].name for k in change.pictures]
        added, removed = (
            int((revisions == number).sum()) for revisions in (journal.born, journal.drops[:, 0])
        )
        if json:
            names = {"pictures": len(pictures) if not number else pictures}
            print_json(
                {
                    "revision": number,
                    "parent": change.parent,
                    "time": change.time,
                    "action": change.action,
                    "reason": change.reason,
                    **names,
                    "rows_in": added,
                    "rows_out": removed,
                    "sha256": change.sha256,
                }
            )
            continue
        subject = ", ".join(pictures)
        if len(pictures) > 3:
            subject = counted("%(num)s picture", "%(num)s pictures", len(pictures))
        if change.action == "revert":
            subject = gettext("to %(number)s") % {"number": change.parent}
        line = f"{number:4}  {change.time or '-':25}  {change.action:9}  {subject}"
        for sign, rows in (("+", added), ("-", removed)):
            line += gettext("  %(count)s rows") % {"count": f"{sign}{rows:,}"} if rows else ""
        say(line + (f"  ({change.reason})" if change.reason else ""))

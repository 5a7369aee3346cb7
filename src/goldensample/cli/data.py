"""`golden data`: list the layouts of data sets, and check a data set for errors."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.options import Layout
from goldensample.datasets import LAYOUTS, Dataset, find_layout
from goldensample.datasets.checking import Finding, check
from goldensample.errors import ImageError
from goldensample.records import Notify

app = typer.Typer(
    help="Data sets: which layouts are read, and what is wrong with one.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def list_layouts(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a layout.")] = False,
) -> None:
    """List the layouts that are read, where each data set is to be had, and under which licence.

    Nothing is ever downloaded: get a data set from its page, where its licence is to be accepted.
    """
    for name, layout in LAYOUTS.items():
        facts = {"title": layout.title, "where": layout.url, "licence": layout.licence}
        if json:
            print_json({"layout": name, **facts})
        else:
            where = layout.url or "on your disk"
            say(f"{name:15}{layout.title:36}{layout.licence:29}{where}")
    tell("nothing is downloaded: get a data set from its page and keep to its licence")


@app.command("check")
def check_folder(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="The folder of a data set or a category, or a CSV file."
        ),
    ],
    layout: Layout = "",
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a finding, and their number.")
    ] = False,
) -> None:
    """Tell what is wrong with a data set, without changing it.

    Problems: unreadable files, missing or wrongly sized masks, masks that mark nothing or all,
    pictures without a label or of a single value, empty splits, and the same picture in train and
    test, good and defect, or twice in train.
    Notes: files left out, masks taken for pictures, few grey levels, sizes that differ, test
    pictures that are there twice, no masks at all.
    """
    name = layout or find_layout(folder)
    if name not in LAYOUTS:
        raise ValueError(f"--layout must be one of {', '.join(LAYOUTS)}; got {name!r}")
    categories = LAYOUTS[name].categories(folder)
    if not categories:
        raise ImageError(f"{folder} must hold categories of {LAYOUTS[name].title}; it holds none")
    tell(f"read as {name}: {LAYOUTS[name].title}")
    pictures, findings = 0, list[Finding]()
    with progress() as notify:
        for category in categories:
            count, category_findings = _check_category(folder, name, category, notify)
            pictures, findings = pictures + count, findings + category_findings
            for finding in category_findings:
                _show(finding, category, json)
    problems = sum(finding.problem for finding in findings)
    notes = len(findings) - problems
    if json:
        print_json({"pictures": pictures, "problems": problems, "notes": notes})
    else:
        scope = f" in {len(categories)} categories" if len(categories) > 1 else ""
        total = f"{pictures:,} picture{'s' * (pictures != 1)}"
        say(f"{total}{scope}: problems {problems}, notes {notes}")


def _check_category(
    folder: Path, layout: str, category: str, notify: Notify
) -> tuple[int, list[Finding]]:
    """Return the number of pictures of a category, and the findings."""
    try:
        data: Dataset = LAYOUTS[layout].read(folder, category)
    except ImageError as error:
        return 0, [Finding("layout", True, (), str(error))]
    return len(data.train) + len(data.test), check(data, notify)


def _show(finding: Finding, category: str, json: bool) -> None:
    if json:
        print_json({"category": category, **asdict(finding)})
    else:
        where = f"{category}: " if category else ""
        say(f"{'problem' if finding.problem else 'note':9}{where}{finding.text}")

"""`golden data`: list the layouts of data sets, and check a data set for errors."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from goldensample.cli.console import padded, print_json, progress, say, table_lines, tell, width_of
from goldensample.cli.extras import check_extra
from goldensample.cli.options import CategoryName, Labels, Layout
from goldensample.datasets import LAYOUTS, Dataset, find_layout, list_category
from goldensample.datasets.checking import Finding, check
from goldensample.datasets.marked import marked_pictures, read_with_labels
from goldensample.errors import ImageError
from goldensample.label_tools.formats import FORMATS, read_labels
from goldensample.label_tools.marks import MarkedPicture
from goldensample.locales.language import counted, gettext, language, speaking
from goldensample.locales.unmarked import translated
from goldensample.records import Notify
from goldensample.storage.atomic import check_writable

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
    if json:
        for name, layout in LAYOUTS.items():
            facts = {"title": layout.title, "where": layout.url, "licence": layout.licence}
            print_json({"layout": name, **facts})
    else:
        rows = [
            {
                "layout": name,
                "title": gettext(layout.title),
                "licence": gettext(layout.licence),
                "where": layout.url or gettext("on your disk"),
            }
            for name, layout in LAYOUTS.items()
        ]
        for line in table_lines(rows, *rows[0])[1:]:  # what the columns are is plain to see
            say(line)
    tell(gettext("nothing is downloaded: get a data set from its page and keep to its licence"))


@app.command("check")
def check_folder(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="The folder of a data set or a category, or a CSV file."
        ),
    ],
    layout: Layout = "",
    labels: Labels = None,
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
    if labels:
        check_extra("labels", "--labels")
        read_marked = partial(read_with_labels, folder, "", layout, labels)
        readers: dict[str, Callable[[], Dataset]] = {"": read_marked}
    else:
        readers = _readers(folder, layout)
    pictures, findings = 0, list[Finding]()
    with progress() as notify:
        for category, read in readers.items():
            with speaking("en" if json else language()):
                count, category_findings = _check_category(read, notify)
            pictures, findings = pictures + count, findings + category_findings
            for finding in category_findings:
                _show(finding, category, json)
    problems = sum(finding.problem for finding in findings)
    notes = len(findings) - problems
    if json:
        print_json({"pictures": pictures, "problems": problems, "notes": notes})
    else:
        say(_total(pictures, len(readers), problems, notes))


@app.command("convert")
def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Masks from a label tool, as for --labels; or a data set with masks.",
        ),
    ],
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="A file, or for LabelMe and VOC a folder.")
    ],
    to: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}.")],
    layout: Layout = "",
    category: CategoryName = "",
) -> None:
    """Write masks in the form of another label tool, exact to the pixel.

    Every form keeps single pixels and holes; Pascal VOC alone loses what lies below another mark.
    """
    if to not in FORMATS:
        raise ValueError(f"--to must be one of {', '.join(FORMATS)}; got {to!r}")
    check_extra("labels", "golden data convert")
    form, pictures = _read_marked(source, layout, category)
    if not FORMATS[to].folder:
        check_writable(output)
    FORMATS[to].write(pictures, output)
    marks = sum(len(picture.marks) for picture in pictures)
    text = gettext("%(pictures)s, %(marks)s: %(form)s to %(output)s") % {
        "pictures": counted("%(num)s picture", "%(num)s pictures", len(pictures)),
        "marks": counted("%(num)s mark", "%(num)s marks", marks),
        "form": form,
        "output": output,
    }
    say(text)


def _read_marked(source: Path, layout: str, category: str) -> tuple[str, list[MarkedPicture]]:
    """Return the form and the pictures of a label tool's file, or of a data set with masks."""
    if not layout:
        try:
            return read_labels(source)
        except ImageError as error:
            reason = error
        try:
            layout = find_layout(source)
        except ImageError:
            raise reason from None
    data = list_category(source, category, layout)
    return data.name, marked_pictures(data)


def _readers(folder: Path, layout: str) -> dict[str, Callable[[], Dataset]]:
    """Return what lists each category of a data set, by its name."""
    name = layout or find_layout(folder)
    if name not in LAYOUTS:
        raise ValueError(f"--layout must be one of {', '.join(LAYOUTS)}; got {name!r}")
    categories = LAYOUTS[name].categories(folder)
    if not categories:
        raise ImageError(f"{folder} must hold categories of {LAYOUTS[name].title}; it holds none")
    text = gettext("read as %(layout)s: %(title)s")
    tell(text % {"layout": name, "title": gettext(LAYOUTS[name].title)})
    return {one: partial(LAYOUTS[name].read, folder, one) for one in categories}


def _check_category(read: Callable[[], Dataset], notify: Notify) -> tuple[int, list[Finding]]:
    """Return the number of pictures of a category, and the findings."""
    try:
        data = read()
    except ImageError as error:
        return 0, [Finding("layout", True, (), translated(str(error)))]
    return len(data.train) + len(data.test), check(data, notify)


def _total(pictures: int, categories: int, problems: int, notes: int) -> str:
    """Return how much was checked and found, in words."""
    text = gettext("%(pictures)s: problems %(problems)s, notes %(notes)s")
    if categories > 1:
        text = gettext(
            "%(pictures)s in %(categories)s categories: problems %(problems)s, notes %(notes)s"
        )
    return text % {
        "pictures": counted("%(num)s picture", "%(num)s pictures", pictures),
        "categories": categories,
        "problems": problems,
        "notes": notes,
    }


def _show(finding: Finding, category: str, json: bool) -> None:
    if json:
        print_json({"category": category, **asdict(finding)})
    else:
        problem, note = gettext("problem"), gettext("note")
        width = max(width_of(problem), width_of(note)) + 2
        where = f"{category}: " if category else ""
        say(f"{padded(problem if finding.problem else note, width)}{where}{finding.text}")

"""`golden inspect --output` to a CSV or Excel file, and the sum of a run."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from goldensample.cli.console import print_json, say, tell
from goldensample.cli.intake import tell_table_intake
from goldensample.errors import ImageError
from goldensample.images.inspection_intake import InspectionIntake
from goldensample.locales.language import gettext
from goldensample.records import Inspection, Threshold
from goldensample.storage.locations import is_url, local_path
from goldensample.storage.verdict_sheet import DELIMITERS, ENDINGS, VerdictSheet
from goldensample.wording.intake import inspected_json
from goldensample.wording.verdicts import COLUMNS, KINDS, failure_row, sum_of, verdict_row

Delimiter = Annotated[
    str,
    typer.Option(
        metavar="|".join(DELIMITERS),
        help="Between the cells of a .csv; with semicolon, numbers have a decimal comma.",
    ),
]


def is_sheet(output: str | None) -> bool:
    """Return whether an output is a sheet for people, by its ending."""
    return output is not None and output.endswith(ENDINGS)


def open_sheet(output: str | None, delimiter: str) -> VerdictSheet | None:
    """Return the sheet to fill, or None where the output is none.

    Raises:
        ValueError: it is at a URL, or the delimiter is not one of those.
    """
    if delimiter not in DELIMITERS:
        raise ValueError(f"--delimiter must be {' or '.join(DELIMITERS)}; got {delimiter}")
    if output is None or not is_sheet(output):
        return None
    if is_url(path := local_path(output)):
        raise ValueError(
            f"--output must be a path of this machine, or end in .parquet at a URL; got {output}"
        )
    return VerdictSheet(Path(path), COLUMNS, delimiter)


def add_row(
    sheet: VerdictSheet, name: str, result: Inspection | ImageError, limits: Threshold | None
) -> None:
    """Add a picture to a sheet, readable or not."""
    if isinstance(result, ImageError):
        sheet.add(failure_row(name, str(result)))
    else:
        sheet.add(verdict_row(result, limits))


def tell_sum(counts: Counter[str], json: bool, sheet: str | None) -> None:
    """Print the sum of a run to stderr, and where its sheet is; nothing for machines."""
    if not json:
        tell(sum_of(counts) + (f"; {sheet}" if sheet else ""))


def print_counts(
    output: str, counts: Counter[str], seconds: float, counted: InspectionIntake, json: bool
) -> None:
    """Print the counts of a table as a line, or with what was left out as one JSON object."""
    intake = tell_table_intake(counted, output)
    if json:
        values = {kind: counts[kind] for kind in ("defect", *KINDS)} | {"seconds": seconds}
        values |= inspected_json(intake)
        print_json({"file": output, "pictures": counts.total(), **values})
        return
    texts = {"file": output, "sum": sum_of(counts), "seconds": f"{seconds:.1f}"}
    say(gettext("%(file)s: %(sum)s, in %(seconds)s s") % texts)

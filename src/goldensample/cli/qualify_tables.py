"""Tables that `golden qualify` reads: what people called parts, and a line's records."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldensample.cli.serve_options import MISSING, explain_missing
from goldensample.errors import ArtifactError, GoldenError

if TYPE_CHECKING:
    from goldensample.datasets.items import Item
    from goldensample.qualification.history import History

Repeat = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR",
        help="The same parts photographed once; give it for each time. Equal names are of one "
        "part.",
    ),
]
Appraisals = Annotated[
    Path | None,
    typer.Option(
        metavar="CSV",
        help="What people called parts: appraiser, part, trial, call, reference (good, defect).",
    ),
]
Sample = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="What --draw-sample wrote: its key tells what the parts of --appraisals are.",
    ),
]
DrawSample = Annotated[
    int | None,
    typer.Option(
        metavar="PARTS",
        help="Write no paper, but a blind sample of so many parts for people to call: numbered "
        "pictures, a table to fill in, and the key apart.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Of --draw-sample; another draws other parts.")]
Records = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="A station's folder, or its records as .csv or .parquet: control charts of the time "
        "since.",
    ),
]
PARQUET = ".parquet"


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, by the names of its columns in small letters.

    Raises:
        GoldenError: it is none.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            first = lines.readline()
            lines.seek(0)
            found = csv.DictReader(lines, delimiter=";" if first.count(";") > 1 else ",")
            return [
                {(k or "").strip().casefold(): v or "" for k, v in row.items()} for row in found
            ]
    except (OSError, UnicodeDecodeError) as error:
        raise GoldenError(f"{path} must be a CSV file in UTF-8; {error}; save it as such") from None


def read_calls(path: Path | None, sample: Path | None) -> tuple[Any, list["Item"]]:
    """Return what people called parts, see `read_appraisals`, and the pictures of a blind sample.

    Args:
        path: the table; None for none.
        sample: folder of the sample; None where the table has the references.

    Raises:
        GoldenError: the table or the sample cannot be used.
        ValueError: there is a sample without a table.
    """
    if path is None and sample is not None:
        raise ValueError("--sample must go with --appraisals, the table of calls; it is not given")
    if path is None:
        return None, []
    from goldensample.qualification.appraisers import read_appraisals
    from goldensample.qualification.blind import read_sample, with_references

    if sample is None:
        return read_appraisals(read_csv(path)), []
    drawn = read_sample(sample)
    calls = read_appraisals(with_references(read_csv(path), drawn))
    return calls, [drawn.items[part] for part in calls[1]]


def read_records(path: Path, product: str) -> "History":
    """Return the history of a product.

    Args:
        path: folder of a station, or a table of records, .csv or .parquet.
        product: its key at the station; a table without the column `product` is of one product.

    Raises:
        GoldenError: it is none of these, or has no records of the product.
    """
    from goldensample.qualification.history import read_history

    rows: Iterable[Mapping[str, Any]]
    if path.is_dir():
        with explain_missing(MISSING):
            from goldensample.station.records.history import history_of
        rows = history_of(path, product)
    else:
        table = _parquet_rows(path) if path.suffix.lower() == PARQUET else read_csv(path)
        names = sorted({str(row["product"]) for row in table if "product" in row})
        if names and product not in names:
            raise GoldenError(
                f"{path} must have records of {product}, as the file is called; it has those of "
                f"{', '.join(names)}; name the file as its product is called at the station"
            )
        rows = [row for row in table if row.get("product", product) == product]
    return read_history(rows, str(path))


def _parquet_rows(path: Path) -> list[dict[str, Any]]:
    from goldensample.storage.verdict_table import check_installed, read_rows

    check_installed()
    try:
        with path.open("rb") as file:
            return read_rows(file)
    except (OSError, ArtifactError) as error:
        raise GoldenError(f"{path} must be a table of records; {error}") from None

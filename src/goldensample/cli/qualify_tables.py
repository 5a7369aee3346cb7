"""Tables that `golden qualify` reads: what people called parts, and a line's records."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldensample.cli.serve_options import MISSING, explain_missing
from goldensample.errors import ArtifactError, GoldenError

if TYPE_CHECKING:
    from goldensample.qualification.history import History

Appraisals = Annotated[
    Path | None,
    typer.Option(
        metavar="CSV",
        help="What people called parts: appraiser, part, trial, call, reference (good, defect).",
    ),
]
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

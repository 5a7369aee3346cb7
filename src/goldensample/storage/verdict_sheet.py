"""Verdicts as a sheet for people: CSV, or Excel's .xlsx, one row a picture."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from goldensample.errors import ArtifactError, GoldenError
from goldensample.storage.atomic import check_writable, write_atomic

ENDINGS = (".csv", ".xlsx")
DELIMITERS = {"comma": ",", "semicolon": ";"}
MOST_ROWS = 2**20 - 1
"""Rows of a sheet of Excel below its header."""
NO_DATE = datetime(1980, 1, 1)
"""Written as the day of making: equal rows give equal bytes."""
INSTALL = (
    'an Excel file must have the extra [excel]; pip install "goldensample[excel]"; '
    "or let --output end in .csv"
)


@dataclass(frozen=True, slots=True)
class VerdictSheet:
    """The rows of a sheet, which is written when all are there.

    Args:
        path: of the file; its ending, .csv or .xlsx, is its format.
        columns: their names, for the header and as keys of the rows.
        delimiter: between the cells of a CSV, a key of `DELIMITERS`.

    Raises:
        GoldenError: XlsxWriter is needed and not installed.
        ArtifactError: the path cannot be written.
    """

    path: Path
    columns: Sequence[str]
    delimiter: str = "comma"
    _rows: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.path.suffix == ".xlsx":
            try:
                import xlsxwriter  # noqa: F401
            except ImportError:
                raise GoldenError(INSTALL) from None
        check_writable(self.path)

    def add(self, values: Mapping[str, Any]) -> None:
        """Append a row; what is not among the columns is left out, what is missing stays blank."""
        self._rows.append([values.get(name) for name in self.columns])

    def write(self) -> None:
        """Write the file atomically.

        Raises:
            ArtifactError: it has more rows than Excel opens, or the disk refused.
        """
        if self.path.suffix == ".csv":
            write_atomic(self.path, encode_csv([self.columns, *self._rows], self.delimiter))
            return
        if len(self._rows) > MOST_ROWS:
            raise ArtifactError(
                f"{self.path} must have at most {MOST_ROWS:,} rows, or Excel does not open it; it "
                f"has {len(self._rows):,}; let --output end in .csv or .parquet"
            )
        write_atomic(self.path, encode_excel(self.columns, self._rows))


def encode_csv(rows: Sequence[Sequence[Any]], delimiter: str = "comma") -> bytes:
    """Return rows as CSV in UTF-8, with the mark by which Excel knows it.

    A cell that a spreadsheet would run as a formula begins with an apostrophe. With semicolons,
    numbers have a decimal comma, as spreadsheets expect where these are used.
    """
    mark = DELIMITERS[delimiter]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=mark, lineterminator="\r\n")
    writer.writerows([[_csv_cell(value, mark == ";") for value in row] for row in rows])
    return file.getvalue().encode("utf-8-sig", "backslashreplace")


def _csv_cell(value: Any, decimal_comma: bool) -> Any:
    if isinstance(value, float) and decimal_comma:
        return str(value).replace(".", ",")
    return escape_formula(value)


def escape_formula(value: Any) -> Any:
    """Return a cell; text that a spreadsheet would run as a formula begins with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value and value[0] in "=+-@\t\r" else value


def encode_excel(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows as an Excel workbook of one sheet, with a header that filters and stays."""
    return encode_workbook({"verdicts": (columns, rows)})


def encode_workbook(sheets: Mapping[str, tuple[Sequence[str], Sequence[Sequence[Any]]]]) -> bytes:
    """Return an Excel workbook.

    Args:
        sheets: columns and rows of each, by its name; each has a header that filters and stays.
    """
    import xlsxwriter

    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file := io.BytesIO(), options) as workbook:
        workbook.set_properties({"created": NO_DATE})
        bold = workbook.add_format({"bold": True})
        for name, (columns, rows) in sheets.items():
            sheet = workbook.add_worksheet(name)
            sheet.write_row(0, 0, columns, bold)
            for number, row in enumerate(rows, start=1):
                for column, value in enumerate(row):
                    if isinstance(value, str):
                        text = value.encode("utf-8", "backslashreplace").decode()
                        sheet.write_string(number, column, text)
                    elif value is not None:
                        sheet.write_number(number, column, value)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, max(1, len(rows)), len(columns) - 1)
            sheet.set_column(0, 0, 40)
    return file.getvalue()

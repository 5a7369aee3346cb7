"""Tables in CSV files, as spreadsheets and label tools write them."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from goldensample.datasets.labels import COLUMNS, plain_name
from goldensample.errors import ImageError
from goldensample.locales.language import gettext, mark

SEPARATORS = {",": mark("a comma"), ";": mark("a semicolon"), "\t": mark("a tab")}
Line = tuple[str, dict[str, str]]
"""Where a line is, and its values by column."""


@dataclass(frozen=True, slots=True)
class Table:
    """The lines of a table that hold a value, and notes on how it was read."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def read_table(path: Path, columns: tuple[str, ...]) -> Table:
    """Read a CSV file.

    The separator is the comma, semicolon or tab that gives the most known columns in the first
    line; a first line such as `sep=;` is passed over. Headings are known by `labels.COLUMNS`, in
    any capitals. The text is in UTF-8, or in UTF-16 with its mark.

    Args:
        path: the file.
        columns: those that must be there.

    Raises:
        ImageError: the file cannot be read, a column is missing or there twice, or a line has too
            many values.
    """
    text = _read_text(path)
    skipped = text.lower().startswith("sep=")
    text = text.split("\n", 1)[-1] if skipped else text
    separator = max(SEPARATORS, key=lambda one: len(_known(_headings(text, one), columns)))
    headings = _headings(text, separator)
    missing = [name for name in columns if name not in headings]
    if missing:
        raise ImageError(
            f"{path} must have the columns {', '.join(columns)}; {', '.join(missing)} "
            f"is missing in its first line, {_first_line(text)!r}; add it"
        )
    twice = sorted(name for name in _known(headings, columns) if headings.count(name) > 1)
    if twice:
        raise ImageError(f"{path} must name each column once; {', '.join(twice)} is there twice")
    try:
        stream = io.StringIO(text, newline="")
        reader = csv.reader(stream, delimiter=separator, strict=True, skipinitialspace=True)
        next(reader)
        rows = [(f"{path}, line {reader.line_num + skipped}", row) for row in reader]
    except csv.Error as error:
        raise ImageError(f"{path} must be a readable CSV file in UTF-8; {error}") from error
    lines = tuple(_line(where, headings, row) for where, row in rows if any(map(str.strip, row)))
    text = gettext("the values of %(file)s are read with %(separator)s between them")
    note = text % {"file": path.name, "separator": gettext(SEPARATORS[separator])}
    return Table(lines, () if separator == "," else (note,))


def _read_text(path: Path) -> str:
    """Return a file's text without its byte order mark."""
    try:
        data = path.read_bytes()
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        return data.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ImageError(f"{path} must be a readable CSV file in UTF-8; {error}") from error


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0].strip()


def _headings(text: str, separator: str) -> list[str]:
    """Return the columns that the first line names; of two names for one, the more usual counts."""
    first = next(csv.reader([_first_line(text)], delimiter=separator, skipinitialspace=True), [])
    names = [plain_name(name) for name in first]
    for column, known in COLUMNS.items():
        usual = next((name for name in known if name in names), column)
        names = [column if name == usual else name for name in names]
    return names


def _known(headings: list[str], columns: tuple[str, ...]) -> set[str]:
    return set(headings) & {*COLUMNS, *columns}


def _line(location: str, headings: list[str], row: list[str]) -> Line:
    """Return a line; values that are missing at its end are empty."""
    if any(map(str.strip, row[len(headings) :])) or len(row) > len(headings) + 1:
        raise ImageError(
            f"{location}: a line must have at most as many values as the first; it has more; put "
            "values with a comma between double quotes"
        )
    values = [text.strip() for text in row[: len(headings)]]
    return location, dict(zip(headings, values + [""] * (len(headings) - len(values)), strict=True))

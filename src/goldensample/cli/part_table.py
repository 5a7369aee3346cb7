"""`golden part inspect --output`: a table of parts, CSV, Excel or Parquet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldensample.parts.words import part_columns
from goldensample.storage.atomic import check_writable, write_atomic
from goldensample.storage.verdict_sheet import DELIMITERS, ENDINGS, VerdictSheet
from goldensample.storage.verdict_table import check_installed, encode_columns

PARQUET = ".parquet"


@dataclass(frozen=True, slots=True)
class PartTable:
    """The rows of a Parquet table of parts, which is written when all are there."""

    path: Path
    columns: tuple[str, ...]
    _rows: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, values: Mapping[str, Any]) -> None:
        """Append a row; what is missing stays blank."""
        self._rows.append(values)

    def write(self) -> None:
        """Write the file atomically."""
        kinds = {n: float if n.endswith(("score", "p_value")) else str for n in self.columns}
        write_atomic(self.path, encode_columns(kinds, self._rows))


def open_table(
    output: Path | None, views: tuple[str, ...], delimiter: str
) -> PartTable | VerdictSheet | None:
    """Return the table to fill, or None where no output is asked for.

    Raises:
        ValueError: the ending or the delimiter is none of those.
        GoldenError: what it takes is not installed.
    """
    if delimiter not in DELIMITERS:
        raise ValueError(f"--delimiter must be {' or '.join(DELIMITERS)}; got {delimiter}")
    if output is None:
        return None
    if output.suffix in ENDINGS:
        return VerdictSheet(output, part_columns(views), delimiter)
    if output.suffix != PARQUET:
        raise ValueError(f"--output must end in {', '.join((*ENDINGS, PARQUET))}; got {output}")
    check_installed()
    check_writable(output)
    return PartTable(output, part_columns(views))

"""Verdicts of many pictures as one Parquet table. The only module that imports pyarrow.

A table is joined from parts, each a Parquet file of its own, so that many pictures can be inspected
in parts, on any machine and in any order.
"""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from goldensample.errors import ArtifactError, GoldenError

ROWS = 8192
"""Minimum rows of a row group, except the last: a reader holds one group in memory at a time."""
INSTALL = 'a table of verdicts must have the extra [parquet]; pip install "goldensample[parquet]"'


def check_installed() -> None:
    """Make sure, before long work, that tables can be written.

    Raises:
        GoldenError: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise GoldenError(INSTALL) from None


def schema() -> Any:
    """Return the columns, the same for all options.

    They are those of `golden inspect --json`; `grey_levels`, 32 for as many or more; and `digest`,
    equal for pictures of equal pixels.
    """
    import pyarrow as pa

    sides = pa.list_(pa.int32())
    region = {
        "box_px": sides,
        "area_px": pa.int64(),
        "peak": pa.float64(),
        "peak_px": sides,
        "nearest_good": pa.struct(
            {"picture": pa.string(), "row_px": pa.float64(), "column_px": pa.float64()}
        ),
        "zone": pa.string(),
        "zone_limit": pa.float64(),
        "distance": pa.float64(),
        "p_value": pa.float64(),
        "contour_px": pa.list_(pa.list_(pa.list_(pa.float64()))),
        "box_mm": pa.list_(pa.float64()),
        "area_mm2": pa.float64(),
    }
    columns = {
        "picture": pa.string(),
        "path": pa.string(),
        "verdict": pa.string(),
        "score": pa.float64(),
        "p_value": pa.float64(),
        "threshold": pa.float64(),
        "review_threshold": pa.float64(),
        "pixel_threshold": pa.float64(),
        "regions": pa.list_(pa.struct(region)),
        "inspected_px": sides,
        "note": pa.string(),
        "heat_map": pa.string(),
        "error": pa.string(),
        "grey_levels": pa.int32(),
        "digest": pa.string(),
    }
    return pa.schema(columns)


def encode(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as a Parquet part; missing columns are null."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([_to_unicode(row) for row in rows], schema=schema())
    pq.write_table(table, file := io.BytesIO(), compression="zstd")
    return file.getvalue()


def encode_columns(columns: Mapping[str, type], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as a Parquet table of columns of text (str) or numbers (float)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {name: pa.string() if kind is str else pa.float64() for name, kind in columns.items()}
    table = pa.Table.from_pylist([_to_unicode(row) for row in rows], schema=pa.schema(kinds))
    pq.write_table(table, file := io.BytesIO(), compression="zstd")
    return file.getvalue()


def _to_unicode(value: Any) -> Any:
    """Return a value with all strings valid Unicode, as file names may not be: "\\udcff"."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {name: _to_unicode(item) for name, item in value.items()}
    return [_to_unicode(item) for item in value] if isinstance(value, list | tuple) else value


def join(
    parts: Iterable[tuple[str, bytes, Sequence[str]]], file: BinaryIO, metadata: Mapping[str, str]
) -> Iterator[Counter[str]]:
    """Write parts as one table; one row group is held in memory at a time.

    Args:
        parts: (location, contents, names of the pictures that its rows must have, in order).
        file: the output.
        metadata: key-value metadata of the table.

    Yields:
        For each part, the number of pictures by verdict; "none" without one, or "error".

    Raises:
        ArtifactError: a part is incomplete, or of other pictures.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table_schema = schema().with_metadata(dict(metadata))
    with pq.ParquetWriter(file, table_schema, compression="zstd") as writer:
        buffer: list[Any] = []
        for location, data, names in parts:
            table = _read(location, data, names)
            yield _count(table)
            buffer.append(table)
            if sum(map(len, buffer)) >= ROWS:
                group = pa.concat_tables(buffer).cast(table_schema)
                writer.write_table(group, row_group_size=2 * ROWS)
                buffer.clear()
        if buffer:
            group = pa.concat_tables(buffer).cast(table_schema)
            writer.write_table(group, row_group_size=2 * ROWS)


def _read(location: str, data: bytes, names: Sequence[str]) -> Any:
    """Return a part as a table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data), schema=schema())
        fits = table["picture"].to_pylist() == _to_unicode(names)
    except (pa.ArrowException, OSError):
        fits = False
    if not fits:
        raise ArtifactError(
            f"{location} must be a whole part, of its own pictures; it is not; delete it, and go "
            "on with --resume"
        )
    return table


def _count(table: Any) -> Counter[str]:
    """Count the verdicts of a table."""
    rows = zip(table["verdict"].to_pylist(), table["error"].to_pylist(), strict=True)
    return Counter("error" if error is not None else verdict or "none" for verdict, error in rows)


def read_metadata(file: BinaryIO) -> dict[str, str]:
    """Return the key-value metadata of a table; none where the file is no table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(file).metadata or {}
    except (pa.ArrowException, OSError):
        return {}
    return {name.decode(): value.decode() for name, value in metadata.items()}


def read_rows(file: BinaryIO) -> list[dict[str, Any]]:
    """Return the rows of any table, by the names of their columns.

    Raises:
        ArtifactError: the file is no table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise ArtifactError(f"the file must be a Parquet table; it is not ({error})") from None
    return rows


def count_verdicts(file: BinaryIO) -> Counter[str]:
    """Return the number of pictures of a table by verdict, as `join` does for parts."""
    import pyarrow.parquet as pq

    return _count(pq.read_table(file, columns=["verdict", "error"]))


def read_facts(file: BinaryIO) -> Iterator[tuple[str, int, str]]:
    """Yield name, grey levels and digest of each picture of a table that could be read."""
    import pyarrow.parquet as pq

    columns = ["picture", "grey_levels", "digest"]
    for batch in pq.ParquetFile(file).iter_batches(columns=columns):
        rows = zip(*(batch[name].to_pylist() for name in columns), strict=True)
        yield from (row for row in rows if row[2])

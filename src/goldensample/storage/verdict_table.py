"""Verdicts of many pictures as one table, a Parquet file. The only room that knows pyarrow.

A table is made of parts, each a Parquet file of its own, so that work on many pictures can be done
in pieces, anywhere and in any order.
"""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from goldensample.errors import ArtifactError, GoldenError

ROWS = 8192
"""Of a row group, at least, all but the last: what a reader holds in memory at a time."""
INSTALL = (
    "a table of verdicts must have the extra [parquet]; install it with "
    "pip install 'goldensample[parquet]'"
)


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
    """Return the columns, those of `golden inspect --json`, the same whatever was asked for."""
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
    }
    return pa.schema(columns)


def encode(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as a part; what a row lacks is null."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([_readable(row) for row in rows], schema=schema())
    pq.write_table(table, file := io.BytesIO(), compression="zstd")
    return file.getvalue()


def _readable(value: Any) -> Any:
    """Return a value with all texts in Unicode, as names of files may be none: "\\udcff"."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {name: _readable(one) for name, one in value.items()}
    return [_readable(one) for one in value] if isinstance(value, list | tuple) else value


def join(
    parts: Iterable[tuple[str, bytes, Sequence[str]]], file: BinaryIO, about: Mapping[str, str]
) -> Iterator[Counter[str]]:
    """Write parts as one table; one row group is held in memory at a time.

    Args:
        parts: where each is, what it holds, and which pictures its rows must be of, in order.
        file: is written to.
        about: names and values that the table carries.

    Yields:
        For each part, how many pictures had which verdict, "none" without one, or an "error".

    Raises:
        ArtifactError: a part is not whole, or of other pictures.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = schema().with_metadata(dict(about))
    with pq.ParquetWriter(file, kind, compression="zstd") as writer:
        waiting: list[Any] = []
        for place, data, names in parts:
            table = _read(place, data, names)
            yield _counts(table)
            waiting.append(table)
            if sum(map(len, waiting)) >= ROWS:
                writer.write_table(pa.concat_tables(waiting).cast(kind), row_group_size=2 * ROWS)
                waiting.clear()
        if waiting:
            writer.write_table(pa.concat_tables(waiting).cast(kind), row_group_size=2 * ROWS)


def _read(place: str, data: bytes, names: Sequence[str]) -> Any:
    """Return a part as a table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data), schema=schema())
        fits = table["picture"].to_pylist() == _readable(names)
    except (pa.ArrowException, OSError):
        fits = False
    if not fits:
        raise ArtifactError(
            f"{place} must be a whole part, of its own pictures; it is not; delete it, and go on "
            "with --resume"
        )
    return table


def _counts(table: Any) -> Counter[str]:
    """Count the verdicts of a table."""
    both = zip(table["verdict"].to_pylist(), table["error"].to_pylist(), strict=True)
    return Counter("error" if error is not None else verdict or "none" for verdict, error in both)


def read_about(file: BinaryIO) -> dict[str, str]:
    """Return the names and values that a table carries; none where it is no table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        known = pq.read_schema(file).metadata or {}
    except (pa.ArrowException, OSError):
        return {}
    return {name.decode(): value.decode() for name, value in known.items()}


def count(file: BinaryIO) -> Counter[str]:
    """Return how many pictures of a table had which verdict, as `join` tells of parts."""
    import pyarrow.parquet as pq

    return _counts(pq.read_table(file, columns=["verdict", "error"]))

"""`golden inspect --output`: verdicts on many pictures as a table, each picture exactly once.

Pictures are cut into parts, and the rows of each are a file in `NAME.partial`, written whole or not
at all. A run that is stopped, by whatever, leaves parts that --resume does not do again. In the end
they are joined, in order. A part hangs on its pictures alone, so the table is the same wherever and
however often its parts were made.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from goldensample.cli.console import progress, tell
from goldensample.cli.table_part import PART, Asked, Part, Places, Task, inspect_part, name_of
from goldensample.cli.table_run import about_of, finished, partial_of, parts_of, run_of
from goldensample.errors import ArtifactError
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.storage import verdict_table
from goldensample.storage.atomic import check_writable
from goldensample.storage.locations import is_url, local
from goldensample.storage.output_folder import Shelf, parent_of

Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="TABLE",
        help="Write one row a picture to this .parquet file: a path, or a URL.",
    ),
]
HeatMaps = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="With --output: write each heat map as DIR/NAME.npy, float16, in the score's unit; a "
        "path, or a URL.",
    ),
]
GoOn = Annotated[
    bool,
    typer.Option("--resume", help="With --output: go on from the parts that a stopped run left."),
]
READERS = 8
"""Parts that are fetched at a time to be joined."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table to be written, and how.

    Args:
        output: its path or URL.
        runner: name of where the work is done.
        resume: go on from the parts of a stopped run.
        heat_maps: folder, or its URL, that heat maps are written to; or None.
        batch: pictures at a time; changes the speed only.

    Raises:
        ValueError: the name does not end in .parquet.
    """

    output: str
    runner: str
    resume: bool
    heat_maps: str | None
    batch: int

    def __post_init__(self) -> None:
        if not self.output.endswith(".parquet"):
            raise ValueError(f"--output must end in .parquet; got {self.output}")


def check_together(output: str | None, given: Mapping[str, object]) -> None:
    """Refuse options that must go with --output, or without it; `given` has their values."""
    for name, value in given.items():
        alone = name in ("--report", "--masks", "--coco", "--watch")
        if value and alone == bool(output):
            how = "without --output; inspect those pictures that matter again" if alone else ""
            raise ValueError(f"{name} must go {how or 'with --output; got it alone'}")


def write_table(
    table: Table, file: Path, inspector: Inspector, pictures: Folder, asked: Asked
) -> Counter[str]:
    """Inspect pictures on a runner and write the table of their verdicts.

    Args:
        table: where, and how.
        file: that the inspector was loaded from.
        inspector: in the precision, and with the limits, that are asked for.
        pictures: all, in the order of the rows.
        asked: what else rows hang on.

    Returns:
        How many pictures had which verdict, "none" without one, or an "error".

    Raises:
        ArtifactError: the table or a part cannot be written, or parts are of another run.
        StoreError: a store does not answer.
        RunnerError: the machines cannot be had or were lost.
    """
    verdict_table.check_installed()
    output, data = local(table.output), file.read_bytes()
    if not is_url(output):
        check_writable(Path(output))
    heat_maps = Shelf(local(table.heat_maps)) if table.heat_maps else None
    if heat_maps:
        _check_heat_maps(pictures.names, heat_maps, output)
    about = about_of(file, data, inspector)
    run = run_of([about, asdict(asked), table.heat_maps], pictures)
    if table.resume and (known := finished(output, run)) is not None:
        tell(f"golden: {table.output} is finished already, and of the very same pictures")
        return known
    places = Places(parts_of(output, run, table.resume), heat_maps, f".{run}")
    left = _left(places.parts, pictures, output)
    places.open()
    if left:
        _inspect(table, Task(data, inspector, asked, places, table.batch), pictures, left)
    counts = _join(places.parts, output, pictures, {**about, "run": run})
    places.close()
    partial_of(output).remove()
    return counts


def _inspect(table: Table, task: Task, pictures: Folder, left: Sequence[int]) -> None:
    """Inspect the parts that are left, on a runner."""
    from goldensample.ray_runner import open_runner

    output = local(table.output)
    local_ones = any(isinstance(path, Path) and not path.is_absolute() for path in pictures.paths)
    folder = None if is_url(output) else Path(output).parent
    if local_ones:  # workers must then find them from this folder
        folder = folder or Path()
    with open_runner(table.runner, folder) as runner, progress() as notify:
        items = (Part(number, _part(pictures, number)) for number in left)
        total, done = _count(pictures, left), 0
        notify("inspect", 0, total)
        try:
            for count in runner.run(inspect_part, task, items):
                done += count
                notify("inspect", done, total)
        except KeyboardInterrupt:
            tell("\ngolden: stopped; --resume goes on from the parts that are done")
            raise


def _part(pictures: Folder, number: int) -> Folder:
    return pictures.part(number * PART, PART)


def _total(pictures: Folder) -> int:
    return -(-len(pictures) // PART)


def _count(pictures: Folder, numbers: Sequence[int]) -> int:
    """Return how many pictures some parts have."""
    return sum(min(PART, len(pictures) - number * PART) for number in numbers)


def _left(parts: Shelf, pictures: Folder, output: str) -> list[int]:
    """Return the numbers of the parts that are still to be done."""
    there = parts.names()
    left = [n for n in range(_total(pictures)) if name_of(n) not in there]
    if done := len(pictures) - _count(pictures, left):
        name = parent_of(partial_of(output).place)[1]
        tell(f"golden: going on from the verdicts on {done:,} pictures in {name}")
    return left


def _check_heat_maps(names: Sequence[str], heat_maps: Shelf, output: str) -> None:
    """Refuse names that lead out of the folder of heat maps, and the table itself as the folder."""
    if heat_maps.place.rstrip("/") == output:
        raise ValueError(f"--heat-maps must be another place than --output; got {output} for both")
    for name in names:
        if name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise ArtifactError(f"a heat map must lie in {heat_maps.place}; that of {name} cannot")


def _join(parts: Shelf, output: str, pictures: Folder, about: Mapping[str, str]) -> Counter[str]:
    """Join all parts into the output, in order."""

    def found() -> Iterator[tuple[str, bytes, Sequence[str]]]:
        total = _total(pictures)
        with ThreadPoolExecutor(READERS) as pool:
            for first in range(0, total, READERS):
                numbers = range(first, min(first + READERS, total))
                read = pool.map(parts.read, map(name_of, numbers))
                for number, data in zip(numbers, read, strict=True):
                    yield parts.at(name_of(number)), data, _part(pictures, number).names

    counts: Counter[str] = Counter()
    with parts.writing("whole", output) as file:
        for known in verdict_table.join(found(), file, about):
            counts.update(known)
    return counts

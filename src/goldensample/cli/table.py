"""`golden inspect --output`: verdicts on many pictures as a table, each picture exactly once.

The pictures are split into parts, and the rows of each part are a file in `NAME.partial`, written
atomically. A run that is stopped leaves parts that --resume does not compute again. At the end they
are joined, in order. A part depends on its pictures alone, so the table is the same on whatever
machine, and however often, its parts were computed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from goldensample.cli.console import progress, tell
from goldensample.cli.table_part import (
    PART_SIZE,
    InspectOptions,
    OutputFolders,
    Part,
    Task,
    heat_map_name,
    inspect_part,
    part_name,
)
from goldensample.cli.table_run import (
    finished_counts,
    open_parts,
    partial_folder,
    run_id,
    table_metadata,
)
from goldensample.errors import ArtifactError
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import counted, gettext
from goldensample.storage import verdict_table
from goldensample.storage.atomic import check_writable
from goldensample.storage.locations import is_url, local_path
from goldensample.storage.output_folder import OutputFolder, split_path

Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="TABLE",
        help="Write one row a picture to this .csv or .xlsx file, or .parquet, which may be a URL.",
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
ResumeTable = Annotated[
    bool,
    typer.Option("--resume", help="With --output: go on from the parts that a stopped run left."),
]
READERS = 8
"""Parts that are read at a time when they are joined."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table to write, and how.

    Args:
        output: its path or URL.
        runner: name of the runner.
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
            raise ValueError(f"--output must end in .csv, .xlsx or .parquet; got {self.output}")

    @property
    def file(self) -> Path | None:
        """The table on a disk of this machine; None at a URL."""
        path = local_path(self.output)
        return None if is_url(path) else Path(path)


def check_compatible(
    output: str | None, table_options: Mapping[str, object], other_options: Mapping[str, object]
) -> None:
    """Refuse options of a table without --output, and with it those that must go without."""
    for name, value in table_options.items():
        if value and not output:
            raise ValueError(f"{name} must go with an --output that ends in .parquet; it does not")
    for name, value in other_options.items():
        if value and output:
            raise ValueError(
                f"{name} must go without an --output in .parquet; take .csv or .xlsx, or inspect "
                "those pictures that matter again"
            )


def write_table(
    table: Table, file: Path, inspector: Inspector, pictures: Folder, options: InspectOptions
) -> Counter[str]:
    """Inspect pictures on a runner and write the table of their verdicts.

    Args:
        table: its path, and how it is computed.
        file: that the inspector was loaded from.
        inspector: in the precision, and with the limits, of the options.
        pictures: all, in the order of the rows.
        options: what else the rows depend on.

    Returns:
        The number of pictures with each verdict, "none" without one, and of each "error".

    Raises:
        ArtifactError: the table or a part cannot be written, or parts are of another run.
        StoreError: a store does not answer.
        RunnerError: the machines cannot be reached or were lost.
    """
    verdict_table.check_installed()
    output, data = local_path(table.output), file.read_bytes()
    if not is_url(output):
        check_writable(Path(output))
    heat_maps = OutputFolder(local_path(table.heat_maps)) if table.heat_maps else None
    if heat_maps:
        _check_heat_maps(pictures.names, heat_maps, output)
    metadata = table_metadata(file, data, inspector)
    run = run_id([metadata, options.identity(), table.heat_maps], pictures)
    if table.resume and (counts := finished_counts(output, run)) is not None:
        text = gettext("golden: %(file)s is finished already, and of the very same pictures")
        tell(text % {"file": table.output})
        return counts
    outputs = OutputFolders(open_parts(output, run, table.resume), heat_maps, f".{run}")
    remaining = _remaining(outputs.parts, pictures, output)
    outputs.write_markers()
    if remaining:
        task = Task(data, inspector, options, outputs, table.batch)
        _inspect(table, task, pictures, remaining)
    counts = _join(outputs.parts, output, pictures, {**metadata, "run": run})
    outputs.remove_marker()
    partial_folder(output).remove()
    return counts


def _inspect(table: Table, task: Task, pictures: Folder, remaining: Sequence[int]) -> None:
    """Inspect the remaining parts on a runner."""
    from goldensample.ray_runner import open_runner

    output = local_path(table.output)
    any_relative = any(isinstance(path, Path) and not path.is_absolute() for path in pictures.paths)
    folder = None if is_url(output) else Path(output).parent
    if any_relative:  # workers must then find the pictures from this folder
        folder = folder or Path()
    with open_runner(table.runner, folder) as runner, progress() as notify:
        items = (Part(number, _part(pictures, number)) for number in remaining)
        total, done = _count(pictures, remaining), 0
        notify("inspect", 0, total)
        try:
            for count in runner.run(inspect_part, task, items):
                done += count
                notify("inspect", done, total)
        except KeyboardInterrupt:
            tell("\n" + gettext("golden: stopped; --resume goes on from the parts that are done"))
            raise


def _part(pictures: Folder, number: int) -> Folder:
    return pictures.part(number * PART_SIZE, PART_SIZE)


def _part_count(pictures: Folder) -> int:
    return -(-len(pictures) // PART_SIZE)


def _count(pictures: Folder, numbers: Sequence[int]) -> int:
    """Return the number of pictures in parts of these numbers."""
    return sum(min(PART_SIZE, len(pictures) - number * PART_SIZE) for number in numbers)


def _remaining(parts: OutputFolder, pictures: Folder, output: str) -> list[int]:
    """Return the numbers of the parts that are still to be computed."""
    present = parts.names()
    remaining = [n for n in range(_part_count(pictures)) if part_name(n) not in present]
    if done := len(pictures) - _count(pictures, remaining):
        name = split_path(partial_folder(output).location)[1]
        text = gettext("golden: going on from the verdicts on %(pictures)s in %(file)s")
        pictures_done = counted("%(num)s picture", "%(num)s pictures", done)
        tell(text % {"pictures": pictures_done, "file": name})
    return remaining


def _check_heat_maps(names: Sequence[str], heat_maps: OutputFolder, output: str) -> None:
    """Refuse names that lead out of the folder of heat maps, and the table itself as the folder."""
    if heat_maps.location.rstrip("/") == output:
        raise ValueError(f"--heat-maps must be another place than --output; got {output} for both")
    files: dict[str, str] = {}
    for name in names:
        if (other := files.setdefault(heat_map_name(name), name)) != name:
            raise ArtifactError(
                f"a heat map must have a name of its own; {other} and {name} would both be "
                f"{heat_map_name(name)}; rename one, or inspect them apart"
            )
        if name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise ArtifactError(
                f"a heat map must lie in {heat_maps.location}; that of {name} cannot"
            )


def _join(
    parts: OutputFolder, output: str, pictures: Folder, metadata: Mapping[str, str]
) -> Counter[str]:
    """Join all parts into the output, in order."""

    def encoded_parts() -> Iterator[tuple[str, bytes, Sequence[str]]]:
        total = _part_count(pictures)
        with ThreadPoolExecutor(READERS) as pool:
            for first in range(0, total, READERS):
                numbers = range(first, min(first + READERS, total))
                contents = pool.map(parts.read, map(part_name, numbers))
                for number, data in zip(numbers, contents, strict=True):
                    yield parts.path(part_name(number)), data, _part(pictures, number).names

    counts: Counter[str] = Counter()
    with parts.open_writer("whole", output) as file:
        for part_counts in verdict_table.join(encoded_parts(), file, metadata):
            counts.update(part_counts)
    return counts

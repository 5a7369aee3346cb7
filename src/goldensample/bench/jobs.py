"""Carry out the runs of suites, several at a time, and keep each result as it comes."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from goldensample.bench.machine import cores
from goldensample.bench.running import Key, Opened, Workshop, key_of
from goldensample.bench.runs import Run
from goldensample.errors import GoldenError
from goldensample.graphs.join import join
from goldensample.graphs.open_backbone import open_backbone
from goldensample.records import Notify
from goldensample.runners import Runner, here
from goldensample.storage.atomic import write_atomic


@dataclass(frozen=True, slots=True)
class Task:
    """A run with what is done about it: features taken from disk, heat maps kept."""

    run: Run
    kept: bool
    maps: bool


def raw_file(output: Path, name: str) -> Path:
    """Return where a run's result is."""
    return output / "raw" / f"{name}.json"


def maps_file(output: Path, name: str) -> Path:
    """Return where a run's heat maps are."""
    return output / "maps" / f"{name}.npz"


def waiting(runs: Mapping[str, tuple[Run, bool]], output: Path) -> list[Task]:
    """Return the runs that have no result yet, those with the same data and network together.

    Args:
        runs: by name, each with whether its heat maps are wanted.
        output: folder of the results.

    Features are kept where more than one of the runs can use them, but never for times.
    """
    left = [
        (run, maps)
        for name, (run, maps) in runs.items()
        if not raw_file(output, name).is_file() or (maps and not maps_file(output, name).is_file())
    ]
    users = Counter(_shared(run) for run, _ in left if not run.timed)
    tasks = [Task(run, not run.timed and users[_shared(run)] > 1, maps) for run, maps in left]
    return sorted(tasks, key=lambda task: (task.run.timed, _shared(task.run)))


def _shared(run: Run) -> tuple[str, ...]:
    """Return what runs must have in common to use the same features."""
    category = run.category
    networks = [source.name for source in run.sources]
    return (category.data_set, category.name, str((networks, run.levels, run.preparation)))


def carry_out(
    tasks: Sequence[Task], output: Path, jobs: int, notify: Notify, runner: Runner = here
) -> dict[str, str]:
    """Carry out runs; those that are timed come last, alone, one after the other.

    Args:
        tasks: from `waiting`.
        output: folder of the results.
        jobs: processes at a time; changes no result.
        notify: told ("pictures of all runs", pictures done, pictures).
        runner: does the runs that are not timed; its machines share the folder of the results.

    Returns:
        Why runs failed, by their names.
    """
    networks = opened(tasks)
    failures: dict[str, str] = {}
    done, total = 0, sum(task.run.pictures for task in tasks)
    notify("pictures of all runs", 0, total)
    together = [task for task in tasks if not task.run.timed]
    alone = [task for task in tasks if task.run.timed]
    if jobs > 1 and len(together) > 1:
        results = _in_processes(together, networks, output, jobs)
    else:
        results = _on(runner, together, networks, output)
    for task, reason in chain(results, _on(here, alone, networks, output)):
        if reason:
            failures[task.run.name] = reason
        done += task.run.pictures
        notify("pictures of all runs", done, total)
    return failures


def opened(tasks: Sequence[Task]) -> dict[Key, Opened]:
    """Open each network once; processes are handed what was opened."""
    found: dict[Key, Opened] = {}
    for task in tasks:
        key = key_of(task.run)
        if key in found:
            continue
        sources, levels = key
        networks = [open_backbone(s.opens, levels, s.weights).network for s in sources]
        found[key] = Opened(*join(networks)) if len(networks) > 1 else Opened(networks[0])
    return found


def _on(
    runner: Runner, tasks: Sequence[Task], networks: Mapping[Key, Opened], output: Path
) -> Iterator[tuple[Task, str]]:
    """Give each task as a runner has done it, with why it failed, or ""."""
    workshop = Workshop(networks, output / "features", runner.threads)
    return zip(tasks, runner.run(_do, (workshop, output), tasks), strict=True)


def _in_processes(
    tasks: Sequence[Task], networks: Mapping[Key, Opened], output: Path, jobs: int
) -> Iterator[tuple[Task, str]]:
    """Give each task as it is done by one of several processes, with why it failed, or ""."""
    threads = max(1, cores() // jobs)
    with ProcessPoolExecutor(
        min(jobs, len(tasks)),
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(networks, output, threads),
    ) as pool:
        futures = {pool.submit(_do_here, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


_here: list[tuple[Workshop, Path]] = []
"""The workshop of a process of the pool."""


def _begin(networks: Mapping[Key, Opened], output: Path, threads: int) -> None:
    _here.append((Workshop(networks, output / "features", threads), output))


def _do_here(task: Task) -> str:
    return _do(_here[0], task)


def _do(place: tuple[Workshop, Path], task: Task) -> str:
    """Carry out a task and keep its result; return why it failed, or ""."""
    (workshop, output), name = place, task.run.name
    try:
        raw = workshop.carry_out(
            task.run, task.kept, maps_file(output, name) if task.maps else None
        )
    except (GoldenError, ValueError, MemoryError, ImportError) as error:
        return str(error) or type(error).__name__
    write_atomic(raw_file(output, name), as_bytes(raw))
    return ""


def as_bytes(raw: Mapping[str, Any]) -> bytes:
    """Return a raw result as the bytes of its file."""
    return json.dumps(raw, allow_nan=False, separators=(",", ":")).encode() + b"\n"

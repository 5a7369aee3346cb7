"""Execute the runs of suites in parallel, and write each result as it is computed."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from goldensample.bench.running import LoadedNetwork, NetworkKey, RunExecutor, network_key
from goldensample.bench.runs import Run
from goldensample.bench.submission import missing
from goldensample.errors import GoldenError
from goldensample.graphs.join import join
from goldensample.graphs.open_backbone import open_backbone
from goldensample.native.threads import cores
from goldensample.records import Notify
from goldensample.runners import Runner, local_runner
from goldensample.storage.atomic import write_atomic


@dataclass(frozen=True, slots=True)
class Task:
    """A run, and whether it uses the feature cache and saves its heat maps.

    Args:
        private: number of private pictures whose maps it writes, see `submission`.
    """

    run: Run
    cached: bool
    maps: bool
    private: int = 0

    @property
    def pictures(self) -> int:
        """Number of pictures to process, for the estimate of the remaining time."""
        return self.run.pictures + self.private


def raw_file(output: Path, name: str) -> Path:
    """Return the path of a run's raw result."""
    return output / "raw" / f"{name}.json"


def maps_file(output: Path, name: str) -> Path:
    """Return the path of a run's heat maps."""
    return output / "maps" / f"{name}.npz"


def private_folder(output: Path, name: str) -> Path:
    """Return the folder of a run's maps of private pictures."""
    return output / "private" / name


def pending_tasks(
    runs: Mapping[str, tuple[Run, bool]], output: Path, submit: bool = False
) -> list[Task]:
    """Return the runs without a result, sorted by data and network.

    Args:
        runs: by name, each with whether its heat maps are saved.
        output: folder of the results.
        submit: whether they write the maps of private pictures, too.

    Features are cached where several of the runs share them, but never for timed runs.
    """
    lacking = {
        name: len(missing(run, private_folder(output, name))) if submit else 0
        for name, (run, _) in runs.items()
    }
    unfinished = [
        (run, maps, lacking[name])
        for name, (run, maps) in runs.items()
        if not raw_file(output, name).is_file()
        or (maps and not maps_file(output, name).is_file())
        or lacking[name]
    ]
    sharing = Counter(_feature_key(run) for run, _, _ in unfinished if not run.timed)
    tasks = [
        Task(run, not run.timed and sharing[_feature_key(run)] > 1, maps, private)
        for run, maps, private in unfinished
    ]
    return sorted(tasks, key=lambda task: (task.run.timed, _feature_key(task.run)))


def _feature_key(run: Run) -> tuple[str, ...]:
    """Return the key of the features of a run: data, network, levels and preparation."""
    category = run.category
    networks = [source.name for source in run.sources]
    return (category.data_set, category.name, str((networks, run.levels, run.preparation)))


def run_tasks(
    tasks: Sequence[Task], output: Path, jobs: int, notify: Notify, runner: Runner = local_runner
) -> dict[str, str]:
    """Execute runs; timed runs come last, one at a time.

    Args:
        tasks: from `pending_tasks`.
        output: folder of the results.
        jobs: number of parallel processes; changes no result.
        notify: called with ("pictures of all runs", pictures done, pictures).
        runner: of the untimed runs; its machines share the folder of the results.

    Returns:
        Reasons of failed runs, by name.
    """
    networks = open_networks(tasks)
    failures: dict[str, str] = {}
    done, total = 0, sum(task.pictures for task in tasks)
    notify("pictures of all runs", 0, total)
    untimed = [task for task in tasks if not task.run.timed]
    timed = [task for task in tasks if task.run.timed]
    if jobs > 1 and len(untimed) > 1:
        results = _run_in_processes(untimed, networks, output, jobs)
    else:
        results = _run_on(runner, untimed, networks, output)
    for task, reason in chain(results, _run_on(local_runner, timed, networks, output)):
        if reason:
            failures[task.run.name] = reason
        done += task.pictures
        notify("pictures of all runs", done, total)
    return failures


def open_networks(tasks: Sequence[Task]) -> dict[NetworkKey, LoadedNetwork]:
    """Open each network once; worker processes receive the opened networks."""
    networks: dict[NetworkKey, LoadedNetwork] = {}
    for task in tasks:
        key = network_key(task.run)
        if key in networks:
            continue
        sources, levels = key
        members = [open_backbone(s.backbone, levels, s.weights).network for s in sources]
        networks[key] = (
            LoadedNetwork(*join(members)) if len(members) > 1 else LoadedNetwork(members[0])
        )
    return networks


def _run_on(
    runner: Runner,
    tasks: Sequence[Task],
    networks: Mapping[NetworkKey, LoadedNetwork],
    output: Path,
) -> Iterator[tuple[Task, str]]:
    """Yield each task completed by a runner, with the reason of its failure, or ""."""
    executor = RunExecutor(networks, output / "features", runner.threads)
    return zip(tasks, runner.run(_run_task, (executor, output), tasks), strict=True)


def _run_in_processes(
    tasks: Sequence[Task], networks: Mapping[NetworkKey, LoadedNetwork], output: Path, jobs: int
) -> Iterator[tuple[Task, str]]:
    """Yield each task completed by a process pool, with the reason of its failure, or ""."""
    threads = max(1, cores() // jobs)
    with ProcessPoolExecutor(
        min(jobs, len(tasks)),
        mp_context=get_context("spawn"),
        initializer=_init_process,
        initargs=(networks, output, threads),
    ) as pool:
        futures = {pool.submit(_run_in_process, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


_process_state: list[tuple[RunExecutor, Path]] = []
"""Executor and results folder of a process of the pool."""


def _init_process(networks: Mapping[NetworkKey, LoadedNetwork], output: Path, threads: int) -> None:
    _process_state.append((RunExecutor(networks, output / "features", threads), output))


def _run_in_process(task: Task) -> str:
    return _run_task(_process_state[0], task)


def _run_task(state: tuple[RunExecutor, Path], task: Task) -> str:
    """Execute a task and write its result; return the reason of its failure, or ""."""
    (executor, output), name = state, task.run.name
    try:
        raw = executor.execute(
            task.run,
            task.cached,
            maps_file(output, name) if task.maps else None,
            private_folder(output, name) if task.private else None,
        )
    except (GoldenError, ValueError, MemoryError, ImportError) as error:
        return str(error) or type(error).__name__
    write_atomic(raw_file(output, name), encode_result(raw))
    return ""


def encode_result(raw: Mapping[str, Any]) -> bytes:
    """Return a raw result as JSON bytes."""
    return json.dumps(raw, allow_nan=False, separators=(",", ":")).encode() + b"\n"

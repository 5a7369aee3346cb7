"""`golden bench --list`: the suites, what each lacks, and the runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from goldensample.cli.console import print_json, say

if TYPE_CHECKING:
    from goldensample.bench.data import Category
    from goldensample.bench.runs import Networks, Run
    from goldensample.bench.suites import Suite


def list_suites(
    chosen: Sequence["Suite"], categories: Sequence["Category"], networks: "Networks", json: bool
) -> None:
    """Print each suite and what it lacks here."""
    for suite in chosen:
        lacks = _lacks(suite, categories, networks)
        if json:
            print_json({"suite": suite.name, "title": suite.title, "lacks": lacks})
        else:
            say(f"{suite.name:8} {suite.title}" + "".join(f"\n{'':8} lacks {one}" for one in lacks))


def _lacks(suite: "Suite", categories: Sequence["Category"], networks: "Networks") -> list[str]:
    """Return the data and the weights that a suite would take and does not have."""
    from goldensample.bench.board import ResultsTable
    from goldensample.bench.runs import make_run

    results_table, lacks = ResultsTable(categories, networks, {}, {}), dict[str, None]()
    for panel, _, entry in suite.entries():
        found = results_table.categories_of(panel)
        if not found:
            name = panel.data[0].rstrip("*")
            lacks[f"data: --data {f'{name}=' if name else ''}DIR"] = None
        for category in found:
            run = make_run(entry, category, entry.seeds[0], networks)
            if isinstance(run, str):
                lacks[run.removeprefix("needs ")] = None
    return list(lacks)


def list_runs(runs: Mapping[str, tuple["Run", bool]], output: Path, json: bool) -> None:
    """Print each run, and whether it is done."""
    from goldensample.bench.jobs import raw_file

    for name, (run, _) in runs.items():
        done = raw_file(output, name).is_file()
        if json:
            print_json({"run": name, "done": done, **run.specification()})
        else:
            say(f"{'done' if done else 'to do':6} {name}")

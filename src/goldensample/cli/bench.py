"""`golden bench`: run the experiments of the paper, and write its tables and figures."""

import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldensample.cli.bench_list import list_runs, list_suites
from goldensample.cli.console import failure_list, print_json, progress, say, tell
from goldensample.cli.options import RunnerName
from goldensample.errors import GoldenError

if TYPE_CHECKING:
    from goldensample.bench.board import ResultsTable
    from goldensample.bench.data import Category
    from goldensample.bench.runs import Networks, Run
    from goldensample.bench.suites import Suite
    from goldensample.bench.tables import Table


def command(
    suites: Annotated[
        list[str] | None,
        typer.Argument(metavar="SUITE...", help="Suites that ship, all, or .toml files."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]DIR",
            help="A category or a folder of them; may be given again. Without: views alone.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder of results.", metavar="DIR")] = Path(
        "results"
    ),
    backbone: Annotated[
        str | None, typer.Option(help="Network in place of the paper's Wide ResNet-50.")
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]FILE", help="Weights of the backbone, or of the network named."
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE.py:Class",
            help="A method of your own that a suite names just so; its Python file is run.",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at a time.")] = 1,
    runner: RunnerName = "here",
    only: Annotated[
        str | None, typer.Option(help="Run only what has this text in its name.", metavar="TEXT")
    ] = None,
    submission: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write what MVTec AD 2's server takes, of one method, to DIR and DIR.tar.gz.",
        ),
    ] = None,
    list_: Annotated[
        bool,
        typer.Option(
            "--list",
            help="List the suites, what each lacks, and the runs and whether they are done; run "
            "nothing.",
        ),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a row, or a run with --list.")
    ] = False,
) -> None:
    """Run the suites of the paper on your data, and write tables and figures beside its numbers.

    The suites are table1 to table6, tableS1, fig4 to fig6, figS1, trained (methods that train a
    network: hours on a processor), and mvtec_loco and mvtec_ad_2 (by those data sets' own
    measures). Each run leaves one file in DIR/raw; what is there is not run again, so a run that
    was broken off goes on. DIR/README.md joins all that has been run.
    """
    from goldensample.bench import board
    from goldensample.bench import jobs as bench_jobs
    from goldensample.bench import submission as bench_submission
    from goldensample.bench import suites as bench_suites
    from goldensample.bench.data import find_categories
    from goldensample.ray_runner import open_runner

    if method and (jobs > 1 or runner != "here"):
        raise ValueError("--method must go without --jobs and --runner; it runs in one process")
    if jobs > 1 and runner != "here":
        raise ValueError("--jobs must go with --runner here; a cluster knows its own number")
    if not suites and not list_:
        raise ValueError("SUITE must name one or more suites, or all; see golden bench --list")
    chosen = [bench_suites.read_suite(name) for name in _suite_names(suites or ["all"])]
    networks = _networks(backbone, weights or [], method or [])
    categories = find_categories(data or [])
    runs = _runs(chosen, categories, networks, only)
    if list_:
        list_suites(chosen, categories, networks, json)
        list_runs(runs, output, json)
        return
    if submission:
        bench_submission.check_runs(runs, submission)
    failures: dict[str, str] = {}
    if tasks := bench_jobs.pending_tasks(runs, output, submission is not None):
        tell(f"{len(tasks)} of {len(runs)} runs to do")
        with open_runner(runner, output) as workers, progress() as notify:
            failures = bench_jobs.run_tasks(tasks, output, jobs, notify, workers)
    results = board.read_results(output)
    all_categories = board.merge_categories(categories, results)
    results_table = board.ResultsTable(all_categories, networks, results, failures)
    _show_all(chosen, results_table, output, json)
    if failures:
        raise GoldenError(
            f"every run must end well; {len(failures)} did not:{failure_list(failures)}"
        )
    if submission:
        folders = [
            (run, bench_jobs.private_folder(output, name)) for name, (run, _) in runs.items()
        ]
        tell(f"to upload: {bench_submission.write_submission(folders, submission)}")


def _suite_names(arguments: Sequence[str]) -> list[str]:
    """Return the names of suites, each once, with all that ship in place of "all"."""
    from goldensample.bench.suites import BUILT_IN

    names = (BUILT_IN if name == "all" else [name] for name in arguments)
    return list(dict.fromkeys(chain.from_iterable(names)))


def _networks(backbone: str | None, weights: Sequence[str], methods: Sequence[str]) -> "Networks":
    """Return the networks and their weights, and own methods.

    A file of weights without a name belongs to the backbone.
    """
    from goldensample.artifact.own_method import open_method
    from goldensample.bench.runs import Networks

    files: dict[str, str] = {}
    for text in weights:
        name, equals, file = text.partition("=")
        if not (equals and name.startswith("timm:")):
            if not backbone:
                raise ValueError(
                    f"weights must be NAME=FILE where no backbone is given; got {text}"
                )
            name, file = backbone, text
        files[name] = file
    return Networks(backbone, files, {text: open_method(text) for text in methods})


def _runs(
    chosen: Sequence["Suite"],
    categories: Sequence["Category"],
    networks: "Networks",
    only: str | None,
) -> Mapping[str, tuple["Run", bool]]:
    """Return the runs of all suites by name, each with whether its heat maps are saved."""
    from goldensample.bench.board import ResultsTable
    from goldensample.bench.runs import make_run

    results_table = ResultsTable(categories, networks, {}, {})
    runs: dict[str, tuple[Run, bool]] = {}
    for suite in chosen:
        for panel, _, entry in suite.entries():
            for category in results_table.categories_of(panel):
                for seed in entry.seeds:
                    run = make_run(entry, category, seed, networks)
                    if isinstance(run, str):
                        continue
                    name = run.name
                    if only is None or only in name:
                        runs[name] = (run, suite.maps or runs.get(name, (run, False))[1])
    return runs


def _show_all(
    chosen: Sequence["Suite"], results_table: "ResultsTable", output: Path, json: bool
) -> None:
    """Write and print the tables and figures of suites, and write the page of all results."""
    from goldensample.bench import page, plots
    from goldensample.bench.suites import BUILT_IN, read_suite

    for suite in chosen:
        _show(page.write_views(suite, results_table, output), suite.name, json)
    if not plots.can_draw() and any(suite.view == "curve" for suite in chosen):
        tell(plots.INSTALL)
    shipped = [read_suite(name) for name in BUILT_IN]
    custom = [suite for suite in chosen if suite.name not in BUILT_IN]
    tell(f"all results: {page.write_page([*shipped, *custom], results_table, output)}")


def _show(tables: Sequence["Table"], suite: str, json: bool) -> None:
    """Print tables: by rich on a terminal, in Markdown elsewhere, or as one JSON object a row."""
    for table in tables:
        if json:
            for row in table.rows:
                cells = dict(zip(table.unique_columns(), row, strict=True))
                print_json({"suite": suite, "table": table.title, **cells})
        elif sys.stdout.isatty():
            _draw(table)
        else:
            say(table.markdown())


def _draw(table: "Table") -> None:
    from rich.console import Console
    from rich.table import Table as RichTable

    rich_table = RichTable(title=table.title, caption="\n".join(table.notes), title_justify="left")
    for number, column in enumerate(table.columns):
        rich_table.add_column(column, justify="right" if number else "left")
    for row in table.rows:
        rich_table.add_row(*row)
    Console(markup=False).print(rich_table)

"""`golden bench`: the tables and figures of the paper, by command."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.options import RunnerName
from goldensample.errors import GoldenError

if TYPE_CHECKING:
    from goldensample.bench.data import Category
    from goldensample.bench.runs import Networks, Run
    from goldensample.bench.suites import Suite
    from goldensample.bench.tables import Table


def command(
    suites: Annotated[
        list[str], typer.Argument(metavar="SUITE...", help="Suites that ship, all, or .toml files.")
    ],
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
    jobs: Annotated[int, typer.Option(min=1, help="Processes at a time.")] = 1,
    runner: RunnerName = "here",
    only: Annotated[
        str | None, typer.Option(help="Run only what has this text in its name.", metavar="TEXT")
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="List the runs and whether they are done; run nothing.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a row, or a run with --list.")
    ] = False,
) -> None:
    """Run the suites of the paper on your data, and write tables and figures beside its numbers.

    The suites are table1 to table6, tableS1, fig4 to fig6 and figS1. Each run leaves one file in
    DIR/raw; what is there is not run again, so a run that was broken off goes on. DIR/README.md
    joins all that has been run.
    """
    from goldensample.bench import board, page, plots
    from goldensample.bench import jobs as carrying
    from goldensample.bench import suites as shelf
    from goldensample.bench.data import find_categories
    from goldensample.ray_runner import open_runner

    if jobs > 1 and runner != "here":
        raise ValueError("--jobs must go with --runner here; a cluster knows its own number")
    chosen = [shelf.read_suite(name) for name in _names(suites)]
    networks = _networks(backbone, weights or [])
    given = find_categories(data or [])
    runs = _runs(chosen, given, networks, only)
    if list_:
        _list(runs, output, json)
        return
    failures: dict[str, str] = {}
    if tasks := carrying.waiting(runs, output):
        tell(f"{len(tasks)} of {len(runs)} runs to do")
        with open_runner(runner, output) as workers, progress() as notify:
            failures = carrying.carry_out(tasks, output, jobs, notify, workers)
    results = board.read_results(output)
    known = board.known_categories(given, results)
    sight = board.Board(known, networks, results, failures)
    for suite in chosen:
        _show(page.write_views(suite, sight, output), suite.name, json)
    if not plots.can_draw() and any(suite.view == "curve" for suite in chosen):
        tell(plots.INSTALL)
    shipped = [shelf.read_suite(name) for name in shelf.SHIPPED]
    own = [suite for suite in chosen if suite.name not in shelf.SHIPPED]
    tell(f"all results: {page.write_page([*shipped, *own], sight, output)}")
    if failures:
        listed = "".join(f"\n  {name}: {why}" for name, why in failures.items())
        raise GoldenError(f"every run must end well; {len(failures)} did not:{listed}")


def _names(given: Sequence[str]) -> list[str]:
    from goldensample.bench.suites import SHIPPED

    return list(dict.fromkeys(n for name in given for n in (SHIPPED if name == "all" else [name])))


def _networks(backbone: str | None, weights: Sequence[str]) -> "Networks":
    """Return the networks at hand; a file without a name is of the backbone."""
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
    return Networks(backbone, files)


def _runs(
    chosen: Sequence["Suite"], given: Sequence["Category"], networks: "Networks", only: str | None
) -> Mapping[str, tuple["Run", bool]]:
    """Return the runs of all suites by name, each once, with whether its maps are wanted."""
    from goldensample.bench.board import Board
    from goldensample.bench.runs import run_of

    sight = Board(given, networks, {}, {})
    found: dict[str, tuple[Run, bool]] = {}
    for suite in chosen:
        for panel, _, entry in suite.entries():
            for category in sight.of(panel):
                for seed in entry.seeds:
                    run = run_of(entry, category, seed, networks)
                    if isinstance(run, str):
                        continue
                    name = run.name
                    if only is None or only in name:
                        found[name] = (run, suite.maps or found.get(name, (run, False))[1])
    return found


def _list(runs: Mapping[str, tuple["Run", bool]], output: Path, json: bool) -> None:
    from goldensample.bench.jobs import raw_file

    for name, (run, _) in runs.items():
        done = raw_file(output, name).is_file()
        if json:
            print_json({"run": name, "done": done, **run.specification()})
        else:
            say(f"{'done' if done else 'to do':6} {name}")


def _show(tables: Sequence["Table"], suite: str, json: bool) -> None:
    """Print tables: drawn on a terminal, in Markdown elsewhere, or as one JSON object a row."""
    for table in tables:
        if json:
            for row in table.rows:
                cells = dict(zip(table.keys(), row, strict=True))
                print_json({"suite": suite, "table": table.title, **cells})
        elif sys.stdout.isatty():
            _draw(table)
        else:
            say(table.markdown())


def _draw(table: "Table") -> None:
    from rich.console import Console
    from rich.table import Table as Drawn

    drawn = Drawn(title=table.title, caption="\n".join(table.notes), title_justify="left")
    for number, column in enumerate(table.columns):
        drawn.add_column(column, justify="right" if number else "left")
    for row in table.rows:
        drawn.add_row(*row)
    Console(markup=False).print(drawn)

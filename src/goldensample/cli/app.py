"""All commands of `golden` together."""

import sys
from io import TextIOWrapper

import typer

from goldensample._version import __version__
from goldensample.cli import (
    audit,
    bench,
    data,
    demo,
    evaluate,
    export,
    fit,
    info,
    inspect,
    learning,
    replicas,
    serve,
    teach_miss,
    thresholds,
    verify,
)
from goldensample.errors import GoldenError

app = typer.Typer(
    name="golden",
    help="Visual inspection that learns from good pictures alone.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("fit")(fit.command)
app.command("audit")(audit.command)
app.command("inspect")(inspect.command)
app.command("evaluate")(evaluate.command)
app.command("export")(export.command)
app.command("thresholds")(thresholds.command)
app.command("verify")(verify.command)
app.command("info")(info.command)
app.command("learn")(learning.learn)
app.command("forget")(learning.forget)
app.command("teach-miss")(teach_miss.command)
app.command("history")(learning.history)
app.command("revert")(learning.revert)
app.add_typer(data.app, name="data")
app.command("bench")(bench.command)
app.command("serve")(serve.command)
app.command("replicas")(replicas.command)
app.command("demo")(demo.command)


def _print_version(value: bool) -> None:
    if value:
        print(f"golden {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    debug: bool = typer.Option(False, "--debug", help="Show a traceback for every error."),
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_print_version, is_eager=True
    ),
) -> None:
    """Visual inspection that learns from good pictures alone.

    Exit codes: 0 done; 1 a defect was found (only with --fail-on-defect); 2 wrong use or input.
    """


def main() -> None:
    """Run the command line; a user error ends in one message and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # a name that a console cannot show must not end a run
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            raise
        is_user_error = isinstance(error, (GoldenError, ValueError, OSError))
        origin = "" if is_user_error else f"an error of golden itself, {type(error).__name__}: "
        hint = "" if is_user_error else "; golden --debug shows where"
        print(f"golden: {origin}{error}{hint}", file=sys.stderr)
        sys.exit(2)

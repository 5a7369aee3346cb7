"""All commands of `golden` together."""

import atexit
import gc
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperGroup

from goldensample._version import __version__
from goldensample.cli.commands import COMMANDS
from goldensample.cli.usage import tell_refusal
from goldensample.errors import GoldenError
from goldensample.locales.language import LANGUAGES, gettext, mark, of_environment, speak
from goldensample.locales.unmarked import translated


class LazyCommands(TyperGroup):
    """Commands whose modules are imported when they run; help of all of them needs none."""

    def get_help(self, ctx: Any) -> str:
        """Return the help, with what each command is for in the language in use."""
        for name, command in self.commands.items():
            command.short_help = gettext(COMMANDS[name][1])
            command.help = ""
        translate_help(self)
        return super().get_help(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return a command's name, the command, and the arguments that are left for it."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        if stand_in is None:
            return name, stand_in, rest
        command = load_command(args[0])
        add_option(command, next(option for option in self.params if option.name == "language"))
        translate_help(command)
        return name, command, rest


def add_option(command: Any, option: Any) -> None:
    """Add an option to a command that has none of its name, or to those of a group."""
    if option.name not in [other.name for other in command.params]:
        command.params.append(option)
    for inner in getattr(command, "commands", {}).values():
        add_option(inner, option)


def translate_help(command: Any) -> None:
    """Bring the help of a command, of its options and of those of a group into the language."""
    for told in (command, *command.params):
        told.help = translated(gettext(getattr(told, "help", None) or ""))
    for inner in getattr(command, "commands", {}).values():
        translate_help(inner)


def load_command(name: str) -> Any:
    """Import a command, or a group of commands."""
    module, attribute = COMMANDS[name][0].split(".")
    found = getattr(import_module(f"goldensample.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)


def _stand_in() -> None:
    """Stand for a command that is not imported."""


app = typer.Typer(
    name="golden",
    cls=LazyCommands,
    help="Visual inspection that learns from good pictures alone.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
for _name, (_, _help) in COMMANDS.items():
    app.command(_name, short_help=_help)(_stand_in)


def _print_version(value: bool) -> None:
    if value:
        print(f"golden {__version__}")
        raise typer.Exit


def _speak(value: str | None) -> None:
    """Use a language from here on."""
    if value is None:
        return
    if value not in LANGUAGES:
        raise ValueError(f"--language must be one of {', '.join(LANGUAGES)}; got {value!r}")
    speak(value)


@app.callback()
def _main(
    debug: bool = typer.Option(False, "--debug", help="Show a traceback for every error."),
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_print_version, is_eager=True
    ),
    language: str | None = typer.Option(
        None,
        "--language",
        metavar="NAME",
        help=f"Language of texts and reports: {', '.join(LANGUAGES)}; else the environment's.",
        show_default=False,
        callback=_speak,
        is_eager=True,
        expose_value=False,
    ),
) -> None:
    """Visual inspection that learns from good pictures alone.

    Exit codes: 0 done; 1 a defect was found (only with --fail-on-defect); 2 wrong use or input.
    """


def whose(error: Exception) -> str:
    """Return in whose code an unforeseen error came up."""
    from goldensample.artifact.own_method import is_at_fault

    return "your method" if is_at_fault(error.__traceback__) else "golden itself"


UNFORESEEN = {
    "your method": mark("an error of your method, %(kind)s: %(error)s; golden --debug shows where"),
    "golden itself": mark(
        "an error of golden itself, %(kind)s: %(error)s; golden --debug shows where"
    ),
}
"""What is said of an error that nobody foresaw, by whose it is."""


def main() -> None:
    """Run the command line; a user error ends in one message and exit code 2."""
    atexit.register(gc.freeze)  # else all that was imported is searched for cycles at the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # a name that a console cannot show must not end a run
            stream.reconfigure(errors="backslashreplace")
    speak(of_environment(os.environ))
    gc.set_threshold(50_000)  # modules stay: to look through them for garbage takes 0.1 s
    try:
        sys.exit(app(standalone_mode=False))
    except Exception as error:
        if hasattr(error, "show"):  # about options: no class of all typer's versions is above these
            sys.exit(tell_refusal(error))
        if "--debug" in sys.argv[1:]:
            raise
        is_user_error = isinstance(error, (GoldenError, ValueError, OSError))
        text = "%(error)s" if is_user_error else gettext(UNFORESEEN[whose(error)])
        values = {"kind": type(error).__name__, "error": translated(str(error))}
        print(f"golden: {text % values}", file=sys.stderr)
        sys.exit(2)

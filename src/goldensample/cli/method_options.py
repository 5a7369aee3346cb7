"""The options of methods: which one, its knobs, and one's own from a Python file."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, Union, get_type_hints

import typer

from goldensample.cli.extras import check_method
from goldensample.cli.options import parse_rate
from goldensample.methods.protocols import Method
from goldensample.methods.registry import CHOICES, METHODS, is_own

MethodName = Annotated[
    str,
    typer.Option(
        help=f"{', '.join(CHOICES)}; the others are there to compare with. Or FILE.py:Class, a "
        "method of your own in a Python file, which is run."
    ),
]
OwnMethod = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="FILE.py:Class",
        help="Where FILE was fitted with a method of your own: its Python file, which is run.",
    ),
]
Knobs = Annotated[
    list[str] | None,
    typer.Option("--knob", metavar="NAME=VALUE", help="A knob of a method of your own."),
]


def find_kind(name: str) -> type[Method]:
    """Return the class of a method by its name, or of one's own by "FILE.py:Class".

    Raises:
        ValueError: there is none.
        GoldenError: the Python file fails.
    """
    if is_own(name) and (own := open_own(name)):
        return own
    if name not in CHOICES:
        raise ValueError(
            f"--method must be one of {', '.join(CHOICES)}, or FILE.py:Class; got {name!r}"
        )
    return METHODS[name]


def open_own(text: str | None) -> type[Method] | None:
    """Return the class of "FILE.py:Class", see `open_method`; None stays."""
    from goldensample.artifact.own_method import open_method

    return None if text is None else open_method(text)


def build_method(kind: type[Method], knobs: dict[str, Any], device: str = "cpu") -> Method:
    """Return a method with the values of its knobs, to be trained on a device if it is trained.

    Args:
        kind: from `find_kind`.
        knobs: by name; under "", texts of --knob.
        device: "cpu" or "cuda".

    Raises:
        ValueError: a knob belongs to another method, or a value is wrong.
        GoldenError: see `check_method`.
    """
    own = _own_knobs(kind, knobs.get("", []))
    knobs = {name: value for name, value in knobs.items() if name} | own
    names = {field.name for field in fields(kind)}
    for knob in knobs.keys() - names:
        owners = [m for m in CHOICES if knob in METHODS[m].__dataclass_fields__]
        raise ValueError(
            f"--{knob.replace('_', '-')} must go with --method {' or '.join(owners)}; got "
            f"{kind.__name__}"
        )
    return check_method(kind(**knobs, **dict.fromkeys(names & {"device"}, device)))


def _own_knobs(kind: type[Method], texts: list[str]) -> dict[str, Any]:
    """Return knobs from texts NAME=VALUE, as the types that a method declares.

    Raises:
        ValueError: there is no such knob, or the value is of another type.
    """
    hints, knobs = get_type_hints(kind), {}
    names = [field.name for field in fields(kind)]
    for text in texts:
        name, _, value = text.partition("=")
        if name not in names or hints[name] not in (int, float, str):
            known = ", ".join(one for one in names if hints[one] in (int, float, str))
            raise ValueError(f"--knob must be NAME=VALUE, NAME one of {known}; got {text!r}")
        try:
            knobs[name] = hints[name](value)
        except ValueError:
            raise ValueError(
                f"--knob {name} must be a number ({hints[name].__name__}); got {value!r}"
            ) from None
    return knobs


def add_knob_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for every knob of every method, collected in its argument `knobs`.

    Only knobs with a value on the command line are in it, so that a preset can set the others. A
    knob that several methods have is one option; its help is that of the first.
    """
    signature = inspect.signature(command)
    options: dict[str, inspect.Parameter] = {}
    for method, field in ((m, f) for m in CHOICES for f in fields(METHODS[m])):
        if field.name in options or field.name in signature.parameters:
            continue
        parsing: dict[str, Any] = (
            {"parser": parse_rate, "metavar": "NUMBER"} if field.type is float else {}
        )
        about = field.metadata["help"]
        option = typer.Option(
            f"--{field.name.replace('_', '-')}",
            help=f"{about} \\[default: {field.default}]",
            show_default=False,
            rich_help_panel=f"Method: {method}",
            **parsing,
        )
        annotation = Annotated[Union[field.type, None], option]  # type: ignore[name-defined]  # noqa: UP007
        options[field.name] = inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
        )

    def run_command(*_: Any, **values: Any) -> None:
        knobs = {"": values.pop("knob"), **{name: values.pop(name) for name in options}}
        command(**values, knobs={name: v for name, v in knobs.items() if v is not None})

    named = inspect.Parameter(
        "knob", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Knobs
    )
    others = [p for name, p in signature.parameters.items() if name != "knobs"]
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in others]
    parameters += [named, *options.values()]
    run_command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run_command.__annotations__ = {p.name: p.annotation for p in parameters}
    run_command.__doc__ = command.__doc__
    return run_command

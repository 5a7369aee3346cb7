"""`golden cameras`: which GenICam cameras there are, and what keeps one from giving a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldensample.cli.console import print_json, say
from goldensample.cli.doctor import Finding, finding_lines
from goldensample.cli.extras import check_extra
from goldensample.cli.options import Json
from goldensample.cli.serve_options import Producer
from goldensample.locales.language import gettext, language, speaking

if TYPE_CHECKING:
    from goldensample.station.inputs.genicam_diagnosis import Step


def command(
    camera: Annotated[
        str | None,
        typer.Argument(
            metavar="[CAMERA]", help="One alone: genicam:SERIAL?exposure=..., as for golden serve."
        ),
    ] = None,
    producer: Producer = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Keep a frame as a PNG.")
    ] = None,
    json: Json = False,
) -> None:
    """List GenICam cameras, and say step by step what keeps one from giving a picture.

    A driver found? Does it load? Devices? Is one free? A frame? Exit 1 where a step fails.
    """
    check_extra("genicam", "golden cameras")
    from goldensample.station.inputs.genicam_diagnosis import diagnose

    with speaking("en" if json else language()):
        steps = list(diagnose(camera or "genicam:", producer or [], output, bool(camera)))
    if json:
        print_json({"steps": [_json(step) for step in steps]})
    else:
        for line in finding_lines([_finding(step) for step in steps]):
            say(line)
    if not all(step.passed for step in steps):
        raise typer.Exit(1)


def _json(step: "Step") -> dict[str, Any]:
    """Return a step as JSON values."""
    return {"step": step.name, "passed": step.passed, "text": step.text, "remedy": step.remedy}


def _finding(step: "Step") -> Finding:
    """Return a step as `golden doctor` tells what it finds."""
    return Finding(gettext(step.name), "ok" if step.passed else "wrong", step.text, step.remedy)

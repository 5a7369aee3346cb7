"""`golden info`: what a file holds."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from goldensample._version import __version__
from goldensample.cli.console import print_json, say
from goldensample.cli.summary import summary
from goldensample.wording.limits import promise


def command(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A .golden file; without one, the package itself."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what a .golden file holds, after checking all of it; or describe the package."""
    values = _of_package() if file is None else _of_file(file)
    if json:
        print_json(values)
        return
    width = max(map(len, values))
    for name, value in values.items():
        say(f"{name.replace('_', ' '):{width}}  {_words(value)}")


def _words(value: Any) -> str:
    """Return a value as people read it."""
    if isinstance(value, dict):
        return ", ".join(f"{k.replace('_', ' ')} {_words(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return (" x " if isinstance(value[0], int) else ", ").join(map(str, value))
    return "none" if value is None else str(value)


def _of_package() -> dict[str, Any]:
    """Return the version and the built-in network."""
    from hashlib import sha256

    from goldensample.graphs.open_backbone import builtin_graph

    graph = builtin_graph()
    return {
        "goldensample": __version__,
        "builtin_network_sha256": sha256(graph).hexdigest(),
        "builtin_network_bytes": len(graph),
    }


def _of_file(file: Path) -> dict[str, Any]:
    """Return what a file says of itself."""
    from goldensample.artifact.store import load

    inspector = load(file)
    preparation = inspector.preparation
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        **summary(inspector),
        "threshold_in_words": promise(inspector.threshold, inspector.journal),
        "preparation": {
            "size_hw": preparation.size_hw,
            "mode": preparation.mode,
            "crop_hw": preparation.crop_hw,
            "white": preparation.white,
            "looked_at": round(preparation.view.share, 4) if preparation.view else 1.0,
            "aligned": preparation.reference is not None,
            "zones": {zone.name: zone.limit for zone in preparation.zones} or None,
        },
        "method": inspector.method_name,
        "knobs": asdict(inspector.method),
    }

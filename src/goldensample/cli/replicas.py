"""`golden replicas`: the station's API to inspect pictures, served by replicas on many cores."""

from pathlib import Path
from typing import Annotated

import typer

from goldensample.cli.console import tell
from goldensample.cli.serve_options import Token, explain_missing, parse_tokens
from goldensample.locales.language import speak

MISSING = (
    "golden replicas must have the extras [station,ray]; install them with "
    'pip install "goldensample[station,ray]"'
)


def command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="A .golden file a product.")
    ],
    runner: Annotated[
        str,
        typer.Option(
            "--runner",
            metavar="NAME",
            help="Where replicas run: ray, on this machine's cores; auto, on the Ray cluster of "
            "this machine.",
        ),
    ] = "ray",
    host: Annotated[
        str, typer.Option(help="Address to listen on, of the cluster's head.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    most: Annotated[int, typer.Option(min=1, help="Replicas, at most; each takes a core.")] = 8,
    waiting: Annotated[
        int,
        typer.Option(
            min=1, help="Pictures on their way at a time, for each replica, before one is added."
        ),
    ] = 2,
    token: Token = None,
) -> None:
    """Answer the station's API to inspect a picture with many replicas; nothing is kept."""
    from goldensample.ray_runner.address import Address
    from goldensample.ray_runner.replicas import ReplicaOptions, run_replicas

    with explain_missing(MISSING):
        from goldensample.station.products.products import Products
        from goldensample.station.replica import ReplicaSpec, create_app
        from goldensample.station.settings import Settings
    speak("en")  # machines read what it answers
    settings = Settings(folder=Path("."), tokens=parse_tokens(token or []), host=host)
    products = Products(files, lambda product, message: None)
    spec = ReplicaSpec(settings, {product.key: product.path.read_bytes() for product in products})
    del products
    options = ReplicaOptions(Address(host, port), most, waiting, settings.waiting)
    run_replicas(runner, create_app, spec, options, tell)

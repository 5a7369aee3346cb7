"""`golden replicas`: the station's API to inspect pictures, on as many processors as it needs."""

from pathlib import Path
from typing import Annotated

import typer

from goldensample.cli.console import tell
from goldensample.cli.serve import tokens_of

MISSING = (
    "golden replicas must have the extras [station,ray]; install them with "
    "pip install 'goldensample[station,ray]'"
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
    token: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE:SECRET",
            help="operator:SECRET or engineer:SECRET, or a file of such lines; again for more.",
        ),
    ] = None,
) -> None:
    """Answer the station's API to inspect a picture with many replicas; nothing is kept."""
    from goldensample.ray_runner.address import Address
    from goldensample.ray_runner.replicas import Wanted, run_replicas

    try:
        from goldensample.station.products.products import Products
        from goldensample.station.replica import Copies, make
        from goldensample.station.settings import Settings
    except ModuleNotFoundError as error:
        raise ValueError(MISSING) from error
    tokens = dict(pair for given in token or [] for pair in tokens_of(given))
    settings = Settings(folder=Path("."), tokens=tokens, host=host)
    products = Products(files, lambda product, words: None)
    copies = Copies(settings, {one.key: one.path.read_bytes() for one in products})
    del products
    wanted = Wanted(Address(host, port), most, waiting, settings.waiting)
    run_replicas(runner, make, copies, wanted, tell)

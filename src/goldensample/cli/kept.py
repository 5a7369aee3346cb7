"""The features that a fit keeps on disk, and that a stopped one leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from goldensample.backbones import Backbone
from goldensample.cli.show import tell
from goldensample.extracting import level_shapes
from goldensample.folders import Folder
from goldensample.preparation import Preparation
from goldensample.spool import Spool, open_spool

Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the features that a stopped fit has left.")
]


@contextmanager
def spooled(
    output: Path,
    pictures: Folder,
    network: Backbone,
    preparation: Preparation,
    held_out: int,
    resume: bool,
) -> Iterator[Spool]:
    """Give the place beside the output where features are kept until the output is written.

    Whatever ends the work before that leaves them for --resume.
    """
    of = {
        "pictures": pictures.stamps(),
        "held_out": held_out,
        "network": [network.network.source_sha256, *network.network.levels],
        "preparation": asdict(replace(preparation, white=pictures.white)),
    }
    path = output.with_name(f"{output.name}.partial")
    if path.exists() and not resume:
        tell(f"golden: replacing {path.name} of a stopped fit; --resume would have gone on from it")
    kept = open_spool(path, of, level_shapes(preparation, network), resume)
    if len(kept):
        tell(f"golden: going on from the features of {len(kept):,} pictures in {path.name}")
    try:
        yield kept
    except KeyboardInterrupt:
        done = f"{len(kept):,} pictures in {path.name}"
        tell(f"\ngolden: stopped; --resume goes on from the features of {done}")
        raise
    kept.remove()

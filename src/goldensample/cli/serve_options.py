"""Options of `golden serve` on what is kept, what is set up, and the first start."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from goldensample.station.settings import Settings

MISSING = 'golden serve must have the extra [station]; install it with pip install ".[station]"'
Pictures = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Let engineers choose pictures for a new product below this folder."
    ),
]
Network = Annotated[
    str, typer.Option(help="Network of products that are set up: builtin, timm:NAME or onnx:FILE.")
]
KeepDays = Annotated[float, typer.Option(help="Days that pictures called good stay.")]
KeepDefectDays = Annotated[
    float, typer.Option(help="Days that all others, and those that people answered, stay.")
]
KeepGb = Annotated[
    float, typer.Option(help="GB of all pictures; beyond, the oldest good ones go first.")
]
Demo = Annotated[
    bool, typer.Option("--demo", help="Render parts, learn one product and show it; a first look.")
]


def with_kept(
    settings: "Settings", keep: tuple[float, float, float], pictures: Path | None, backbone: str
) -> "Settings":
    """Return settings with what is kept and what can be set up.

    Args:
        settings: the others.
        keep: days, days of defects, gigabytes.
        pictures: None for no folder to choose from.
        backbone: of new products.

    Raises:
        ValueError: a number is out of its range, or the folder is none.
    """
    from goldensample.station.settings import Keep

    if pictures is not None and not pictures.is_dir():
        raise ValueError(f"--pictures must be a folder; {pictures} is not; give another")
    days, defect_days, gigabytes = keep
    kept = Keep(days=days, defect_days=defect_days, limit_bytes=round(gigabytes * 1e9))
    return replace(settings, keep=kept, pictures=pictures, backbone=backbone)


def first_start(folder: Path) -> Path:
    """Make the demo's product where an earlier start has not; return its pictures."""
    from goldensample.cli.console import progress

    try:
        from goldensample.station.demo import prepare
    except ModuleNotFoundError as error:
        raise ValueError(MISSING) from error

    with progress() as notify:
        return prepare(folder, notify)

"""Options of `golden serve` on access, retention, new products and the demo."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from goldensample.station.settings import Settings

MISSING = 'golden serve must have the extra [station]; pip install "goldensample[station]"'
Token = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ROLE:SECRET",
        help="operator:SECRET or engineer:SECRET, or a file of such lines; again for more.",
    ),
]
Pictures = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Let engineers choose pictures for a new product below this folder."
    ),
]
Network = Annotated[
    str,
    typer.Option(
        help="Network of products that are set up: builtin, effnet-lite0 to 2, timm:NAME or "
        "onnx:FILE."
    ),
]
KEEP_GB = 100.0
"""What pictures may take by default, on a disk that is large enough."""
KeepDays = Annotated[float, typer.Option(help="Days that pictures called good stay.")]
KeepDefectDays = Annotated[
    float, typer.Option(help="Days that all others, and those that people answered, stay.")
]
KeepGb = Annotated[
    float | None,
    typer.Option(
        help="GB of all pictures; beyond, the oldest good ones go first. \\[default: 100, or four "
        "fifths of a smaller disk]",
        show_default=False,
    ),
]
ConfirmLearning = Annotated[
    bool | None,
    typer.Option(
        "--confirm-learning/--learn-at-once",
        help="Whether what an operator calls good is learned only when an engineer agrees. "
        "\\[default: where there are roles (--token)]",
        show_default=False,
    ),
]
Language = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Language of the pages: de, en, ko or zh_Hans. \\[default: what the browser asks for]",
        show_default=False,
    ),
]
Producer = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Driver (.cti) of a GenICam camera's maker; again for more. \\[default: those in "
        "GENICAM_GENTL64_PATH]",
        show_default=False,
    ),
]
DeadlineOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Answer a part as an error that has no verdict by then: 800ms, 1.5s."
    ),
]
NamePattern = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help="For --watch PART=DIR: how the names of pictures tell part and view, without the "
        'ending; folders may be part of it, as in "{serial}/{view}".',
    ),
]
PartWait = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="For --watch PART=DIR: after this time from its first picture a part is answered as "
        "an error that lacks a view: 30s, 500ms.",
    ),
]
ReadCode = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PART/VIEW",
        help="Read the serial number from the DataMatrix, QR or bar code in the pictures of a "
        "view, or of a PRODUCT; again for more. Extra [codes].",
    ),
]
Shifts = Annotated[
    str | None,
    typer.Option(
        metavar="TIMES",
        help="When shifts begin, by this machine's clock: 06:00,14:00,22:00. Live and History "
        "then offer this shift.",
    ),
]
Demo = Annotated[
    bool, typer.Option("--demo", help="Render parts, learn one product and show it; a first look.")
]


@contextmanager
def explain_missing(message: str) -> Iterator[None]:
    """Turn a failed import into an error that says what to install.

    Raises:
        ValueError: a module imported within is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ValueError(message) from error


def parse_tokens(values: Iterable[str]) -> dict[str, str]:
    """Return the role of each token, from ROLE:SECRET or files with such lines."""
    roles: dict[str, str] = {}
    for value in values:
        path = Path(value)
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [value]
        pairs = [line.strip().partition(":") for line in lines if line.strip()]
        if not all(secret for _, _, secret in pairs):
            raise ValueError("--token must be ROLE:SECRET, or a file of such lines; it is not")
        roles |= {secret: role for role, _, secret in pairs}
    return roles


def parse_deadline(text: str | None) -> float | None:
    """Return the seconds of --deadline, or None; see `parse_time`."""
    return None if text is None else parse_time(text, "--deadline")


def parse_time(text: str, option: str) -> float:
    """Return the seconds of a time such as 800ms or 1.5s.

    Raises:
        ValueError: it is none.
    """
    unit = 1000.0 if text.endswith("ms") else 1.0
    try:
        return float(text.removesuffix("ms").removesuffix("s")) / unit
    except ValueError:
        raise ValueError(f"{option} must be a time such as 800ms or 1.5s; got {text!r}") from None


def with_retention(
    settings: "Settings",
    keep: tuple[float, float, float | None],
    pictures: Path | None,
    backbone: str,
) -> "Settings":
    """Return settings with retention limits and the options for new products.

    Args:
        settings: of the station; not changed.
        keep: days, days of defects, gigabytes; None for what suits the disk.
        pictures: None for no folder to choose from.
        backbone: of new products.

    Raises:
        ValueError: a number is out of its range, or the folder is none.
    """
    from goldensample.station.settings import RetentionLimits

    if pictures is not None and not pictures.is_dir():
        raise ValueError(f"--pictures must be a folder; {pictures} is not; give another")
    days, defect_days, gigabytes = keep
    if gigabytes is None:
        gigabytes = min(KEEP_GB, 0.8 * _disk_gb(settings.folder))
    limits = RetentionLimits(days=days, defect_days=defect_days, limit_bytes=round(gigabytes * 1e9))
    return replace(settings, retention=limits, pictures=pictures, backbone=backbone)


def with_shifts(settings: "Settings", text: str | None) -> "Settings":
    """Return settings with the times at which shifts begin.

    Raises:
        ValueError: the text is no list of times.
    """
    from goldensample.station.shifts import parse_shifts

    return settings if text is None else replace(settings, shifts=parse_shifts(text))


def _disk_gb(folder: Path) -> float:
    """Return the size of the disk that a folder is on, or will be."""
    folder = folder.absolute()
    there = next(one for one in (folder, *folder.parents) if one.exists())
    return shutil.disk_usage(there).total / 1e9


def prepare_demo(folder: Path) -> Path:
    """Set up the demo product unless an earlier start did; return the folder of its pictures."""
    from goldensample.cli.console import progress

    with explain_missing(MISSING):
        from goldensample.station.demo import prepare

    with progress() as notify:
        return prepare(folder, notify)

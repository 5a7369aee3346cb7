"""Options that several commands have, parsers of their values, and options for knobs."""

import re
from pathlib import Path
from typing import Annotated

import typer

from goldensample.images.grey_range import GreyRange

UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


GoldenFile = Annotated[Path, typer.Argument(metavar="FILE", help="A .golden file.")]
GoodPaths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Good pictures: folders, files, globs.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ReportFolder = Annotated[Path | None, typer.Option(help="Write DIR/report.html.", metavar="DIR")]
PdfFile = Annotated[
    Path | None,
    typer.Option("--pdf", help="Write the report as a PDF, too (extra [pdf]).", metavar="FILE"),
]
Weights = Annotated[
    str | None, typer.Option(help="File of weights for timm:NAME (.safetensors, .pth).")
]
Backbones = Annotated[
    list[str] | None,
    typer.Option(
        help="builtin, effnet-lite0 to 2, timm:NAME, onnx:FILE or pixels; several, each with its "
        "own --backbone, make an ensemble. \\[default: builtin; pixels for methods trained on them]"
    ),
]
WeightsFiles = Annotated[
    list[str] | None,
    typer.Option(help="File of weights for timm:NAME (.safetensors, .pth); one for each."),
]
Device = Annotated[
    str, typer.Option(help="cpu, or cuda for timm networks and for methods that are trained.")
]
Layout = Annotated[
    str, typer.Option(help="A layout that golden data list names; else it is looked for.")
]
Labels = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Masks from a label tool, found by what the file holds: COCO, CVAT or Label Studio "
        "(a file), LabelMe or Pascal VOC (a folder). DATASET may then be any folder of pictures.",
    ),
]
CategoryName = Annotated[str, typer.Option(help="Which category, where the data set has several.")]
PathColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The column of the table that names the pictures, where golden fit is given a table "
        "with columns of its own; of other splits than train and labels than good none is learned.",
    ),
]
Levels = Annotated[
    str | None,
    typer.Option(
        help="Levels of the network, finest first; of a vision transformer its blocks, counted "
        "from 0; pixels before them is the picture itself. \\[default: 2,3; blocks at half and at "
        "three quarters of the depth; for students pixels,2,3]"
    ),
]
Size = Annotated[
    str | None,
    typer.Option(help="HxW canvas, aspect kept. \\[default: about 256x256 of area]"),
]
Tile = Annotated[
    bool,
    typer.Option(
        "--tile",
        help="Resize nothing: the network sees large pictures in overlapping tiles, which leave no "
        "seams.",
    ),
]
Resize = Annotated[str | None, typer.Option(help="N: the shorter side; HxW: exactly, stretched.")]
Crop = Annotated[str | None, typer.Option(help="N or HxW: look only at the centre.")]
Precision = Annotated[
    str,
    typer.Option(
        help="fp32, bf16 or int8 for the network; auto is the fastest that proves itself at fit, "
        "and then what the file was fitted with."
    ),
]
Ignore = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What is never looked at: a picture of the form of the others, white there, or a JSON "
        "file of polygons.",
    ),
]
RoiFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The only part that is looked at; a file as for --ignore."),
]
ZonesFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="JSON file of parts of the picture with other limits, as polygons or masks: 2 is "
        "twice as tolerant, 0.5 twice as strict.",
    ),
]
Thumbnails = Annotated[
    bool,
    typer.Option(
        "--thumbnails",
        help="Keep small pictures of the good ones in the file, to show them beside defects.",
    ),
]
Lot = Annotated[
    str, typer.Option(help="The lot's name or number, for the report. \\[default: the folder]")
]
Operator = Annotated[str, typer.Option(help="Who inspects, for the report.")]
RunnerName = Annotated[
    str,
    typer.Option(
        "--runner",
        metavar="NAME",
        help="Where the work is done: here; ray, on all cores; ray://HOST:PORT or auto, on a Ray "
        "cluster that runs.",
    ),
]
SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out pictures that cannot be read.")
]


GreyRangeText = Annotated[
    str | None,
    typer.Option(
        "--grey-range",
        metavar="BLACK,WHITE",
        help="For pictures of more than 8 bits: the sample values that become black and white, "
        "here and at every inspection. \\[default: chosen from the pictures, with room beyond]",
    ),
]


def parse_grey_range(text: str | None) -> GreyRange | None:
    """Read "28000,31000" as the grey range from black 28000 to white 31000; None stays None."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise typer.BadParameter(f"--grey-range must be BLACK,WHITE, such as 0,4095; got {text!r}")
    return GreyRange(int(parts[0]), int(parts[1]))


def parse_rate(text: str | float) -> float:
    """Read "10%" or "0.1" as 0.1, and "auto" as 0; any other number stays as it is."""
    stripped = str(text).strip()
    if stripped == "auto":
        return 0.0
    try:
        value = float(stripped.removesuffix("%"))
        if not stripped.endswith("%"):
            return value
        if value <= 100:
            return value / 100
        raise typer.BadParameter(f"must be at most 100%; got {text!r}")
    except ValueError:
        raise typer.BadParameter(f"must be a number or a percentage; got {text!r}") from None


def parse_bytes(text: str) -> int:
    """Read "2GB" as 2,000,000,000; MB, GB, MiB and GiB are known."""
    match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]+)\s*", text)
    try:
        return int(float(match[1]) * UNITS[match[2].upper()]) if match else int(text)
    except (ValueError, KeyError):
        raise typer.BadParameter(f"must be a size such as 2GB or 800MB; got {text!r}") from None


def parse_size(text: str) -> tuple[int, int]:
    """Read "480x640" as (480, 640), height first, and "256" as (256, 256)."""
    parts = str(text).lower().split("x")
    digits = all(part.isascii() and part.isdecimal() and int(part) > 0 for part in parts)
    if len(parts) > 2 or not digits:
        raise typer.BadParameter(f"must be N or HEIGHTxWIDTH in pixels; got {text!r}")
    return int(parts[0]), int(parts[-1])


def parse_levels(text: str | None) -> tuple[str, ...] | None:
    """Read "2,3" as ("2", "3"); None stays."""
    if text is None:
        return None
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if len(set(names)) < len(names):
        raise typer.BadParameter(f"must name each level once; got {text!r}")
    return names


Memory = Annotated[
    int | None,
    typer.Option(
        parser=parse_bytes,
        metavar="SIZE",
        help="Memory to stay under, such as 2GB; a bank that does not fit is chosen by the "
        "streaming coreset, or refused. \\[default: 80% of the machine's]",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the features that a stopped fit has left.")
]

"""`golden part`: parts of several views, with one verdict and one promise for the part."""

from dataclasses import asdict
from os.path import relpath
from pathlib import Path
from typing import Annotated

import typer

from goldensample.artifact.store import load
from goldensample.cli.console import print_json, say
from goldensample.cli.options import Json, parse_rate
from goldensample.cli.part_inspect import PartFile, PartRate, calibrate, inspect
from goldensample.locales.language import counted, gettext
from goldensample.parts.inspector import PartInspector, load_part
from goldensample.parts.manifest import ENDING, PartManifest, View, hash_file, write_manifest
from goldensample.parts.rule import risk
from goldensample.parts.words import promise, risk_lines
from goldensample.wording.limits import promise as promise_of_view

app = typer.Typer(
    help="Parts of several views: one verdict, with a promise for the part.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("new")
def new(
    name: Annotated[
        Path, typer.Argument(metavar="NAME", help="Of the file to write: NAME.golden-part.")
    ],
    view: Annotated[
        list[str],
        typer.Option(metavar="VIEW=FILE", help="A view and its .golden file; one for each view."),
    ],
    optional: Annotated[
        list[str] | None,
        typer.Option(metavar="VIEW", help="A view that a part may lack; one for each."),
    ] = None,
    false_alarms: PartRate = None,
    json: Json = False,
) -> None:
    """Put views together to a part: a small file that names the views' files and their checksums.

    The files stay where they are; keep them beside it or below it. Until it is calibrated on whole
    good parts, a part is a defect where one of its k views is, each at a k-th of the rate.
    """
    path = name if name.suffix == ENDING else name.with_name(name.name + ENDING)
    views = [parse_view(text, path.absolute().parent) for text in view]
    names = [one.name for one in views]
    for one in optional or ():
        if one not in names:
            raise ValueError(f"--optional must name a view of {', '.join(names)}; got {one}")
    views = [
        View(one.name, one.file, one.sha256, one.name not in (optional or ())) for one in views
    ]
    rate = 0.05 if false_alarms is None else false_alarms
    write_manifest(path, PartManifest(tuple(views), rate))
    show(path, load_part(path), json)


def parse_view(text: str, folder: Path) -> View:
    """Read "left=left.golden" as a view; its file as seen from the part's folder."""
    name, mark, given = text.partition("=")
    if not mark or not given:
        raise ValueError(f"--view must be VIEW=FILE, such as left=left.golden; got {text!r}")
    if not Path(given).is_file():
        raise ValueError(f"--view must name a .golden file; {given} is not there")
    return View(name, Path(relpath(given, folder)).as_posix(), hash_file(Path(given)))


@app.command("info")
def info(part: PartFile, json: Json = False) -> None:
    """Say what a part's file holds and promises, after checking it and its views' files."""
    show(part, load_part(part), json)


def show(path: Path, part: PartInspector, json: bool) -> None:
    """Print what a part is and promises."""
    manifest = part.manifest
    calibration = manifest.calibration
    if json:
        print_json(
            {
                "file": str(path),
                "views": [asdict(view) for view in manifest.views],
                "false_alarms": manifest.false_alarms,
                "rule": "whole parts" if calibration else "views",
                "calibrated_on": len(calibration.parts) if calibration else 0,
                "least_rate": part.least_rate,
                "proven_rate": part.proven_rate(),
            }
        )
        return
    views = counted("%(num)s view", "%(num)s views", len(manifest.views))
    say(gettext("%(file)s: a part of %(views)s") % {"file": path, "views": views})
    for view, inspector in zip(manifest.views, part.inspectors, strict=True):
        note = "" if view.required else gettext(", may be missing")
        limits = gettext("limits %(promise)s") % {"promise": promise_of_view(inspector.threshold)}
        say(f"  {view.name}: {view.file}{note}; {limits}")
    say(gettext("verdicts: %(promise)s") % {"promise": promise(part)})


ViewCount = Annotated[
    int | None, typer.Option(min=1, help="Without files: how many views there will be.")
]
EachRate = Annotated[
    float | None,
    typer.Option(
        "--rate",
        parser=parse_rate,
        metavar="RATE",
        help="With --views: each view's rate, as 1%.",
    ),
]
WantedRate = Annotated[
    float | None,
    typer.Option(
        parser=parse_rate,
        metavar="RATE",
        help="Of good parts called defects. \\[default: as the part has it, else 5%]",
    ),
]


@app.command("risk")
def tell_risk(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="A .golden-part file, or .golden files of views."),
    ] = None,
    views: ViewCount = None,
    rate: EachRate = None,
    wanted: WantedRate = None,
    json: Json = False,
) -> None:
    """Tell how many good parts are called defects where any view is, and what to set instead.

    20 views at 1 % make 18 %.
    """
    if (views is None) == (not files) or (views is None) != (rate is None):
        raise ValueError("files, or --views with --rate, must be given; got neither, or both")
    if views is not None and rate is not None:
        rates, asked = {str(k): rate for k in range(1, views + 1)}, None
    else:
        rates, asked = rates_of(files or [])
    if not all(0 < one < 1 for one in (*rates.values(), wanted or asked or 0.05)):
        raise ValueError("a rate must be in (0, 1), such as 1%; it is not")
    want, found = wanted or asked or 0.05, risk(list(rates.values()))
    if json:
        print_json({"views": rates, **asdict(found), "wanted": want, "set_each": want / len(rates)})
        return
    for line in risk_lines(rates, found, want):
        say(line)


def rates_of(files: list[Path]) -> tuple[dict[str, float], float | None]:
    """Return each view's rate of false alarms, and the part's where there is one."""
    if len(files) == 1 and files[0].suffix == ENDING:
        part = load_part(files[0])
        named = dict(zip(part.manifest.names, part.inspectors, strict=True))
        asked: float | None = part.manifest.false_alarms
    else:
        named, asked = {file.name: load(file) for file in files}, None
    rates = {}
    for name, inspector in named.items():
        limits = inspector.threshold
        if limits is None or limits.false_alarms is None:
            raise ValueError(
                f"every view must have a rate of false alarms; that of {name} is not known; set it "
                "with golden thresholds --set, or give --views and --rate"
            )
        rates[name] = limits.false_alarms
    return rates, asked


app.command("calibrate")(calibrate)
app.command("inspect")(inspect)

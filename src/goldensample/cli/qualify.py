"""`golden qualify`: the paper that an inspection is released with."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.extras import check_extra
from goldensample.cli.method_options import OwnMethod, open_own
from goldensample.cli.options import GoldenFile, Json, Operator, parse_rate
from goldensample.cli.qualify_tables import (
    Appraisals,
    DrawSample,
    Records,
    Repeat,
    Sample,
    Seed,
    read_calls,
    read_records,
)
from goldensample.locales.language import gettext

if TYPE_CHECKING:
    from goldensample.datasets.items import Item
    from goldensample.inspection.inspector import Inspector


def command(
    file: GoldenFile,
    good: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Good parts of another day than those of the fit."),
    ],
    defects: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Defects; a folder in it is the kind of those in there."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the paper is written.")
    ],
    masks: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Masks of the defects, in the folders of their pictures. \\[default: ground_truth "
            "and its like beside the defects]",
        ),
    ] = None,
    repeat: Repeat = None,
    appraisals: Appraisals = None,
    sample: Sample = None,
    draw_sample: DrawSample = None,
    seed: Seed = 0,
    mm_per_px: Annotated[
        float | None,
        typer.Option(metavar="MM", help="Millimetres of a pixel; else sizes are in pixels."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            parser=parse_rate,
            metavar="RATE",
            help="Rate of false alarms to prove, such as 1%. \\[default: that of the file]",
        ),
    ] = None,
    lot_size: Annotated[
        int | None,
        typer.Option(min=1, help="Parts of a lot, to say what a sample of it proves."),
    ] = None,
    records: Records = None,
    synthetic: Annotated[
        bool | None,
        typer.Option(
            help="Draw synthetic defects into the good pictures: what is found by size and "
            "contrast, and where on the part. \\[default: with fewer than 40 defects]",
        ),
    ] = None,
    operator: Operator = "",
    json: Json = False,
    method: OwnMethod = None,
) -> None:
    """Write the paper of a release: what an inspection finds, what it costs, and how sure that is.

    It is a page that opens from disk, a PDF, an Excel file of all figures, JSON, and the counts as
    Q-DAS reads them (.dfq). Each section says what it rests on and what it does not show.
    """
    check_extra("qualify", "golden qualify")
    _check(mm_per_px, rate)
    from goldensample.artifact.store import load
    from goldensample.qualification.build import Question, qualify
    from goldensample.qualification.files import FILES, write
    from goldensample.qualification.pictures import defect_items, good_items
    from goldensample.report.facts import Occasion
    from goldensample.report.pdf_pages import check_font
    from goldensample.storage.atomic import check_writable

    check_font()
    if draw_sample is not None:
        _draw(load(file, open_own(method)), good_items(good), defect_items(defects, masks),
              draw_sample, seed, output)  # fmt: skip
        return
    for name in FILES:
        check_writable(output / name)
    calls, appraised = read_calls(appraisals, sample)
    question = Question(
        good=good_items(good),
        defects=defect_items(defects, masks),
        repeats=[good_items(folder) for folder in repeat or []],
        appraisals=calls,
        appraised=appraised,
        mm_per_px=mm_per_px,
        rate=rate,
        lot=lot_size,
        history=read_records(records, file.stem) if records else None,
        synthetic=synthetic,
    )
    made = datetime.now().astimezone()
    occasion = Occasion(operator=operator, date=f"{made:%Y-%m-%d %H:%M %Z}", file=file.name)
    with progress() as notify:
        paper = qualify(load(file, open_own(method)), file, occasion, question, notify)
    write(paper, output, made)
    if json:
        print_json(paper.as_json())
        return
    for section in paper.sections:
        say(f"{section.title}: {section.answer[0]}")
    tell(f"{output}: {', '.join(FILES)}")


def _draw(
    inspector: "Inspector", good: list["Item"], defects: list["Item"], count: int, seed: int,
    output: Path,
) -> None:  # fmt: skip
    """Write a blind sample of good parts that the fit has not learned, and of defects."""
    from goldensample.qualification.blind import CALLS, KEY, PICTURES, draw, write_sample
    from goldensample.qualification.trials import without_learned

    write_sample(draw(without_learned(inspector, good), defects, count, seed), output, seed)
    text = gettext("%(folder)s: %(count)s numbered pictures for people to call good or defect")
    say(text % {"folder": output / PICTURES, "count": count})
    text = gettext(
        "%(calls)s is to be filled in, a row for each appraiser, part and trial; keep %(key)s "
        "from them; then %(command)s"
    )
    command = f"golden qualify --appraisals {output / CALLS} --sample {output}"
    tell(text % {"calls": output / CALLS, "key": output / KEY, "command": command})


def _check(mm_per_px: float | None, rate: float | None) -> None:
    if mm_per_px is not None and not 0 < mm_per_px < float("inf"):
        raise ValueError(f"--mm-per-px must be above 0; got {mm_per_px:g}")
    if rate is not None and not 0 < rate < 1:
        raise ValueError(f"--rate must be between 0 and 1, such as 1%; got {rate:g}")

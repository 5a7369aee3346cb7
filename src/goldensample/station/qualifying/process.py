"""A qualification in a subprocess: `python -m goldensample.station.qualifying.process FOLDER`.

It reads `task.json` and the product's file in the folder, writes its progress to stdout as lines of
JSON, and leaves the paper in the folder. If it crashes, the station goes on.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from goldensample.artifact.store import load
from goldensample.datasets.items import Item, make_item
from goldensample.errors import GoldenError
from goldensample.locales.language import speaking
from goldensample.qualification.appraisers import read_appraisals
from goldensample.qualification.blind import read_sample
from goldensample.qualification.build import Question, qualify
from goldensample.qualification.files import write
from goldensample.qualification.pictures import DEFECT, defect_items, good_items
from goldensample.report.facts import Occasion
from goldensample.station.setup.fit_process import Progress, write_json


def main() -> None:
    """Make a qualification; write its error, if any."""
    if hasattr(os, "nice"):
        os.nice(10)  # below the line in priority
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    try:
        with speaking(task["language"]):
            run(folder, task)
    except (GoldenError, ValueError, OSError) as error:
        write_json({"error": str(error)})
        sys.exit(2)
    except ModuleNotFoundError as error:
        words = f'it must have the extra [qualify]; pip install "goldensample[qualify]" ({error})'
        write_json({"error": words})
        sys.exit(2)


def run(folder: Path, task: dict[str, Any]) -> None:
    """Inspect the pictures and write the paper."""
    from goldensample.report.pdf_pages import check_font

    check_font()
    good, defects = good_items(Path(task["good"])), _defects(task)
    sample, rows = task["study"] or (None, [])
    appraisals = read_appraisals(rows) if rows else None
    items = read_sample(Path(sample)).items if sample else {}
    question = Question(
        good=good,
        defects=defects,
        appraisals=appraisals,
        appraised=[items[part] for part in appraisals[1]] if appraisals else [],
        mm_per_px=task["mm_per_px"],
        rate=task["rate"],
    )
    progress, before = Progress(), 0

    def notify(stage: str, done: int, of: int) -> None:
        nonlocal before
        progress.notify(stage, before + done, question.inspections)
        before += of if done == of else 0

    made = datetime.now().astimezone()
    file = folder / f"{task['product']}.golden"
    date = made.strftime("%Y-%m-%d %H:%M %Z")
    occasion = Occasion(operator=task["by"], date=date, file=file.name)
    write(qualify(load(file), file, occasion, question, notify), folder, made)


def _defects(task: dict[str, Any]) -> list[Item]:
    if task["defects"] is not None:
        return defect_items(Path(task["defects"]))
    return [make_item(name, Path(path), DEFECT) for name, path in task["answered"]]


if __name__ == "__main__":
    main()

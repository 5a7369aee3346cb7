"""The paper in all its forms, written to a folder."""

import json
from datetime import datetime
from pathlib import Path

from goldensample.qualification.page import page
from goldensample.qualification.paper import Paper
from goldensample.qualification.qdas import dfq
from goldensample.storage.atomic import write_atomic

FILES = tuple(f"qualification.{ending}" for ending in ("html", "pdf", "xlsx", "json", "dfq"))


def write(paper: Paper, output: Path, made: datetime) -> None:
    """Write the paper in all its forms.

    Raises:
        ModuleNotFoundError: the extra [qualify] is not installed.
    """
    from goldensample.qualification.pdf import pdf
    from goldensample.qualification.sheet import sheet

    text = json.dumps(paper.as_json(), indent=1, ensure_ascii=False, allow_nan=False)
    figures = f"{text}\n".encode()
    forms = (page(paper), pdf(paper, made), sheet(paper), figures, dfq(paper, made))
    for name, data in zip(FILES, forms, strict=True):
        write_atomic(output / name, data)

"""The report of a run: an empty one with its facts, and the finished page and PDF."""

from collections.abc import Sequence
from pathlib import Path

from goldensample.cli.console import tell
from goldensample.cli.extras import check_extra
from goldensample.errors import ImageError
from goldensample.evaluation.evaluate import Evaluation
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext
from goldensample.records import Inspection, Picture
from goldensample.report import Report
from goldensample.report.facts import Occasion, new_report, now
from goldensample.storage.atomic import check_writable, write_atomic


def begin_report(inspector: Inspector, file: Path, lot: str = "", operator: str = "") -> Report:
    """Return an empty report with the facts of the fit, and of this occasion."""
    return new_report(inspector, Occasion(lot=lot, operator=operator, date=now(), file=file.name))


def lot_of(lot: str, paths: Sequence[str]) -> str:
    """Return the name of a lot; that of the pictures' folders where it has none."""
    folders = [Path(path).resolve().name or path for path in paths if Path(path).is_dir()]
    return lot or ", ".join(folders)


def check_reports(folder: Path | None, pdf: Path | None) -> None:
    """Refuse, before long work, a report that could not be written.

    Args:
        folder: of report.html, or None.
        pdf: the PDF, or None.

    Raises:
        GoldenError: a file cannot be written, or the extra or a font for the PDF is missing.
    """
    if folder:
        check_writable(folder / "report.html")
    if pdf:
        check_extra("pdf", "--pdf")
        from goldensample.report.pdf_pages import check_font

        check_font()
        check_writable(pdf)


def write_reports(
    page: Report | None, folder: Path | None, pdf: Path | None, evaluation: Evaluation | None = None
) -> None:
    """Write the page and the PDF that are asked for, and print their paths."""
    measures = evaluation.as_json() if evaluation else None
    if page and folder:
        write_report(page, folder / "report.html", evaluation)
    if page and pdf:
        write_atomic(pdf, page.pdf(measures))
        tell(gettext("report: %(path)s") % {"path": pdf})


def write_report(page: Report, path: Path, evaluation: Evaluation | None = None) -> None:
    """Write the page and print its path."""
    write_atomic(path, page.html(evaluation.as_json() if evaluation else None))
    tell(gettext("report: %(path)s") % {"path": path})


def add_to_page(
    page: Report, name: str, picture: Picture | None, result: Inspection | ImageError
) -> None:
    """Add a picture to a report, readable or not."""
    if isinstance(result, ImageError):
        page.add_failure(name, str(result))
    elif picture:
        page.add(picture.pixels, result)

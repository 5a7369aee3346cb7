"""The paper as a PDF: A4, figures as vectors, fonts in the file."""

from collections.abc import Sequence
from datetime import datetime

from goldensample.locales.language import gettext
from goldensample.qualification.page import cells
from goldensample.qualification.paper import Figure, Paper, Section, Table
from goldensample.report.pdf_pages import GREY, MARGIN_MM, Pages

MM = 0.34
"""Of a unit of a figure."""
STYLES = {
    "curve": ((11, 92, 173), 0.5), "band": ((200, 220, 242), 0.0), "data": ((156, 61, 0), 0.0),
    "limit": ((60, 60, 60), 0.25), "axis": ((205, 205, 205), 0.15),
    "found": ((11, 92, 173), 0.0), "missed": ((156, 61, 0), 0.0),
}  # fmt: skip
"""Colour and width in millimetres."""
WIDTH_MM = 182
FULL_MM = 130
"""From the top, where no section may begin any more."""


def pdf(paper: Paper, made: datetime) -> bytes:
    """Return the PDF.

    Args:
        paper: what to write.
        made: the date that the file tells; all else is the same for the same paper.

    Raises:
        GoldenError: this machine has no font with the letters of the language in use.
        ModuleNotFoundError: the extra [qualify] is not installed.
    """
    pages = Pages(paper.title)
    pages.set_creation_date(made)
    pages.add_page()
    pages.words(paper.title, size=18)
    pages.ln(2)
    pages.words(paper.limits)
    pages.ln(2)
    with pages.rows((38, WIDTH_MM - 38)) as table:
        for row in paper.facts.items():
            table.row([pages.printable(cell) for cell in row])
    _signatures(pages, paper)
    for section in paper.sections:
        _section(pages, section)
    pages.add_page()
    pages.words(gettext("Pictures"), size=13)
    _table(pages, paper.pictures, (62, 24, 20, 18, 58))
    return bytes(pages.output())


def _signatures(pages: Pages, paper: Paper) -> None:
    """Draw a line for each name."""
    pages.ln(22)
    left, top = MARGIN_MM, pages.get_y()
    for index, name in enumerate(paper.signatures):
        x = left + index * 62
        pages.set_draw_color(0, 0, 0)
        pages.line(x, top, x + 54, top)
        pages.label(name, (x, top + 4), "start", 8)
    pages.set_y(top + 8)


def _section(pages: Pages, section: Section) -> None:
    if pages.get_y() > FULL_MM:
        pages.add_page()
    pages.ln(6)
    pages.words(section.title, size=13)
    pages.ln(1)
    for line in section.answer:
        pages.words(line)
        pages.ln(1)
    for figure in section.figures:
        _figure(pages, figure)
    for table in section.tables:
        _table(pages, table)
    heads = gettext("It rests on:"), gettext("It does not show:")
    for head, text in zip(heads, (section.rests_on, section.shows_not), strict=True):
        pages.ln(1)
        pages.words(f"{head} {text}", colour=GREY)


def _table(pages: Pages, table: Table, widths: tuple[int, ...] = ()) -> None:
    rows = [cells(row) for row in (table.headings, *table.rows)]
    pages.ln(1)
    with pages.rows(widths or _widths(rows), headings=True) as drawn:
        for row in rows:
            drawn.row([pages.printable(cell) for cell in row])
    pages.ln(1)


def _widths(rows: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Return widths in millimetres by the longest cell of each column, none too narrow or wide."""
    longest = [min(40, max(12, *map(len, column))) for column in zip(*rows, strict=True)]
    return tuple(WIDTH_MM * one // sum(longest) for one in longest)


def _figure(pages: Pages, figure: Figure) -> None:
    """Draw a figure below what is there."""
    if pages.will_page_break(figure.height * MM + 4):
        pages.add_page()
    left, top = MARGIN_MM, pages.get_y() + 2
    for shape in figure.shapes:
        points = [(left + x * MM, top + y * MM) for x, y in shape.points]
        colour, width = STYLES[shape.style]
        pages.set_draw_color(*colour)
        pages.set_fill_color(*(round(255 - shape.share * (255 - value)) for value in colour))
        pages.set_line_width(width)
        if shape.kind == "line":
            pages.polyline(points)
        elif shape.kind == "area":
            pages.polygon(points, style="F")
        elif shape.kind == "dot":
            pages.circle(*points[0], radius=0.9, style="F")
        else:
            pages.label(shape.text, points[0], shape.anchor)
    pages.set_fill_color(255, 255, 255)  # of the tables that follow
    pages.set_y(top + figure.height * MM)

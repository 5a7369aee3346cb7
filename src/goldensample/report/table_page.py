"""A page with a table and sections below it, which opens from disk without a network."""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from string import Template

from goldensample.report.words import escape


def render_table_page(
    title: str, headings: Iterable[str], rows: Iterable[Iterable[object]], sections: Sequence[str]
) -> bytes:
    """Return the page.

    Args:
        title: heading of the page.
        headings: of the table's columns.
        rows: cells of the table.
        sections: HTML below the table.

    Returns:
        UTF-8; opens from disk without a network.
    """
    resources = files("goldensample.report")
    html = Template((resources / "overview.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        style=(resources / "page.css").read_text(encoding="utf-8"),
        heads="".join(f"<th>{escape(heading)}</th>" for heading in headings),
        rows="\n".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in rows
        ),
        sections="\n".join(sections),
    )
    return html.encode("utf-8")

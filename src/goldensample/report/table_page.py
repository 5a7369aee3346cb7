"""A page with a table and sections below it, which opens from disk without a network."""

from collections.abc import Iterable, Sequence

from goldensample.report.templates import read_resource, read_template
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
    html = read_template("overview.html").substitute(
        title=escape(title),
        style=read_resource("page.css"),
        heads="".join(f"<th>{escape(heading)}</th>" for heading in headings),
        rows="\n".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in rows
        ),
        sections="\n".join(sections),
    )
    return html.encode("utf-8")

"""A page that leads to the reports of several runs."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template

from goldensample.report.page import Report
from goldensample.report.words import text

SHOWN = 4


def overview(
    title: str, rows: Sequence[Mapping[str, str]], reports: Mapping[str, tuple[str, Report]]
) -> bytes:
    """Return a page with a table and the oddest pictures of each run.

    Args:
        title: heading of the page.
        rows: of the table; the keys of the first are the headings.
        reports: by name, the address of a run's own page and its report.

    Returns:
        UTF-8; opens from disk without a network.
    """
    places = files("goldensample.report")
    sections = []
    for number, (name, (address, report)) in enumerate(reports.items()):
        sections.append(
            f"<h2>{text(name)}: the oddest pictures "
            f'(<a href="{text(address)}">all of them</a>)</h2>\n'
            f'<ol class="cards">{report.oddest(SHOWN, 1 + number * SHOWN)}</ol>'
        )
    page = Template((places / "overview.html").read_text(encoding="utf-8")).substitute(
        title=text(title),
        style=(places / "page.css").read_text(encoding="utf-8"),
        heads="".join(f"<th>{text(head)}</th>" for head in rows[0]),
        rows="\n".join(
            "<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row.values()) + "</tr>"
            for row in rows
        ),
        sections="\n".join(sections),
    )
    return page.encode("utf-8")

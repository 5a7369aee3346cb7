"""A page that links to the reports of several runs."""

from collections.abc import Mapping, Sequence

from goldensample.locales.language import gettext
from goldensample.report.page import Report
from goldensample.report.table_page import render_table_page
from goldensample.report.words import escape

CARDS_PER_RUN = 4


def overview(
    title: str, rows: Sequence[Mapping[str, str]], reports: Mapping[str, tuple[str, Report]]
) -> bytes:
    """Return a page with a table and the highest-scoring pictures of each run.

    Args:
        title: heading of the page.
        rows: of the table; the keys of the first are the headings.
        reports: by name, the address of a run's own page and its report.

    Returns:
        UTF-8; opens from disk without a network.
    """
    sections = []
    for index, (name, (address, report)) in enumerate(reports.items()):
        text = gettext('%(name)s: the oddest pictures (<a href="%(address)s">all of them</a>)')
        heading = text % {"name": escape(name), "address": escape(address)}
        sections.append(
            f"<h2>{heading}</h2>\n"
            f'<ol class="cards">{report.top_cards(CARDS_PER_RUN, 1 + index * CARDS_PER_RUN)}</ol>'
        )
    return render_table_page(title, rows[0], (row.values() for row in rows), sections)

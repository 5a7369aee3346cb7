"""A page with the table of limits and the curves of false alarms and misses against the limit."""

from collections.abc import Mapping, Sequence

from goldensample.locales.language import gettext
from goldensample.records import Array
from goldensample.report.charts import error_rate_chart
from goldensample.report.panels import panel
from goldensample.report.table_page import render_table_page


def page(
    name: str,
    rows: Sequence[Mapping[str, str]],
    curves: tuple[Array, Array, Array | None],
    current_limit: float | None,
) -> bytes:
    """Return the page.

    Args:
        name: of the file.
        rows: of the table; the keys of the first are the headings.
        curves: (k,) limits, ascending, (k,) rates of false alarms and of misses, or None.
        current_limit: the limit in use, or None.

    Returns:
        UTF-8; opens from disk without a network.
    """
    heading = gettext("False alarms against the limit")
    if curves[2] is not None:
        heading = gettext("False alarms and misses")
    note = gettext(
        "Drawn through: of new good parts, how many would be called defects, as "
        "good pictures show that were not learned from. Dashed: of the labelled defects, how many "
        "would be missed. The upright line: the limit in use."
    )
    chart = panel(heading, error_rate_chart(*curves, current_limit))
    title = gettext("%(name)s: limits and their cost") % {"name": name}
    cells = (row.values() for row in rows)
    return render_table_page(title, rows[0], cells, [f'{chart}<p class="quiet">{note}</p>'])

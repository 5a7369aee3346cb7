"""A page with the table of limits and the curves of false alarms and misses against the limit."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template

from goldensample.records import Array
from goldensample.report.charts import against_limit
from goldensample.report.panels import panel
from goldensample.report.words import text


def page(
    name: str,
    rows: Sequence[Mapping[str, str]],
    curves: tuple[Array, Array, Array | None],
    used: float | None,
) -> bytes:
    """Return the page.

    Args:
        name: of the file.
        rows: of the table; the keys of the first are the headings.
        curves: (k,) limits, ascending, (k,) rates of false alarms and of misses, or None.
        used: the limit in use, or None.

    Returns:
        UTF-8; opens from disk without a network.
    """
    places, (_, _, missed) = files("goldensample.report"), curves
    what = "False alarms against the limit" if missed is None else "False alarms and misses"
    note = (
        '<p class="quiet">False alarms: expected over fits, from good pictures that did not build '
        "what scored them; drawn through. Misses, of the labelled defects: dashed. The upright "
        "line: the limit in use.</p>"
    )
    filled = Template((places / "overview.html").read_text(encoding="utf-8")).substitute(
        title=f"{text(name)}: limits and their cost",
        style=(places / "page.css").read_text(encoding="utf-8"),
        heads="".join(f"<th>{text(head)}</th>" for head in rows[0]),
        rows="\n".join(
            "<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row.values()) + "</tr>"
            for row in rows
        ),
        sections=panel(what, against_limit(*curves, used)) + note,
    )
    return filled.encode("utf-8")

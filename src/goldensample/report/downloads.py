"""The table of a report, inside the page: CSV, and Excel where its extra is installed."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from goldensample.locales.language import gettext
from goldensample.records import Threshold
from goldensample.report.entry import Entry
from goldensample.storage.verdict_sheet import MOST_ROWS, encode_csv, encode_excel
from goldensample.wording.verdicts import COLUMNS, failure_row, verdict_row

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def downloads(
    entries: Sequence[Entry], failures: Sequence[tuple[str, str]], limits: Threshold | None
) -> str:
    """Return links to the table of all pictures; what they lead to is in the page itself."""
    rows = [_row(entry, limits) for entry in entries]
    rows += [failure_row(name, reason) for name, reason in failures]
    if not rows:
        return ""
    labelled = any(entry.label is not None for entry in entries)
    columns = (*COLUMNS, *(("label",) if labelled else ()))
    cells = [[row.get(name) for name in columns] for row in rows]
    links = [_link("CSV", "csv", "text/csv", encode_csv([columns, *cells]))]
    if find_spec("xlsxwriter") and len(cells) <= MOST_ROWS:
        links.append(_link("Excel", "xlsx", EXCEL, encode_excel(columns, cells)))
    text = gettext("Table of all pictures: %(links)s") % {"links": " · ".join(links)}
    return f'<p class="tables">{text}</p>'


def _row(entry: Entry, limits: Threshold | None) -> Mapping[str, Any]:
    label = None if entry.label is None else "defect" if entry.label else "good"
    return {**verdict_row(entry.inspection, limits), "regions": entry.regions, "label": label}


def _link(caption: str, ending: str, kind: str, file: bytes) -> str:
    data = b64encode(file).decode("ascii")
    return f'<a download="verdicts.{ending}" href="data:{kind};base64,{data}">{caption}</a>'

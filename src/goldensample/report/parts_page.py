"""The report of parts: each with the view that looks oddest, large, and the others beside it."""

from collections.abc import Mapping
from dataclasses import replace

from goldensample.errors import ImageError
from goldensample.locales.language import gettext, mark
from goldensample.parts.inspector import PartInspection, PartInspector
from goldensample.parts.words import promise, sum_of
from goldensample.report.cards import card
from goldensample.report.entry import Entry, make_entry
from goldensample.report.scale import ColourScale, fit_scale
from goldensample.report.table_page import render_table_page
from goldensample.report.words import escape

VERDICTS = {
    "defect": ("▲", mark("defect")),
    "error": ("✕", mark("error")),
    "good": ("●", mark("good")),
}
"""Symbol and caption of each verdict, in the order of the page."""
GRID = "grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); align-items: start"
FIRST = "grid-row: 1 / span 20"
"""How the odd view stands large at the left, and the others in a column beside it."""


class PartsReport:
    """Builder of an HTML report of parts.

    Args:
        title: heading of the page.
        part: what inspects; its promise and its views' limits are said and drawn.
    """

    def __init__(self, title: str, part: PartInspector) -> None:
        self._title = title
        self._promise = promise(part)
        self._limits = dict(
            zip(part.manifest.names, (one.threshold for one in part.inspectors), strict=True)
        )
        self._parts: list[tuple[PartInspection, dict[str, Entry | str]]] = []

    def add(self, result: PartInspection) -> None:
        """Add a part; its pictures and heat maps are kept small, about 70 kB a view."""
        entries: dict[str, Entry | str] = {}
        for name, (picture, view) in result.views.items():
            if isinstance(view, ImageError) or picture is None:
                entries[name] = str(view)
            else:
                titled = replace(view, name=f"{name}: {view.name}")
                entries[name] = make_entry(picture.pixels, titled, None, "", None)
        self._parts.append((replace(result, views={}), entries))

    def html(self) -> bytes:
        """Return the page: defects first, the oddest first, then errors, then good parts."""
        order = list(VERDICTS)
        ranked = sorted(
            self._parts,
            key=lambda pair: (order.index(pair[0].verdict), pair[0].p_value or 0, pair[0].serial),
        )
        scales = self._scales()
        headings = (
            *(gettext("serial number"), gettext("verdict"), gettext("p-value")),
            *(gettext("oddest view"), gettext("error")),
        )
        rows = (
            (r.serial, gettext(VERDICTS[r.verdict][1]), _number(r.p_value), r.view, r.error)
            for r, _ in ranked
        )
        counts = {name: sum(r.verdict == name for r, _ in ranked) for name in order}
        verdicts = gettext("Verdicts: %(promise)s") % {"promise": self._promise}
        sections = [f'<p class="sum">{escape(sum_of(counts))}</p><p>{escape(verdicts)}</p>']
        first = 1
        for result, entries in ranked:
            sections.append(self._section(result, entries, first, scales))
            first += len(entries)
        return render_table_page(self._title, headings, rows, sections)

    def _section(
        self,
        result: PartInspection,
        entries: Mapping[str, Entry | str],
        first: int,
        scales: Mapping[str, ColourScale],
    ) -> str:
        """Return one part: its verdict, the odd view large, the others beside it."""
        symbol, caption = VERDICTS[result.verdict]
        told = gettext(caption)
        values = {"value": _number(result.p_value), "view": result.view}
        facts = result.error or gettext("p-value %(value)s, oddest view %(view)s") % values
        cards = []
        odd_first = sorted(entries, key=lambda name: name != result.view)
        for rank, name in enumerate(odd_first, first):
            entry, limits = entries[name], self._limits[name]
            if isinstance(entry, str):
                item = f'<li><article class="card">{escape(name)}: {escape(entry)}</article></li>'
            else:
                item = card(entry, rank, scales[name], limits.score if limits else None, {})
            large = rank == first and len(entries) > 1
            cards.append(item.replace("<li>", f'<li style="{FIRST}">', 1) if large else item)
        grid = f' style="{GRID}"' if len(entries) > 1 else ""
        return (
            f'<section class="part"><h2><bdi>{escape(result.serial)}</bdi> '
            f'<span class="verdict {caption}"><span aria-hidden="true">{symbol}</span> {told}'
            f"</span></h2><p>{escape(facts)}</p>"
            f'<ol class="cards"{grid}>{"".join(cards)}</ol></section>'
        )

    def _scales(self) -> dict[str, ColourScale]:
        """Return the colour scale of each view: all its pictures together."""
        scales = {}
        for name, limits in self._limits.items():
            entries = [entries.get(name) for _, entries in self._parts]
            heats = [one.heat for one in entries if isinstance(one, Entry) and one.heat]
            values = [bound for heat in heats for bound in heat.bounds()] or [0.0]
            scales[name] = fit_scale(limits.pixel if limits else None, min(values), max(values))
        return scales


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"

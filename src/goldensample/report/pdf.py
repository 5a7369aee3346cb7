"""The report as a PDF: two pictures a page of those that want a look, and a table of all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from fpdf.fonts import FontFace

from goldensample.locales.language import gettext
from goldensample.locales.unmarked import translated
from goldensample.records import Threshold
from goldensample.regions.contours import outlines
from goldensample.report.cards import VERDICTS, heat_map_peak_line, label_line, region_item
from goldensample.report.entry import Entry
from goldensample.report.outline import loops_of
from goldensample.report.panels import describe_measure, describe_threshold, figures, lot_sum
from goldensample.report.pdf_pages import GREY, MARGIN_MM, RED, Pages
from goldensample.report.png import encode_palette_png
from goldensample.report.scale import ColourScale, palette, quantise_heat
from goldensample.report.words import number, plain
from goldensample.wording.notes import told

CARD_MM = 132.0
PANE_MM = (88.0, 80.0)
"""Width and height at most of a picture."""
OPACITY = 0.65
"""Of the heat map, as the page begins with."""
TRUTH = (61, 245, 255)
"""Colour of the true mask's outline, as on the page."""
TEXT_MM = 114.0
"""Height of a card within which another sentence may begin."""
FIRST = 40
"""Cards at most where no picture has a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a PDF shows.

    Args:
        title: heading of the first page, and at the foot of all.
        facts: metadata of the run, name to value, in order.
        threshold: the limits of the verdicts, or None.
        entries: the pictures, oddest first.
        failures: names of pictures that could not be read, and the reasons.
        measures: figures of an evaluation, by name.
        scale: the colour scale of the run.
    """

    title: str
    facts: Mapping[str, str]
    threshold: Threshold | None
    entries: Sequence[Entry]
    failures: Sequence[tuple[str, str]]
    measures: Mapping[str, object]
    scale: ColourScale


def render(sheet: Sheet) -> bytes:
    """Return the PDF, A4, with its fonts in it.

    A picture called good and rightly so has a line in the table and no card; so have, where no
    picture has a verdict, those after the `FIRST` oddest.

    Raises:
        GoldenError: this machine has no font with the letters of the language in use.
    """
    pages = Pages(sheet.title)
    _head(pages, sheet)
    cards = [entry for entry in sheet.entries if entry.wrong or _odd(entry)]
    if all(entry.inspection.verdict is None for entry in sheet.entries):
        cards = list(sheet.entries[:FIRST])
    for index, entry in enumerate(cards):
        if index % 2 == 0:
            pages.add_page()
        pages.set_y(MARGIN_MM + CARD_MM * (index % 2))
        _card(pages, entry, sheet)
    _table(pages, sheet)
    return bytes(pages.output())


def _odd(entry: Entry) -> bool:
    return entry.inspection.verdict in ("defect", "review")


def _head(pages: Pages, sheet: Sheet) -> None:
    """Write the first page: the sum, what the limits promise, and what was inspected how."""
    pages.add_page()
    pages.words(sheet.title, size=18)
    pages.words(plain(lot_sum(sheet.entries, len(sheet.failures))), size=13)
    pages.ln(2)
    pages.words(plain(describe_threshold(sheet.threshold)))
    pages.ln(2)
    known = figures(sheet.measures)
    measures = {describe_measure(key)[0]: number(value) for key, value in known.items()}
    rows = [*sheet.facts.items(), *measures.items()]
    with pages.rows((38, 144)) as table:
        for name, value in rows:
            row = table.row()
            row.cell(pages.printable(name), style=FontFace(color=GREY))
            row.cell(pages.printable(value))
    pages.ln(2)
    shown = gettext(
        "All pictures are in the table at the end, the oddest first; only those that want a look "
        "are shown."
    )
    pages.words(shown, colour=GREY)
    for name, reason in sheet.failures:
        pages.ln(1)
        pages.words(
            gettext("%(name)s could not be read: %(reason)s")
            % {"name": name, "reason": translated(reason)}
        )


def _card(pages: Pages, entry: Entry, sheet: Sheet) -> None:
    """Write one picture, the same with its heat and regions, and what is said of them."""
    bottom = pages.get_y() + TEXT_MM
    pages.words(entry.inspection.name, size=11)
    limit = sheet.threshold.score if sheet.threshold else None
    pages.words(_verdict(entry, limit), colour=RED if _odd(entry) or entry.wrong else GREY)
    top, left = pages.get_y() + 1, MARGIN_MM + pages.c_margin
    height, width = entry.size_hw
    scale = min(PANE_MM[0] / width, PANE_MM[1] / height)
    for x in (left, left + PANE_MM[0] + 4):
        pages.image(BytesIO(entry.thumbnail), x, top, width * scale, height * scale)
    _heat(pages, entry, (x, top), scale, sheet.scale)
    _lines(pages, entry, (x, top), scale, sheet.scale)
    pages.set_y(top + height * scale + 1.5)
    for line in _sentences(entry, sheet.scale):
        if pages.get_y() > bottom:
            pages.words("…", size=8)
            break
        pages.words(line, size=8)


def _verdict(entry: Entry, limit: float | None) -> str:
    """Return the verdict, the score and the label of a picture in a line."""
    symbol, caption = VERDICTS[entry.inspection.verdict]
    score = number(entry.inspection.score)
    if limit is not None and limit > 0:
        said = gettext("score %(score)s = %(times)s × threshold")
        said %= {"score": score, "times": f"{entry.inspection.score / limit:.2f}"}
    else:
        said = gettext("score %(score)s") % {"score": score}
    parts = [f"{symbol} {gettext(caption)}", said, plain(label_line(entry))]
    return " · ".join(filter(None, parts))


def _sentences(entry: Entry, scale: ColourScale) -> Iterator[str]:
    """Return what is said of a picture: its note, and each of its regions."""
    regions = entry.inspection.regions
    if entry.inspection.note:
        yield told(entry.inspection.note)
    for index, region in enumerate(regions, 1):
        yield plain(region_item(entry, index, region, scale))
    if entry.truth:
        yield gettext("Dashed line: the true mask.")
    if not regions and entry.heat_map_peak:
        yield plain(heat_map_peak_line(entry.heat_map_peak, scale))


def _heat(
    pages: Pages, entry: Entry, corner_mm: tuple[float, float], mm_per_px: float, scale: ColourScale
) -> None:
    """Lay the heat map over a picture; its last blocks may reach beyond the picture's edge."""
    if entry.heat is None:
        return
    steps = quantise_heat(entry.heat.values(), scale)
    heat = BytesIO(encode_palette_png(steps, palette(scale)))
    block_mm = entry.heat.block_px * mm_per_px
    height, width = (side * mm_per_px for side in entry.size_hw)
    with pages.local_context(fill_opacity=OPACITY), pages.rect_clip(*corner_mm, width, height):
        pages.image(heat, *corner_mm, steps.shape[1] * block_mm, steps.shape[0] * block_mm)


def _lines(
    pages: Pages, entry: Entry, corner_mm: tuple[float, float], mm_per_px: float, scale: ColourScale
) -> None:
    """Draw outlines of what is over the limit and of the true mask, and the regions' boxes."""
    left, top = corner_mm
    regions = entry.inspection.regions
    loops = []
    if scale.threshold is not None and entry.heat and regions:
        heat = entry.heat
        loops = outlines(heat.values(), regions[0].limit, heat.block_px, entry.size_hw)
    for colour, width in (((0, 0, 0), 0.6), ((255, 255, 255), 0.25)):
        pages.set_draw_color(*colour)
        pages.set_line_width(width)
        for loop in loops:
            pages.polygon([(left + x * mm_per_px, top + y * mm_per_px) for y, x in loop])
    for index, region in enumerate(regions, 1):
        y, x, rows, columns = (value * mm_per_px for value in region.box_px)
        pages.set_draw_color(255, 255, 255)
        pages.rect(left + x, top + y, columns, rows)
        pages.tag(f"{index}", (left + x, max(top + y, top + 3)))
    pages.set_draw_color(*TRUTH)
    pages.set_line_width(0.5)
    pages.set_dash_pattern(dash=1.2, gap=0.9)
    for corners in loops_of(entry.truth):
        pages.polygon([(left + x * mm_per_px, top + y * mm_per_px) for x, y in corners])
    pages.set_dash_pattern()


def _table(pages: Pages, sheet: Sheet) -> None:
    """Write a line for each picture, in the order of the page."""
    if not sheet.entries:
        return
    pages.add_page()
    labelled = any(entry.label is not None for entry in sheet.entries)
    names = [gettext("Picture"), gettext("Verdict"), gettext("Score")]
    widths: tuple[int, ...] = (122, 32, 28)
    if labelled:
        names, widths = [*names, gettext("Label")], (96, 32, 28, 26)
    with pages.rows(widths, headings=True) as table:
        table.row([pages.printable(name) for name in names])
        for entry in sheet.entries:
            symbol, caption = VERDICTS[entry.inspection.verdict]
            cells = [entry.inspection.name, f"{symbol} {gettext(caption)}"]
            cells.append(number(entry.inspection.score))
            if labelled:
                known = {None: "", True: gettext("defect"), False: gettext("good")}
                cells.append(known[entry.label])
            table.row([pages.printable(cell) for cell in cells])

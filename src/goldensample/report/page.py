"""Collect pictures one at a time and render the report page."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256

from goldensample.inspection.inspector import TrainingPicture
from goldensample.locales.language import counted, gettext
from goldensample.records import Array, Inspection, Threshold
from goldensample.report import labels, panels
from goldensample.report.cards import card
from goldensample.report.downloads import downloads
from goldensample.report.entry import Entry, make_entry
from goldensample.report.legend import legend, line_legend
from goldensample.report.reasons import TrainingThumbnail, index_thumbnails, training_images
from goldensample.report.scale import ColourScale, fit_scale
from goldensample.report.templates import read_resource, read_template
from goldensample.report.words import escape

_CARDS = "<!-- cards -->"


class Report:
    """Builder of an HTML report.

    Args:
        title: heading of the page.
        facts: metadata of the run, name to value, in order: file, network, …
        threshold: the limits of the verdicts, or None.
        pictures: of the fit; shown next to the regions whose nearest patch they hold.

    Example:
        report = Report("Bottles, Monday", {"file": "bottle.golden"}, inspector.threshold)
        for picture in pictures:
            report.add(picture.pixels, inspector.inspect(picture))
        path.write_bytes(report.html())
    """

    def __init__(
        self,
        title: str,
        facts: Mapping[str, str],
        threshold: Threshold | None,
        pictures: Sequence[TrainingPicture] = (),
    ) -> None:
        self._title = title
        self._thumbnails = index_thumbnails(pictures)
        self._facts = dict(facts)
        self._threshold = threshold
        self._entries: list[Entry] = []
        self._failures: list[tuple[str, str]] = []

    def add(
        self,
        pixels: Array,
        inspection: Inspection,
        label: bool | None = None,
        defect_type: str = "",
        mask: Array | None = None,
    ) -> None:
        """Add one picture; arguments are neither stored nor changed.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            inspection: of it, with a heat map (H, W).
            label: True for defect, False for good, None for unlabelled.
            defect_type: name of the defect, or "".
            mask: (H, W), the ground truth, or None.

        Raises:
            ValueError: shapes do not agree, or the score or the heat map is not finite.

        Cost:
            About 70 kB of memory a picture, whatever its size.
        """
        self._entries.append(make_entry(pixels, inspection, label, defect_type, mask))

    def add_failure(self, name: str, reason: str) -> None:
        """Add a picture that could not be read, with the reason."""
        self._failures.append((name, reason))

    def html(self, measures: Mapping[str, object] | None = None) -> bytes:
        """Return the page: pictures by descending score; equal scores by name.

        Args:
            measures: figures of an evaluation by the names `golden evaluate --json` uses
                (`image_auroc`, …), or None; what is no number is left out.

        Returns:
            UTF-8; the same for the same input. About 40 kB a picture.
        """
        entries = self._sort_by_score()
        scale = self._scale()
        head, tail = self._render_frame(entries, measures or {}, scale).split(_CARDS)
        thumbnails = self._thumbnails
        cards = (
            self._card(entry, rank, scale, thumbnails) for rank, entry in enumerate(entries, 1)
        )
        return b"".join(part.encode("utf-8") for part in (head, *cards, tail))

    def pdf(self, measures: Mapping[str, object] | None = None) -> bytes:
        """Return the PDF of the same pictures; arguments as for `html`.

        Raises:
            GoldenError: this machine has no font with the letters of the language in use.
            ModuleNotFoundError: the extra [pdf] is not installed.
        """
        from goldensample.report.pdf import Sheet, render

        return render(
            Sheet(
                title=self._title,
                facts=self._facts,
                threshold=self._threshold,
                entries=self._sort_by_score(),
                failures=self._failures,
                measures=measures or {},
                scale=self._scale(),
            )
        )

    def top_cards(self, number: int, first_rank: int) -> str:
        """Return the cards of the highest-scoring pictures, numbered from `first_rank`."""
        scale = self._scale()
        ranked = enumerate(self._sort_by_score()[:number], first_rank)
        return "".join(self._card(entry, rank, scale, {}) for rank, entry in ranked)

    def error_count(self, label: bool) -> str:
        """Return the number of wrong verdicts on pictures with a label, as "2 of 40"."""
        labelled = [entry for entry in self._entries if entry.label is label]
        counts = {"done": sum(entry.wrong for entry in labelled), "total": len(labelled)}
        return gettext("%(done)s of %(total)s") % counts

    def _sort_by_score(self) -> list[Entry]:
        keys = [(-entry.inspection.score, entry.inspection.name) for entry in self._entries]
        return [self._entries[index] for index in sorted(range(len(keys)), key=keys.__getitem__)]

    def _card(
        self,
        entry: Entry,
        rank: int,
        scale: ColourScale,
        thumbnails: Mapping[str, TrainingThumbnail],
    ) -> str:
        return card(
            entry, rank, scale, self._threshold.score if self._threshold else None, thumbnails
        )

    def _scale(self) -> ColourScale:
        """Return the colour scale of all pictures together."""
        heat_maps = [entry.heat for entry in self._entries if entry.heat]
        values = [bound for heat in heat_maps for bound in heat.bounds()] or [0.0]
        pixel_threshold = self._threshold.pixel if self._threshold else None
        return fit_scale(pixel_threshold, min(values), max(values))

    def _render_frame(
        self, entries: Sequence[Entry], measures: Mapping[str, object], scale: ColourScale
    ) -> str:
        """Return the page without its cards."""
        script = read_resource("page.js")
        score_threshold = self._threshold.score if self._threshold else None
        return read_template("page.html").substitute(
            title=escape(self._title),
            style=read_resource("page.css"),
            script=script,
            script_hash=b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii"),
            total=panels.lot_sum(entries, len(self._failures)),
            tables=downloads(entries, self._failures, self._threshold),
            tiles=panels.tiles(entries, len(self._failures), measures),
            promise=panels.describe_threshold(self._threshold),
            facts=panels.facts_list(self._facts),
            charts=labels.charts(entries, score_threshold),
            failures=panels.failures_list(self._failures),
            legend=legend(scale) if any(entry.heat for entry in entries) else "",
            key=line_legend(entries, self._threshold),
            filters=_filters(entries),
            number=counted("%(num)s picture", "%(num)s pictures", len(entries)),
            originals=training_images(entries, self._thumbnails),
            cards=_CARDS,
        )


def _filters(entries: Sequence[Entry]) -> str:
    """Return the filter of pictures by verdict, with counts; "" without verdicts."""
    verdicts = [entry.inspection.verdict for entry in entries]
    if not any(verdicts):
        return ""
    choices = [("all", gettext("all"), len(entries))]
    choices.append(("defect", "▲ " + gettext("called defect"), verdicts.count("defect")))
    if "review" in verdicts:
        choices.append(("review", "◆ " + gettext("look again"), verdicts.count("review")))
    choices.append(("good", "● " + gettext("called good"), verdicts.count("good")))
    if any(entry.label is not None for entry in entries):
        choices.append(("wrong", "✕ " + gettext("wrong"), sum(entry.wrong for entry in entries)))
    options = "".join(
        f'<label><input type="radio" name="only" value="{value}"'
        f"{' checked' if value == 'all' else ''}><span>{caption} ({number:,})</span></label>"
        for value, caption, number in choices
    )
    heading = gettext("Show")
    return f'<fieldset class="choice"><legend>{heading}</legend>{options}</fieldset>'

"""Collect pictures one at a time and write the page."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from string import Template

from goldensample.inspection.inspector import TrainingPicture
from goldensample.records import Array, Inspection, Threshold
from goldensample.report import labels, panels
from goldensample.report.cards import card
from goldensample.report.entry import Entry, entry_of
from goldensample.report.legend import key, legend
from goldensample.report.reasons import Good, originals, shown
from goldensample.report.scale import Scale, scale_of
from goldensample.report.words import count, text

_CARDS = "<!-- cards -->"


class Report:
    """A report in the making.

    Args:
        title: heading of the page.
        facts: what a reader should know of the run, name to value, in order: file, network, …
        threshold: the limits the verdicts rest on, or None.
        pictures: of the fit; those with a thumbnail are shown beside the regions they explain.

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
        self._good = shown(pictures)
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
        """Add one picture; nothing given is kept or changed.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            inspection: what was said of it, with a heat map (H, W).
            label: True for a known defect, False for a known good picture, None where unknown.
            defect_type: name of the known defect, or "".
            mask: (H, W), true where the defect is known to be, or None.

        Raises:
            ValueError: shapes do not agree, or the score or the heat map is not finite.

        Cost:
            About 70 kB of memory a picture, whatever its size.
        """
        self._entries.append(entry_of(pixels, inspection, label, defect_type, mask))

    def add_failure(self, name: str, reason: str) -> None:
        """Add a picture that could not be read, with the reason."""
        self._failures.append((name, reason))

    def html(self, measures: Mapping[str, object] | None = None) -> bytes:
        """Return the page: pictures by score, oddest first; equal scores by name.

        Args:
            measures: figures of an evaluation by the names `golden evaluate --json` uses
                (`image_auroc`, …), or None; what is no number is left out.

        Returns:
            UTF-8; the same for the same input. About 40 kB a picture.
        """
        entries = self._ordered()
        scale = self._scale()
        before, after = self._around(entries, measures or {}, scale).split(_CARDS)
        good = self._good
        cards = (self._card(entry, rank, scale, good) for rank, entry in enumerate(entries, 1))
        return b"".join(part.encode("utf-8") for part in (before, *cards, after))

    def oddest(self, number: int, first_rank: int) -> str:
        """Return the cards of the oddest pictures, numbered from `first_rank`, for another page."""
        scale = self._scale()
        chosen = enumerate(self._ordered()[:number], first_rank)
        return "".join(self._card(entry, rank, scale, {}) for rank, entry in chosen)

    def mistakes(self, label: bool) -> str:
        """Return how many of the pictures with a label got another verdict, as "2 of 40"."""
        known = [entry for entry in self._entries if entry.label is label]
        return f"{sum(entry.wrong for entry in known)} of {len(known)}"

    def _ordered(self) -> list[Entry]:
        said = [(-entry.inspection.score, entry.inspection.name) for entry in self._entries]
        return [self._entries[index] for index in sorted(range(len(said)), key=said.__getitem__)]

    def _card(self, entry: Entry, rank: int, scale: Scale, good: Mapping[str, Good]) -> str:
        return card(entry, rank, scale, self._threshold.score if self._threshold else None, good)

    def _scale(self) -> Scale:
        """Return the colour scale of all pictures together."""
        heats = [entry.heat for entry in self._entries if entry.heat]
        values = [bound for heat in heats for bound in heat.bounds()] or [0.0]
        pixel = self._threshold.pixel if self._threshold else None
        return scale_of(pixel, min(values), max(values))

    def _around(
        self, entries: Sequence[Entry], measures: Mapping[str, object], scale: Scale
    ) -> str:
        """Return the page without its cards."""
        script = _read("page.js")
        limit = self._threshold.score if self._threshold else None
        return Template(_read("page.html")).substitute(
            title=text(self._title),
            style=_read("page.css"),
            script=script,
            script_hash=b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii"),
            tiles=panels.tiles(entries, len(self._failures), measures),
            promise=panels.promise(self._threshold),
            facts=panels.facts_list(self._facts),
            charts=labels.charts(entries, limit),
            failures=panels.failures_list(self._failures),
            legend=legend(scale) if any(entry.heat for entry in entries) else "",
            key=key(entries, self._threshold),
            filters=_filters(entries),
            number=count(len(entries), "picture"),
            originals=originals(entries, self._good),
            cards=_CARDS,
        )


def _filters(entries: Sequence[Entry]) -> str:
    """Return the choice of pictures, each with its number; nothing to choose without verdicts."""
    verdicts = [entry.inspection.verdict for entry in entries]
    if not any(verdicts):
        return ""
    choices = [("all", "all", len(entries))]
    choices.append(("defect", "▲ called defect", verdicts.count("defect")))
    if "review" in verdicts:
        choices.append(("review", "◆ look again", verdicts.count("review")))
    choices.append(("good", "● called good", verdicts.count("good")))
    if any(entry.label is not None for entry in entries):
        choices.append(("wrong", "✕ wrong", sum(entry.wrong for entry in entries)))
    inner = "".join(
        f'<label><input type="radio" name="only" value="{value}"'
        f"{' checked' if value == 'all' else ''}><span>{words} ({number:,})</span></label>"
        for value, words, number in choices
    )
    return f'<fieldset class="choice"><legend>Show</legend>{inner}</fieldset>'


def _read(name: str) -> str:
    """Return a file that lies beside this one, without its last line break."""
    return (files("goldensample.report") / name).read_text(encoding="utf-8").rstrip("\n")

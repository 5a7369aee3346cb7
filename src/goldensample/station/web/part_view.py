"""View model of a part of several views, as pages show it with one of its records."""

from dataclasses import dataclass

from goldensample.station.records.parts import PartRecord
from goldensample.station.records.rows import Record
from goldensample.station.station import Station
from goldensample.station.web.record_view import far_beyond


@dataclass(frozen=True, slots=True)
class PartView:
    """A part and the records of its views, in the views' order."""

    part: PartRecord
    views: list[Record]

    @property
    def far(self) -> float | None:
        """The largest score over its limit of a view that is far beyond, as of a `RecordView`."""
        return max(filter(None, map(far_beyond, self.views)), default=None)

    @property
    def oddest(self) -> Record | None:
        """The record of the view that looks oddest; None of an error."""
        return next((record for record in self.views if record.view == self.part.view), None)


def part_view(station: Station, record: Record | None) -> PartView | None:
    """Return the part that a record is a view of, or None."""
    part = station.ledger.parts.get(record.part) if record and record.part else None
    if part is None:
        return None
    target = station.parts.get(part.product)
    order = list(target.names) if target else []
    records = station.ledger.parts.views(part.id)
    if target:  # a view that came late is stored a second time; the first was answered
        records.sort(key=lambda one: order.index(one.view) if one.view in order else len(order))
    return PartView(part, records)

"""Regions drawn for a product in service: what they would change, kept, or learned anew with."""

import os
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from goldensample.artifact.store import load
from goldensample.errors import ArtifactError
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.learning.rescope import rescope
from goldensample.learning.revisions import open_journal
from goldensample.preparation.scope import Scope
from goldensample.station.misses import only_one
from goldensample.station.products.good_pictures import judges_composition
from goldensample.station.products.products import Product, State, check_revision
from goldensample.station.records.rows import Filter, Record
from goldensample.station.records.tables import records
from goldensample.station.setup.drafts import Draft
from goldensample.station.setup.drawings import save_drawing
from goldensample.station.setup.regions import Regions, save_regions
from goldensample.station.station import Station, make_note

MAX_TRIED = 60
"""Stored pictures that other regions are tried on, at most: the newest."""
MAX_LEARNED = 300
"""Good pictures that a product is learned from anew, at most: the newest."""


@dataclass(frozen=True, slots=True)
class Move:
    """How many pictures would get another verdict."""

    before: str
    after: str
    count: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What other regions would do.

    Args:
        revision: of the product that was tried.
        holds: whether the promise of the limits holds then.
        silenced: whether what is missing or too many is judged now, and would not be.
        pictures: stored ones that were tried.
        moves: verdicts that would be others.
    """

    revision: int
    holds: bool
    silenced: bool
    pictures: int
    moves: list[Move]


def preview(station: Station, product: Product, drawn: Regions) -> Preview:
    """Try regions on the newest stored pictures of a product. Nothing is changed.

    Raises:
        ValueError, ImageError: they cannot be, see `rescope` and `Regions.add_to`.
        ArtifactError: something else is being tried.
    """
    with only_one(station):
        inspector = load(product.path)  # the line uses that of the product
        changed = _rescoped(inspector, drawn, "")
        is_judged = records.c.kept & records.c.verdict.in_(("good", "review", "defect"))
        newest = station.ledger.find(Filter(product=product.key), MAX_TRIED, is_judged)
        judged = _on_disk(station, newest)
        paths = tuple(station.archive.path(one.picture_sha256) for one in judged)
        names = tuple(str(one.id) for one in judged)
        after = changed.inspect_many(Folder(names, paths, changed.preparation.grey_range))
        pairs = [(one.verdict, new.verdict) for one, new in zip(judged, after, strict=True)]
    moved = Counter((str(old), str(new)) for old, new in pairs if old != new)
    journal = open_journal(changed)
    return Preview(
        journal.head - 1,
        journal.limits_hold(journal.head),
        judges_composition(inspector) and not judges_composition(changed),
        len(judged),
        [Move(*verdicts, count) for verdicts, count in moved.most_common()],
    )


def keep(station: Station, product: Product, drawn: Regions, revision: int) -> State:
    """Have a product look at what is drawn from now on, as a revision.

    Raises:
        ValueError, ImageError: as `preview`.
        ArtifactError: the product is no longer at the revision that was looked at.
    """

    def change(inspector: Inspector) -> Inspector:
        check_revision(inspector, revision)
        return _rescoped(inspector, drawn, drawn.by)

    state = product.change(change)
    save_drawing(station.settings.folder, state.inspector, drawn)
    station.log_change(product.key, drawn.by, "regions", state.revision, drawn.words())
    return state


def good_records(station: Station, product: Product, limit: int) -> list[Record]:
    """Return the newest records of a product judged good, not answered otherwise, still kept."""
    is_good = records.c.kept & (records.c.answer.is_(None) | (records.c.answer == "good"))
    criteria = Filter(product=product.key, verdict="good")
    return _on_disk(station, station.ledger.find(criteria, limit, is_good))


def learn_anew(station: Station, product: Product, drawn: Regions) -> Draft:
    """Begin a draft with a product's stored good pictures and what is drawn on one of them.

    Raises:
        ArtifactError: no such picture is kept.
    """
    good = good_records(station, product, MAX_LEARNED)
    numbers = [one.id for one in good]
    if drawn.picture not in numbers:
        raise ArtifactError(
            "regions must be drawn on a good picture that is still kept; this one is not; draw on "
            "another"
        )
    draft = station.setup.drafts.create(drawn.by)
    links = []
    for number, one in enumerate(good):
        path = draft.folder / f"{number:05d}.png"  # the decoder goes by the bytes
        _link(station.archive.path(one.picture_sha256), path)
        links.append((f"record-{one.id}-{one.name}", path))
    draft.add_references(links)
    save_regions(draft.folder, replace(drawn, picture=numbers.index(drawn.picture)))
    return draft


def _rescoped(inspector: Inspector, drawn: Regions, by: str) -> Inspector:
    """Return an inspector that looks at what is drawn."""
    bare = replace(inspector.preparation, view=None, zones=())
    prepared = drawn.add_to(bare, [picture.shape_hw for picture in inspector.pictures])
    return rescope(inspector, Scope(prepared.view, prepared.zones), make_note(by, drawn.words()))


def _on_disk(station: Station, found: list[Record]) -> list[Record]:
    """Return records whose picture is still on disk, each picture once."""
    unique = {one.picture_sha256: one for one in found}
    return [one for key, one in unique.items() if station.archive.path(key).exists()]


def _link(source: Path, target: Path) -> None:
    """Have a stored picture in a draft, too, however long it is kept at the station."""
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)

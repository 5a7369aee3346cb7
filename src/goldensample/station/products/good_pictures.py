"""Good pictures and revisions of a product, from its journal."""

import re
from typing import Any

from goldensample.inspection.inspector import Inspector
from goldensample.inspection.journal import Journal
from goldensample.inspection.revision import FIT, LEARN, LIMIT
from goldensample.learning.revisions import open_journal, silent_composition
from goldensample.methods.patchcore import PatchCoreDetector

_LEARNED_NAME = re.compile(r"record-([0-9]{1,10})-[0-9a-f]{12}")


def record_number(name: str) -> int | None:
    """Return the number of the record whose picture was learned under a name; None if none was."""
    match = _LEARNED_NAME.fullmatch(name)
    return int(match[1]) if match else None


def journal_of(inspector: Inspector) -> Journal | None:
    """Return the journal, or that of a fresh fit; None for methods that cannot learn."""
    return open_journal(inspector) if isinstance(inspector.detector, PatchCoreDetector) else None


def composition_is_silent(inspector: Inspector, revision: int | None = None) -> bool:
    """Tell whether what is missing or too many is no longer judged, as pictures were learned.

    Args:
        revision: of the product; None for the one in use.
    """
    return journal_of(inspector) is not None and silent_composition(inspector, revision)


def judges_composition(inspector: Inspector) -> bool:
    """Tell whether what is missing or too many is judged; it is not after learning a picture."""
    detector = inspector.detector
    composition = detector.composition if isinstance(detector, PatchCoreDetector) else None
    return composition is not None and composition.speaks


def good_pictures(inspector: Inspector) -> list[int]:
    """Return the numbers of the good pictures in use: learned ones first, the latest first."""
    journal = journal_of(inspector)
    if journal is None:
        return list(range(len(inspector.pictures)))
    fitted = set(journal.pictures(journal.head, (FIT,)))
    numbers = journal.pictures(journal.head, (FIT, LEARN))
    return [
        *(n for n in reversed(numbers) if n not in fitted),
        *(n for n in numbers if n in fitted),
    ]


def records_in_use(inspector: Inspector) -> set[int]:
    """Return the numbers of the records whose pictures a product has learned from."""
    journal = journal_of(inspector)
    if journal is None:
        return set()
    numbers = journal.pictures(journal.head, (FIT, LEARN, LIMIT))
    record_numbers = {record_number(inspector.pictures[number].name) for number in numbers}
    return {record for record in record_numbers if record is not None}


def revisions(inspector: Inspector) -> list[dict[str, Any]]:
    """Return the revisions as JSON values, the latest first."""
    journal = journal_of(inspector)
    if journal is None:
        return []
    return [
        {
            "revision": number,
            "parent": revision.parent,
            "time": revision.time,
            "action": revision.action,
            "reason": revision.reason,
            "sha256": revision.sha256,
            "pictures": [inspector.pictures[index].name for index in revision.pictures]
            if number
            else [],
            "in_use": number == journal.head,
        }
        for number, revision in reversed(list(enumerate(journal.revisions)))
    ]

"""What a product knows: its good pictures, and the changes that brought them."""

import re
from typing import Any

from goldensample.inspection.inspector import Inspector
from goldensample.inspection.journal import FIT, LEARN, LIMIT, Journal
from goldensample.learning.revisions import opened
from goldensample.methods.patchcore import PatchCoreDetector

_LEARNED = re.compile(r"record-([0-9]{1,10})-[0-9a-f]{12}")


def learned(name: str) -> int | None:
    """Return the number of the record whose picture was learned under a name, or None."""
    found = _LEARNED.fullmatch(name)
    return int(found[1]) if found else None


def journal_of(inspector: Inspector) -> Journal | None:
    """Return the journal, or that of a fresh fit; None for what cannot learn."""
    return opened(inspector) if isinstance(inspector.detector, PatchCoreDetector) else None


def good_pictures(inspector: Inspector) -> list[int]:
    """Return the numbers of the good pictures in use, those learned first, the latest first."""
    journal = journal_of(inspector)
    if journal is None:
        return list(range(len(inspector.pictures)))
    fitted = set(journal.pictures(journal.head, (FIT,)))
    known = journal.pictures(journal.head, (FIT, LEARN))
    return [*(n for n in reversed(known) if n not in fitted), *(n for n in known if n in fitted)]


def records_in_use(inspector: Inspector) -> set[int]:
    """Return the numbers of the records whose pictures a product has learned from."""
    journal = journal_of(inspector)
    if journal is None:
        return set()
    known = journal.pictures(journal.head, (FIT, LEARN, LIMIT))
    found = {learned(inspector.pictures[number].name) for number in known}
    return {one for one in found if one is not None}


def revisions(inspector: Inspector) -> list[dict[str, Any]]:
    """Return the revisions, the latest first, as people and machines read them."""
    journal = journal_of(inspector)
    if journal is None:
        return []
    return [
        {
            "revision": number,
            "parent": one.parent,
            "time": one.time,
            "action": one.action,
            "reason": one.reason,
            "sha256": one.sha256,
            "pictures": [inspector.pictures[k].name for k in one.pictures] if number else [],
            "in_use": number == journal.head,
        }
        for number, one in reversed(list(enumerate(journal.revisions)))
    ]

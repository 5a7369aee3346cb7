"""The journal of an inspector in its `.golden` file; a fresh fit has none.

The rows in use are stored once, as the detector's. In addition the file holds the rows that are not
in use, the revision that added each row, and the rows removed by each revision.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from goldensample.artifact.earlier import with_later_facts
from goldensample.artifact.header import build
from goldensample.drift import measures
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.journal import Journal
from goldensample.inspection.revision import Revision, to_entry
from goldensample.learning.revisions import apply_journal, patchcore_of
from goldensample.records import Array

JOURNAL = "journal"
"""The header's key, and the prefix of the arrays' names."""
NAMES = ("bank", "origins", "born", "drops")


def to_parts(journal: Journal) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return a journal as an entry of the header and arrays by name."""
    idle = ~journal.active(journal.head) | journal.defects
    values = (journal.bank[idle], journal.origins[idle], journal.born, journal.drops)
    arrays = {f"{JOURNAL}/{name}": array for name, array in zip(NAMES, values, strict=True)}
    return {JOURNAL: [to_entry(revision) for revision in journal.revisions]}, arrays


def pop_arrays(arrays: dict[str, Array]) -> dict[str, Array]:
    """Remove the journal's arrays from a file's arrays, and return them by their short names."""
    names = [name for name in arrays if name.startswith(f"{JOURNAL}/")]
    return {name.removeprefix(f"{JOURNAL}/"): arrays.pop(name) for name in names}


def attach_journal(inspector: Inspector, revisions: Any, arrays: dict[str, Array]) -> Inspector:
    """Return an inspector with the journal of its file, after checking all of it.

    Args:
        inspector: from the other parts of the file.
        revisions: the entry of the header; None where there is no journal.
        arrays: see `pop_arrays`.

    Raises:
        ValueError: a part is missing, does not fit, or is not what its revision says.
    """
    if revisions is None and not arrays:
        return inspector
    if set(arrays) != set(NAMES) or not isinstance(revisions, list) or not revisions:
        raise ValueError(f"a journal must have revisions and {', '.join(NAMES)}")
    detector = patchcore_of(inspector)
    idle, origins, born, drops = (arrays[name] for name in NAMES)
    count = len(detector.bank) + len(idle)
    journal = Journal(
        np.zeros((count, detector.bank.shape[1]), np.float16),
        np.zeros((count, 3), np.float32),
        born,
        drops,
        tuple(build(Revision, with_later_facts(entry)) for entry in revisions),
    )
    active = journal.active(journal.head) & ~journal.defects
    if (
        active.sum() != len(detector.bank)
        or idle.dtype != np.float16
        or origins.dtype != np.float32
    ):
        raise ValueError("the rows in use must be those of the journal's last revision")
    journal.bank[active], journal.bank[~active] = detector.bank, idle
    journal.origins[active], journal.origins[~active] = detector.origins, origins
    journal.check()
    restored = apply_journal(inspector, journal)
    same_limits = restored.thresholds == inspector.thresholds
    empty = np.empty(0)
    same_defects = np.array_equal(
        patchcore_of(restored).arrays().get("taught", empty), detector.arrays().get("taught", empty)
    )
    same_precisions = restored.calibrations.keys() == inspector.calibrations.keys()
    if restored.preparation != inspector.preparation:
        raise ValueError("what is looked at must be that of the last revision")
    if not (same_limits and same_defects and same_precisions):
        raise ValueError("limits and what was taught must be those of the last revision")
    if _statistics_bytes(restored) != _statistics_bytes(inspector):
        raise ValueError("what good pictures are like must be that of the last revision")
    return replace(inspector, journal=journal, habits=restored.habits)


def _statistics_bytes(inspector: Inspector) -> dict[str, bytes]:
    """Return the reference statistics as bytes by name, to compare them."""
    arrays = measures.to_arrays(inspector.habits) if inspector.habits else {}
    return {name: array.tobytes() for name, array in arrays.items()}

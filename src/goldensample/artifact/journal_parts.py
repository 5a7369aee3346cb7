"""The journal of an inspector in its `.golden` file; a fresh fit has none.

The rows in use stand once, as the detector's. Beside them the file holds the rows that are not in
use, which revision brought each row, and what was taken out by which.
"""

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from goldensample.artifact.header import build
from goldensample.drift import measures
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.journal import Journal, Revision
from goldensample.learning.revisions import bank_of, revised
from goldensample.records import Array

JOURNAL = "journal"
"""The header's key, and what the names of the arrays start with."""
NAMES = ("bank", "origins", "born", "drops")


def to_parts(journal: Journal) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what a journal adds to a file's header and arrays."""
    idle = ~journal.active(journal.head) | journal.taught
    values = (journal.bank[idle], journal.origins[idle], journal.born, journal.drops)
    arrays = {f"{JOURNAL}/{name}": array for name, array in zip(NAMES, values, strict=True)}
    return {JOURNAL: [asdict(revision) for revision in journal.revisions]}, arrays


def take(arrays: dict[str, Array]) -> dict[str, Array]:
    """Take the journal's arrays out of a file's arrays, by their names."""
    found = [name for name in arrays if name.startswith(f"{JOURNAL}/")]
    return {name.removeprefix(f"{JOURNAL}/"): arrays.pop(name) for name in found}


def rejoin(inspector: Inspector, revisions: Any, arrays: dict[str, Array]) -> Inspector:
    """Return an inspector with the journal of its file, after checking all of it.

    Args:
        inspector: what the rest of the file holds.
        revisions: what stands in the header; None where there is no journal.
        arrays: see `take`.

    Raises:
        ValueError: a part is missing, does not fit, or is not what its revision says.
    """
    if revisions is None and not arrays:
        return inspector
    if set(arrays) != set(NAMES) or not isinstance(revisions, list) or not revisions:
        raise ValueError(f"a journal must have revisions and {', '.join(NAMES)}")
    used = bank_of(inspector)
    read = tuple(build(Revision, revision) for revision in revisions)
    idle, places, born, drops = (arrays[name] for name in NAMES)
    count = len(used.bank) + len(idle)
    blank = Journal(
        np.zeros((count, used.bank.shape[1]), np.float16),
        np.zeros((count, 3), np.float32),
        born,
        drops,
        read,
    )
    active = blank.active(blank.head) & ~blank.taught
    if active.sum() != len(used.bank) or idle.dtype != np.float16 or places.dtype != np.float32:
        raise ValueError("the rows in use must be those of the journal's last revision")
    blank.bank[active], blank.bank[~active] = used.bank, idle
    blank.origins[active], blank.origins[~active] = used.origins, places
    blank.check()
    whole = revised(inspector, blank)
    kept = whole.thresholds == inspector.thresholds
    nothing = np.empty(0)
    taught = np.array_equal(
        bank_of(whole).arrays().get("taught", nothing), used.arrays().get("taught", nothing)
    )
    if not (kept and taught) or whole.calibrations.keys() != inspector.calibrations.keys():
        raise ValueError("limits and what was taught must be those of the last revision")
    if _habits(whole) != _habits(inspector):
        raise ValueError("what good pictures are like must be that of the last revision")
    return replace(inspector, journal=blank, habits=whole.habits)


def _habits(inspector: Inspector) -> dict[str, bytes]:
    """Return what good pictures are like, to be compared."""
    found = measures.to_parts(inspector.habits) if inspector.habits else {}
    return {name: array.tobytes() for name, array in found.items()}

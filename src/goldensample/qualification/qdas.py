"""The counts of a paper as Q-DAS' transfer format (AQDEF, .dfq), for a plant's statistics."""

from collections.abc import Sequence
from datetime import datetime

from goldensample.qualification.paper import Paper

BETWEEN_FIELDS, BETWEEN_CHARACTERISTICS = "\x14", "\x0f"
ATTRIBUTIVE, VALID = 1, 0
"""Of K2004, a characteristic that is counted; of a value's attribute, one that counts."""
CONTROL = dict.fromkeys(range(32), " ")

Count = tuple[str, int, int]
"""Name of a characteristic, size of its sample, and errors in it."""


def dfq(paper: Paper, made: datetime) -> bytes:
    """Return the file: attributive characteristics with one value each.

    It is ASCII, or UTF-8 with its mark where a name has other letters; texts are English, as
    programs read them.

    Args:
        paper: with its counts.
        made: when, told with each value.
    """
    counts = _counts(paper)
    lines = [f"K0100 {len(counts)}", f"K1001 {_clean(paper.name)}", "K1002 visual inspection"]
    for number, (name, _, _) in enumerate(counts, start=1):
        lines += [f"K2001/{number} {number}", f"K2002/{number} {_clean(name)}"]
        lines.append(f"K2004/{number} {ATTRIBUTIVE}")
    lines.append(BETWEEN_CHARACTERISTICS.join(_value(*count[1:], made) for count in counts))
    text = "\r\n".join([*lines, ""])
    return text.encode("ascii" if text.isascii() else "utf-8-sig", "backslashreplace")


def _value(size: int, errors: int, made: datetime) -> str:
    """Return size of the sample, errors, the value, which is the errors again, attribute, time."""
    fields: Sequence[object] = (size, errors, errors, VALID, f"{made:%d.%m.%Y/%H:%M:%S}")
    return BETWEEN_FIELDS.join(map(str, fields))


def _counts(paper: Paper) -> list[Count]:
    """Return false alarms, missed defects, of each kind too, and parts with other verdicts."""
    values = {section.key: section.values for section in paper.sections}
    alarms, found = values["false_alarms"], values["detection"]
    counts: list[Count] = [
        ("false alarms", alarms["good"], alarms["alarms"]),
        ("missed defects", found["defects"], found["defects"] - found["found"]),
    ]
    for kind, pictures, hits in found["kinds"]:
        counts.append((f"missed defects: {kind}", pictures, pictures - hits))
    if again := values.get("repeatability"):
        differing = again["parts"] - again["same_verdict"]
        counts.append(("another verdict of the same part", again["parts"], differing))
    return counts


def _clean(name: str) -> str:
    """Return a name without control characters, which the format separates by."""
    return name.translate(CONTROL).strip() or "-"

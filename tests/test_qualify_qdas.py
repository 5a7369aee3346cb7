"""The counts of a qualification as a .dfq file, read back by another implementation."""

from datetime import datetime

import pytest

from goldensample.qualification.paper import Paper, Section, Table
from goldensample.qualification.qdas import dfq

MADE = datetime(2026, 11, 30, 8, 1, 2)
COUNTS = {
    "false alarms": (191, 10),
    "missed defects": (392, 108),
    "missed defects: blowhole": (115, 14),
    "missed defects: a b": (277, 94),
    "another verdict of the same part": (8, 1),
}


def paper(name: str = "tile", kind: str = "a\x14\x0fb") -> Paper:
    """Return a paper with three sections of counts."""
    values = {
        "false_alarms": {"good": 191, "alarms": 10},
        "detection": {
            "defects": 392, "found": 284, "kinds": [["blowhole", 115, 101], [kind, 277, 183]],
        },
        "repeatability": {"parts": 8, "same_verdict": 7},
    }  # fmt: skip
    sections = [
        Section(key=key, title=key, answer=[], rests_on="", shows_not="", values=own)
        for key, own in values.items()
    ]
    about = {"title": name, "facts": {}, "limits": "", "pictures": Table([], [])}
    return Paper(name=name, sections=sections, **about)


def test_the_file_is_as_the_format_asks_for():
    lines = dfq(paper(kind="b"), MADE).decode("ascii").split("\r\n")
    assert lines[:3] == ["K0100 5", "K1001 tile", "K1002 visual inspection"]
    assert lines[3:6] == ["K2001/1 1", "K2002/1 false alarms", "K2004/1 1"]
    assert lines[-1] == ""
    values = lines[-2].split("\x0f")
    assert values[0] == "191\x1410\x1410\x140\x1430.11.2026/08:01:02"
    assert len(values) == 5


@pytest.mark.parametrize("name", ["tile", "Fliese größer", "타일", "瓷砖"])
def test_another_reader_finds_all_counts(name):
    reader = pytest.importorskip("aqdefreader", reason="aqdefreader is not installed")
    text = dfq(paper(name, "a\x14b"), MADE).decode("utf-8-sig")
    part = reader.DfqFile(text.splitlines()).get_part(0)
    assert part.get_data("K1001") == name
    found = {}
    for characteristic in part.get_characteristics():
        assert characteristic.get_data("K2004") == 1
        (value,) = characteristic.get_measurements()
        assert (value.datetime, value.attribute, value.value) == (MADE, 0, value.error_count)
        found[characteristic.get_data("K2002")] = (value.subgroup_size, value.error_count)
    assert found == COUNTS

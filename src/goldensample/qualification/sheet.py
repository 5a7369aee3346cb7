"""The paper as an Excel file: a sheet for each section with its sentences and tables."""

from collections.abc import Sequence

from goldensample.locales.language import gettext
from goldensample.qualification.paper import Cell, Paper, Section
from goldensample.storage.verdict_sheet import encode_workbook

FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
LONGEST = 31
"""Letters of a sheet's name, at most, as Excel wants it."""


def sheet(paper: Paper) -> bytes:
    """Return the workbook; the same for the same paper."""
    facts: list[Sequence[Cell]] = [*paper.facts.items(), (gettext("limits"), paper.limits)]
    sheets: dict[str, tuple[Sequence[str], Sequence[Sequence[Cell]]]]
    sheets = {_name(gettext("Qualification")): ((paper.title, ""), facts)}
    for section in paper.sections:
        sheets[_name(section.title)] = ((section.title, *[""] * 5), _rows(section))
    sheets[_name(gettext("Pictures"))] = (paper.pictures.headings, paper.pictures.rows)
    return encode_workbook(sheets)


def _name(title: str) -> str:
    return title.translate(FORBIDDEN)[:LONGEST]


def _rows(section: Section) -> list[Sequence[Cell]]:
    """Return the sentences of a section, its tables, and all its single figures."""
    rows: list[Sequence[Cell]] = [(line,) for line in section.answer]
    rows += [(gettext("It rests on:"), section.rests_on)]
    rows += [(gettext("It does not show:"), section.shows_not)]
    for table in section.tables:
        rows += [(), table.headings, *table.rows]
    rows.append(())
    for name, value in section.values.items():
        if isinstance(value, list | tuple):
            flat = all(isinstance(one, int | float) for one in value)
            rows += [(name, *value)] if flat else [(name,), *value]
        elif isinstance(value, dict):
            for key, one in value.items():
                rows.append((name, key, *(one if isinstance(one, list) else (one,))))
        else:
            rows.append((name, value))
    return rows

"""The paper of a qualification: sections of sentences, tables and figures; all figures as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Cell = str | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a table below its headings."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Shape:
    """A line, an area, a dot or a text of a figure, in its units, y downwards.

    Args:
        kind: "line", "area", "dot" or "text".
        points: its points; the one where a dot or a text is.
        style: "curve", "band", "data", "limit", "axis", "found" or "missed".
        text: of a text.
        anchor: "start", "middle" or "end" of the text is at the point.
        share: how much of its colour an area has, 0 to 1.
    """

    kind: str
    points: Sequence[tuple[float, float]]
    style: str
    text: str = ""
    anchor: str = "middle"
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of shapes, drawn in their order."""

    title: str
    width: float
    height: float
    shapes: Sequence[Shape]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One question of a qualification and its answer.

    Args:
        key: of its figures in the JSON.
        title: heading.
        answer: sentences, the most important one first.
        rests_on, shows_not: what it rests on, and what it does not show.
        values: its figures.
        tables, figures: below the sentences.
    """

    key: str
    title: str
    answer: Sequence[str]
    rests_on: str
    shows_not: str
    values: Mapping[str, Any]
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A qualification.

    Args:
        name: of the product.
        title: heading of the paper.
        facts: what was qualified when and with what, name to value.
        limits: what the limits promise, in words.
        sections: in their order.
        pictures: those used, with their hashes.
        signatures: whose names are to sign.
    """

    name: str
    title: str
    facts: Mapping[str, str]
    limits: str
    sections: Sequence[Section]
    pictures: Table
    signatures: Sequence[str] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        """Return all figures, sections by their keys."""
        return {
            "facts": dict(self.facts),
            "limits": self.limits,
            **{section.key: dict(section.values) for section in self.sections},
            "pictures": [list(row) for row in self.pictures.rows],
        }

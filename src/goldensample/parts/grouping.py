"""Which pictures belong to one part: serial number and view, by a pattern of their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from goldensample.images.intake import some
from goldensample.images.listing import is_picture
from goldensample.storage.locations import Location

DEFAULT_PATTERN = "{serial}_{view}"


@dataclass(frozen=True, slots=True)
class PartPictures:
    """The pictures of one part.

    Args:
        serial: its serial number, by the names of its pictures.
        pictures: by view, (name, location).
        doubled: views of which there are several pictures.
    """

    serial: str
    pictures: dict[str, tuple[str, Location]] = field(default_factory=dict)
    doubled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A pattern of names of pictures, such as "{serial}_{view}.png" or "{serial}/{view}".

    Args:
        text: with {serial} and {view}, each once; without an ending it fits every kind of picture.
        views: the names that {view} stands for.

    Raises:
        ValueError: the text lacks one of the two, or has another.
    """

    text: str
    views: Sequence[str]

    def __post_init__(self) -> None:
        places = re.findall(r"\{(.*?)\}", self.text)
        if sorted(places) != ["serial", "view"]:
            raise ValueError(
                "a name pattern must have {serial} and {view}, each once, as in "
                f"{DEFAULT_PATTERN}.png; got {self.text!r}"
            )

    def expression(self) -> re.Pattern[str]:
        """Return the pattern as a regular expression of a whole name."""
        longest_first = sorted(self.views, key=len, reverse=True)
        values = {
            "{serial}": "(?P<serial>[^/]+?)",
            "{view}": f"(?P<view>{'|'.join(map(re.escape, longest_first))})",
        }
        tokens = re.split(r"(\{serial\}|\{view\})", self.text)
        body = "".join(values.get(token) or re.escape(token) for token in tokens)
        ending = "" if is_picture(self.text) else r"\.[^./]+"
        return re.compile(f"(?:.*/)?{body}{ending}")

    def match(self, name: str) -> tuple[str, str] | None:
        """Return the serial number and the view that a picture's name says; None of another."""
        found = self.expression().fullmatch(name.replace("\\", "/"))
        return (found["serial"], found["view"]) if found else None

    def group(
        self, pictures: Sequence[tuple[str, Location]]
    ) -> tuple[list[PartPictures], list[str]]:
        """Return the parts of pictures in the order of their serials, and the names left over.

        Args:
            pictures: (name, location) of each.
        """
        parts, left_over = dict[str, PartPictures](), list[str]()
        for name, location in pictures:
            match = self.match(name)
            if match is None:
                left_over.append(name)
                continue
            serial, view = match
            part = parts.setdefault(serial, PartPictures(serial))
            if view in part.pictures:
                doubled = (*part.doubled, view)
                parts[serial] = PartPictures(serial, part.pictures, doubled)
            else:
                part.pictures[view] = (name, location)
        return [parts[serial] for serial in sorted(parts)], left_over


def left_over_words(left_over: Sequence[str], pattern: NamePattern) -> str:
    """Return which pictures are of no part by their names; "" of none."""
    if not left_over:
        return ""
    listed = some(left_over)
    more = ", …" if len(left_over) > len(listed.names) else ""
    return (
        f"{len(left_over):,} left out, as their names are not {pattern.text} with a view "
        f"{', '.join(pattern.views)}: {', '.join(listed.names)}{more}"
    )

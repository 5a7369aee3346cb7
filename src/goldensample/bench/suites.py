"""Suites: what is run and how it is shown, as TOML files.

A suite has panels; a panel has entries, each a method with its knobs. A panel may vary one thing
(a knob, `shots` or `levels`) along an axis. See `suites/fig5.toml` for all that can be said.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from goldensample.bench.figures import FIGURES
from goldensample.preparation.preparation import Preparation

SHIPPED = (
    *("table1", "table2", "table3", "table4", "table5", "table6", "tableS1"),
    *("fig4", "fig5", "fig6", "figS1"),
)
VIEWS = ("table", "categories", "curve", "mistakes")
SCALES = ("linear", "log", "names")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A method with everything that decides its scores but the data and the seed.

    Args:
        label: its name in tables and figures.
        method: key of `METHODS`.
        knobs: of the method; the others keep their defaults.
        levels: of the network, finest first.
        preparation: the square that pictures are stretched to, and the crop.
        networks: names for `open_backbone`; empty takes the network of the suite's run.
        shots: number of good pictures that are drawn to fit on; None takes all.
        seeds: each makes a run: it draws the shots and is the method's seed, if it has one.
        timed: the run is for its times: nothing is taken from stored features.
        values: along the panel's axis where the entry has its own.
    """

    label: str
    method: str
    preparation: Preparation
    knobs: Mapping[str, Any] = field(default_factory=dict)
    levels: tuple[str, ...] = ("2", "3")
    networks: tuple[str, ...] = ()
    shots: int | None = None
    seeds: tuple[int, ...] = (0,)
    timed: bool = False
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """Entries that are shown together.

    Args:
        title: heading; may be empty.
        data: patterns of the names of the data sets it is about; the first names what is missing.
        figures: keys of `FIGURES`, the most important first.
        vary: "", or what the axis varies: a knob, "shots" or "levels".
        axis: the axis in words.
        scale: of the axis, one of `SCALES`.
        values: along the axis.
        entries: rows of a table, curves of a figure.
    """

    title: str
    data: tuple[str, ...]
    figures: tuple[str, ...]
    vary: str
    axis: str
    scale: str
    values: tuple[Any, ...]
    entries: tuple[Entry, ...]

    def points(self, entry: Entry) -> tuple[tuple[Any, Entry], ...]:
        """Return (value, entry with it) along the axis; (None, entry) without one."""
        if not self.vary:
            return ((None, entry),)
        return tuple((value, _varied(entry, self.vary, value)) for value in _values(self, entry))


@dataclass(frozen=True, slots=True)
class Claim:
    """An order of methods that the paper reports.

    Args:
        text: the order in words.
        above: label of the entry that leads.
        below: labels of those it leads.
        figure: key of `FIGURES`; a larger one is better.
        at: values along the axis at which it must hold; empty for all that are there.
        margin: by how much it must lead at least, in the figure's unit.
    """

    text: str
    above: str
    below: tuple[str, ...]
    figure: str
    at: tuple[Any, ...] = ()
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class Suite:
    """Panels, how they are shown, and what is claimed of them; `maps` keeps every heat map."""

    name: str
    title: str
    view: str
    maps: bool
    panels: tuple[Panel, ...]
    claims: tuple[Claim, ...]

    def entries(self) -> list[tuple[Panel, Any, Entry]]:
        """Return every entry at every point of its panel."""
        return [
            (panel, value, point)
            for panel in self.panels
            for entry in panel.entries
            for value, point in panel.points(entry)
        ]


def read_suite(name: str) -> Suite:
    """Read a suite that ships, by its name, or one's own by the path of its file.

    Raises:
        ValueError: no such suite, or the file says something that is not known; names both.
    """
    if name in SHIPPED:
        place = files("goldensample.bench").joinpath("suites", f"{name}.toml")
        return parse_suite(name, place.read_text(encoding="utf-8"), f"{name}.toml")
    path = Path(name)
    if path.suffix != ".toml" or not path.is_file() or path.stem in SHIPPED:
        raise ValueError(
            f"SUITE must be one of {', '.join(SHIPPED)}, or another .toml file; got {name}"
        )
    return parse_suite(path.stem, path.read_text(encoding="utf-8"), str(path))


def parse_suite(name: str, text: str, where: str) -> Suite:
    """Parse a suite; `where` names its file in messages.

    Raises:
        ValueError: an unknown or missing key, or a value of a wrong kind.
    """
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{where} must be TOML; it is not: {error}") from error
    known = {"title": str, "view": str, "figures": list, "like": str, "maps": bool}
    known |= {"common": dict, "panel": list, "claim": list}
    _check_keys(said, known, {"title", "view", "figures"}, where)
    _check_one_of(said["view"], VIEWS, "view", where)
    figures = _figures(said["figures"], where)
    if "like" in said:
        panels = tuple(replace(p, figures=figures) for p in read_suite(said["like"]).panels)
    else:
        panels = tuple(
            _panel(part, figures, said.get("common", {}), f"{where}: panel {number}")
            for number, part in enumerate(said.get("panel", []), 1)
        )
    if not any(panel.entries for panel in panels):
        raise ValueError(f"{where} must have a [[panel]] with a [[panel.entry]]; it has none")
    claims = tuple(_claim(part, f"{where}: claim") for part in said.get("claim", []))
    return Suite(name, said["title"], said["view"], said.get("maps", False), panels, claims)


def _panel(
    said: Mapping[str, Any], figures: tuple[str, ...], common: Mapping[str, Any], where: str
) -> Panel:
    known = {"title": str, "data": list, "figures": list, "vary": str, "axis": str}
    known |= {"scale": str, "values": list, "entry": list}
    _check_keys(said, known, {"entry"}, where)
    if ("vary" in said) != ("values" in said):
        raise ValueError(f"{where} must have vary and values together, or neither")
    scale = said.get("scale", "linear")
    _check_one_of(scale, SCALES, "scale", where)
    return Panel(
        title=said.get("title", ""),
        data=tuple(said.get("data", ["*"])),
        figures=_figures(said["figures"], where) if "figures" in said else figures,
        vary=said.get("vary", ""),
        axis=said.get("axis", said.get("vary", "")),
        scale=scale,
        values=tuple(said.get("values", [])),
        entries=tuple(_entry({**common, **part}, where) for part in said["entry"]),
    )


def _entry(said: Mapping[str, Any], where: str) -> Entry:
    where = f"{where}, entry {said.get('label', '?')}"
    known = {"label": str, "method": str, "knobs": dict, "levels": list, "resize": int}
    known |= {"crop": int, "networks": list, "shots": int, "seeds": list, "timed": bool}
    _check_keys(said, {**known, "values": list}, {"label", "method"}, where)
    resize, crop = said.get("resize", 256), said.get("crop", 224)
    fixed: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in said.items()
        if name not in ("resize", "crop")
    }
    return Entry(preparation=Preparation((resize, resize), "stretch", (crop, crop)), **fixed)


def _claim(said: Mapping[str, Any], where: str) -> Claim:
    known = {"text": str, "above": str, "below": list, "figure": str, "at": list}
    _check_keys(said, {**known, "margin": float}, {"text", "above", "below", "figure"}, where)
    _figures([said["figure"]], where)
    fixed = {**said, "below": tuple(said["below"]), "at": tuple(said.get("at", ()))}
    return Claim(**fixed)


def _values(panel: Panel, entry: Entry) -> tuple[Any, ...]:
    return entry.values or panel.values


def _varied(entry: Entry, vary: str, value: Any) -> Entry:
    if vary == "shots":
        return replace(entry, shots=int(value))
    if vary == "levels":
        return replace(entry, levels=tuple(str(value).split("+")))
    return replace(entry, knobs={**entry.knobs, vary: value})


def _figures(names: list[Any], where: str) -> tuple[str, ...]:
    for name in names:
        _check_one_of(name, tuple(FIGURES), "a figure", where)
    return tuple(names)


def _check_one_of(value: Any, choices: tuple[str, ...], name: str, where: str) -> None:
    if value not in choices:
        raise ValueError(f"{where}: {name} must be one of {', '.join(choices)}; got {value!r}")


def _check_keys(
    said: Mapping[str, Any], known: Mapping[str, type], needed: set[str], where: str
) -> None:
    """Refuse keys that are not known, of a wrong kind, or missing."""
    for key, value in said.items():
        if key not in known:
            raise ValueError(f"{where}: keys must be among {', '.join(known)}; got {key!r}")
        kind = known[key]
        if not isinstance(value, kind) and not (kind is float and isinstance(value, int)):
            raise ValueError(f"{where}: {key} must be a {kind.__name__}; got {value!r}")
    if missing := needed - set(said):
        raise ValueError(f"{where} must have {', '.join(sorted(missing))}; it has not")

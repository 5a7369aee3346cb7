"""Suites: the definition of runs and of their tables and figures, as TOML files.

A suite has panels; a panel has entries, each a method with its knobs. A panel may vary one thing
(a knob, `shots` or `levels`) along an axis. See `suites/fig5.toml` for an example.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from goldensample.bench.figures import METRICS
from goldensample.preparation.preparation import Preparation

BUILT_IN = (
    *("table1", "table2", "table3", "table4", "table5", "table6", "tableS1"),
    *("fig4", "fig5", "fig6", "figS1", "trained", "mvtec_loco", "mvtec_ad_2"),
)
VIEWS = ("table", "categories", "curve", "mistakes")
SCALES = ("linear", "log", "names")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A method with everything that determines its scores except the data and the seed.

    Args:
        label: its name in tables and figures.
        method: key of `METHODS`, or "FILE.py:Class", which a user has to name, too.
        knobs: of the method; the others keep their defaults.
        levels: of the network, finest first.
        preparation: the square that pictures are stretched to, and the crop.
        networks: names for `open_backbone`; empty takes the network of the suite's run.
        shots: number of good pictures that are drawn to fit on; None takes all.
        seeds: each makes a run: it draws the shots and is the method's seed, if it has one.
        timed: the run measures times: the feature cache is not used.
        values: along the axis, instead of the panel's.
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
        data: patterns of the names of its data sets; the first names what is missing.
        metrics: keys of `METRICS`, the most important first.
        vary: "", or the parameter of the axis: a knob, "shots" or "levels".
        axis: label of the axis.
        scale: of the axis, one of `SCALES`.
        values: along the axis.
        entries: rows of a table, curves of a figure.
        shown: further rows of a table: what another suite trains.
    """

    title: str
    data: tuple[str, ...]
    metrics: tuple[str, ...]
    vary: str
    axis: str
    scale: str
    values: tuple[Any, ...]
    entries: tuple[Entry, ...]
    shown: tuple[Entry, ...] = ()

    def points(self, entry: Entry) -> tuple[tuple[Any, Entry], ...]:
        """Return (value, entry with it) along the axis; (None, entry) without one."""
        if not self.vary:
            return ((None, entry),)
        return tuple((v, _with_value(entry, self.vary, v)) for v in entry.values or self.values)


@dataclass(frozen=True, slots=True)
class Claim:
    """An order of methods that the paper reports.

    Args:
        text: description of the order.
        above: label of the entry that leads.
        below: labels of those it leads.
        metric: key of `METRICS`; a larger one is better.
        at: values along the axis at which it must hold; empty for all.
        margin: minimum lead, in the metric's unit.
    """

    text: str
    above: str
    below: tuple[str, ...]
    metric: str
    at: tuple[Any, ...] = ()
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class Suite:
    """Panels, their view, and the claims about them; `maps` saves every heat map."""

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
    """Read a built-in suite by its name, or another one by the path of its file.

    Raises:
        ValueError: no such suite, or the file has an unknown key; names both.
    """
    if name in BUILT_IN:
        resource = files("goldensample.bench").joinpath("suites", f"{name}.toml")
        return parse_suite(name, resource.read_text(encoding="utf-8"), f"{name}.toml")
    path = Path(name)
    if path.suffix != ".toml" or not path.is_file() or path.stem in BUILT_IN:
        raise ValueError(
            f"SUITE must be one of {', '.join(BUILT_IN)}, or another .toml file; got {name}"
        )
    return parse_suite(path.stem, path.read_text(encoding="utf-8"), str(path))


def parse_suite(name: str, text: str, source: str) -> Suite:
    """Parse a suite; `source` names its file in messages.

    Raises:
        ValueError: an unknown or missing key, or a value of a wrong kind.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source} must be TOML; it is not: {error}") from error
    key_types = {"title": str, "view": str, "figures": list, "like": str, "maps": bool}
    key_types |= {"common": dict, "panel": list, "claim": list}
    _check_keys(table, key_types, {"title", "view", "figures"}, source)
    _check_choice(table["view"], VIEWS, "view", source)
    metrics = _check_metrics(table["figures"], source)
    if "like" in table:
        panels = tuple(replace(p, metrics=metrics) for p in read_suite(table["like"]).panels)
    else:
        panels = tuple(
            _panel(part, metrics, table.get("common", {}), f"{source}: panel {number}")
            for number, part in enumerate(table.get("panel", []), 1)
        )
    if not any(panel.entries for panel in panels):
        raise ValueError(f"{source} must have a [[panel]] with a [[panel.entry]]; it has none")
    claims = tuple(_claim(part, f"{source}: claim") for part in table.get("claim", []))
    return Suite(name, table["title"], table["view"], table.get("maps", False), panels, claims)


def _panel(
    table: Mapping[str, Any], metrics: tuple[str, ...], common: Mapping[str, Any], source: str
) -> Panel:
    key_types = {"title": str, "data": list, "figures": list, "vary": str, "axis": str}
    key_types |= {"scale": str, "values": list, "entry": list, "also": str}
    _check_keys(table, key_types, {"entry"}, source)
    if ("vary" in table) != ("values" in table):
        raise ValueError(f"{source} must have vary and values together, or neither")
    scale = table.get("scale", "linear")
    also = read_suite(table["also"]).panels[0].entries if "also" in table else ()
    _check_choice(scale, SCALES, "scale", source)
    return Panel(
        title=table.get("title", ""),
        data=tuple(table.get("data", ["*"])),
        metrics=_check_metrics(table["figures"], source) if "figures" in table else metrics,
        vary=table.get("vary", ""),
        axis=table.get("axis", table.get("vary", "")),
        scale=scale,
        values=tuple(table.get("values", [])),
        entries=tuple(_entry({**common, **entry}, source) for entry in table["entry"]),
        shown=tuple(entry for entry in also if entry.knobs.get("epochs") != 0),
    )


def _entry(table: Mapping[str, Any], source: str) -> Entry:
    source = f"{source}, entry {table.get('label', '?')}"
    key_types = {"label": str, "method": str, "knobs": dict, "levels": list, "resize": int}
    key_types |= {"crop": int, "networks": list, "shots": int, "seeds": list, "timed": bool}
    _check_keys(table, {**key_types, "values": list}, {"label", "method"}, source)
    resize, crop = table.get("resize", 256), table.get("crop", 224)
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in table.items()
        if name not in ("resize", "crop")
    }
    return Entry(preparation=Preparation((resize, resize), "stretch", (crop, crop)), **fields)


def _claim(table: Mapping[str, Any], source: str) -> Claim:
    key_types = {"text": str, "above": str, "below": list, "figure": str, "at": list}
    _check_keys(table, {**key_types, "margin": float}, {"text", "above", "below", "figure"}, source)
    _check_metrics([table["figure"]], source)
    below, at, margin = tuple(table["below"]), tuple(table.get("at", ())), table.get("margin", 0.0)
    return Claim(table["text"], table["above"], below, table["figure"], at, margin)


def _with_value(entry: Entry, vary: str, value: Any) -> Entry:
    if vary == "shots":
        return replace(entry, shots=int(value))
    if vary == "levels":
        return replace(entry, levels=tuple(str(value).split("+")))
    return replace(entry, knobs={**entry.knobs, vary: value})


def _check_metrics(names: list[Any], source: str) -> tuple[str, ...]:
    for name in names:
        _check_choice(name, tuple(METRICS), "a figure", source)
    return tuple(names)


def _check_choice(value: Any, choices: tuple[str, ...], name: str, source: str) -> None:
    if value not in choices:
        raise ValueError(f"{source}: {name} must be one of {', '.join(choices)}; got {value!r}")


def _check_keys(
    table: Mapping[str, Any], key_types: Mapping[str, type], required: set[str], source: str
) -> None:
    """Refuse keys that are not known, of a wrong kind, or missing."""
    for key, value in table.items():
        if key not in key_types:
            raise ValueError(f"{source}: keys must be among {', '.join(key_types)}; got {key!r}")
        expected = key_types[key]
        if not isinstance(value, expected) and not (expected is float and isinstance(value, int)):
            raise ValueError(f"{source}: {key} must be a {expected.__name__}; got {value!r}")
    if missing := sorted(required - set(table)):
        raise ValueError(f"{source} lacks {', '.join(missing)}; see how-to/own-network-or-method")

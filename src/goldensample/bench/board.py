"""What is known so far: results by run, and why others are missing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.bench.data import Category
from goldensample.bench.figures import FIGURES
from goldensample.bench.published import CATEGORIES, where_to_get
from goldensample.bench.runs import Networks, run_of
from goldensample.bench.suites import Entry, Panel
from goldensample.errors import ArtifactError

Missing = str
"""Why there is no value."""


@dataclass(frozen=True, slots=True)
class Board:
    """All that views are made from.

    Args:
        categories: given, or known from results.
        networks: at hand.
        results: raw results by the name of their run, without the single pictures.
        failures: why runs failed just now, by name.
    """

    categories: Sequence[Category]
    networks: Networks
    results: Mapping[str, Mapping[str, Any]]
    failures: Mapping[str, str]

    def of(self, panel: Panel) -> list[Category]:
        """Return the categories that a panel is about."""
        return [c for c in self.categories if any(fnmatchcase(c.data_set, p) for p in panel.data)]

    def averaged(self, panel: Panel) -> list[Category]:
        """Return the categories a panel's mean is over: MVTec AD's, or all where it has none."""
        found = self.of(panel)
        return [c for c in found if c.name in CATEGORIES] or found

    def raw(self, entry: Entry, category: Category) -> list[Mapping[str, Any]] | Missing:
        """Return an entry's results on a category, one for each seed."""
        found = []
        for seed in entry.seeds:
            run = run_of(entry, category, seed, self.networks)
            if isinstance(run, str):
                return run
            if run.name not in self.results:
                why = self.failures.get(run.name)
                return f"failed: {why}" if why else "not run yet"
            found.append(self.results[run.name])
        return found

    def values(self, entry: Entry, category: Category, figure: str) -> list[float] | Missing:
        """Return a figure of an entry on a category, one value for each seed."""
        raw = self.raw(entry, category)
        if isinstance(raw, str):
            return raw
        values = [FIGURES[figure].of(result) for result in raw]
        known = [value for value in values if value is not None]
        return known if len(known) == len(values) else "has no masks, or the method no heat map"

    def means(
        self, entry: Entry, categories: Sequence[Category], figure: str, panel: Panel
    ) -> list[float] | Missing:
        """Return a figure over categories, one value for each seed: their mean, or their total."""
        if not categories:
            return f"needs the data set {where_to_get(panel.data[0])}"
        rows = []
        for category in categories:
            values = self.values(entry, category, figure)
            if isinstance(values, str):
                return values
            rows.append(values)
        table = np.asarray(rows)  # (categories, seeds)
        joined = table.sum(axis=0) if FIGURES[figure].total else table.mean(axis=0)
        return [float(value) for value in joined]


def read_results(output: Path) -> dict[str, dict[str, Any]]:
    """Read all raw results of a folder, without the single pictures.

    Raises:
        ArtifactError: a file is damaged.
    """
    found = {}
    for path in sorted((output / "raw").glob("*.json")):
        try:
            raw = json.loads(path.read_bytes())
            raw["pictures"] = None
            raw["times"]["seconds"] = None
            Category(**_category(raw["specification"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(
                f"{path} must be a result of golden bench; it is not, or it is damaged; delete it, "
                "and it is made anew"
            ) from error
        found[path.stem] = raw
    return found


def known_categories(
    given: Sequence[Category], results: Mapping[str, Mapping[str, Any]]
) -> list[Category]:
    """Return the categories given, and those that only results tell of, each once."""
    found = {(c.data_set, c.name): c for c in given}
    same = {(c.name, c.fingerprint) for c in given}  # under another name of the data set
    for raw in results.values():
        category = Category(**_category(raw["specification"]))
        if (category.name, category.fingerprint) not in same:
            found.setdefault((category.data_set, category.name), category)
            same.add((category.name, category.fingerprint))
    order = {name: number for number, name in enumerate(CATEGORIES)}
    return sorted(found.values(), key=lambda c: (order.get(c.name, len(order)), c.data_set, c.name))


def _category(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "data_set": said["data_set"],
        "name": said["category"],
        "fingerprint": said["data"],
        "train": said["train"],
        "test": said["test"],
    }

"""The table of results: raw results by run, and why others are missing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.bench.data import Category
from goldensample.bench.figures import METRICS
from goldensample.bench.published import CATEGORIES, source_of
from goldensample.bench.runs import Networks, make_run
from goldensample.bench.suites import Entry, Panel
from goldensample.errors import ArtifactError

Missing = str
"""Reason of a missing value."""


@dataclass(frozen=True, slots=True)
class ResultsTable:
    """All that tables and figures are made from.

    Args:
        categories: given, or found in results.
        networks: available.
        by_run: raw results by the name of their run, without per-picture values.
        failures: why runs of this call failed, by name.
    """

    categories: Sequence[Category]
    networks: Networks
    by_run: Mapping[str, Mapping[str, Any]]
    failures: Mapping[str, str]

    def categories_of(self, panel: Panel) -> list[Category]:
        """Return the categories of a panel."""
        return [c for c in self.categories if any(fnmatchcase(c.data_set, p) for p in panel.data)]

    def averaged_categories(self, panel: Panel) -> list[Category]:
        """Return the categories a panel averages: MVTec AD's, or all where it has none."""
        categories = self.categories_of(panel)
        return [c for c in categories if c.name in CATEGORIES] or categories

    def raw_results(self, entry: Entry, category: Category) -> list[Mapping[str, Any]] | Missing:
        """Return an entry's results on a category: of all seeds, or else of the first alone."""
        results = list[Mapping[str, Any]]()
        for seed in entry.seeds:
            run = make_run(entry, category, seed, self.networks)
            if isinstance(run, str):
                return run
            if run.name not in self.by_run:
                if results:
                    return results[:1]
                reason = self.failures.get(run.name)
                return f"failed: {reason}" if reason else "not run yet"
            results.append(self.by_run[run.name])
        return results

    def values(self, entry: Entry, category: Category, metric: str) -> list[float] | Missing:
        """Return a metric of an entry on a category, one value for each seed."""
        raw_results = self.raw_results(entry, category)
        if isinstance(raw_results, str):
            return raw_results
        values = [METRICS[metric].read(result) for result in raw_results]
        available = [value for value in values if value is not None]
        return (
            available
            if len(available) == len(values)
            else "has no masks, or the method no heat map"
        )

    def means(
        self, entry: Entry, categories: Sequence[Category], metric: str, panel: Panel
    ) -> list[float] | Missing:
        """Return a metric over categories, one value for each seed: their mean, or their total."""
        if not categories:
            return f"needs the data set {source_of(panel.data[0])}"
        rows = []
        for category in categories:
            values = self.values(entry, category, metric)
            if isinstance(values, str):
                return values
            rows.append(values)
        seeds = min(map(len, rows))
        table = np.asarray([row[:seeds] for row in rows])  # (categories, seeds)
        aggregated = table.sum(axis=0) if METRICS[metric].total else table.mean(axis=0)
        return [float(value) for value in aggregated]


def read_results(output: Path) -> dict[str, dict[str, Any]]:
    """Read all raw results of a folder, without per-picture values.

    Raises:
        ArtifactError: a file is damaged.
    """
    results = {}
    for path in sorted((output / "raw").glob("*.json")):
        try:
            result = json.loads(path.read_bytes())
            result["pictures"] = None
            result["times"]["seconds"] = None
            Category(**_category_fields(result["specification"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(
                f"{path} must be a result of golden bench; it is not, or it is damaged; delete it, "
                "and it is made anew"
            ) from error
        results[path.stem] = result
    return results


def merge_categories(
    categories: Sequence[Category], results: Mapping[str, Mapping[str, Any]]
) -> list[Category]:
    """Return the given categories and those found only in results, without duplicates."""
    merged = {(c.data_set, c.name): c for c in categories}
    seen = {(c.name, c.fingerprint) for c in categories}  # under another name of the data set
    for result in results.values():
        category = Category(**_category_fields(result["specification"]))
        if (category.name, category.fingerprint) not in seen:
            merged.setdefault((category.data_set, category.name), category)
            seen.add((category.name, category.fingerprint))
    order = {name: number for number, name in enumerate(CATEGORIES)}
    return sorted(
        merged.values(), key=lambda c: (order.get(c.name, len(order)), c.data_set, c.name)
    )


def _category_fields(specification: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "data_set": specification["data_set"],
        "name": specification["category"],
        "fingerprint": specification["data"],
        "train": specification["train"],
        "test": specification["test"],
    }

"""The inspector of parts: pictures of several views in, one verdict a part out."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from goldensample.artifact.store import load
from goldensample.calibration import conformal
from goldensample.errors import ArtifactError, ImageError
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.streams import inspect_stream
from goldensample.parts.grouping import PartPictures
from goldensample.parts.manifest import PartManifest, check_files, read_manifest
from goldensample.parts.rule import (
    by_union,
    by_whole_parts,
    least_union_rate,
    union_promise,
)
from goldensample.records import Calibration, Inspection, Notify, Picture, silent

CHUNK = 8
"""Parts at a time: their heat maps are in memory together; changes memory and speed only."""
ViewResult = tuple[Picture | None, Inspection | ImageError]
"""A decoded picture, and what became of it."""


@dataclass(frozen=True, slots=True)
class PartInspection:
    """The result of a part.

    Args:
        part: what its pictures have in common in their names.
        serial: its serial number: that, or what is read from a code.
        verdict: "defect", "good", or "error" where a view is missing or cannot be read.
        p_value: share of good parts, this one included, that look as odd; None of an error.
        view: the name of the view that looks oddest; "" of an error.
        error: what is missing, in words; else "".
        views: by name, of those that there are.
    """

    part: str
    serial: str
    verdict: str
    p_value: float | None = None
    view: str = ""
    error: str = ""
    views: Mapping[str, ViewResult] = field(default_factory=dict)


@dataclass(frozen=True)
class PartInspector:
    """The inspectors of all views of a part, and the rule of its verdict; see `load_part`.

    Args:
        manifest: of the part.
        inspectors: of its views, in order.
    """

    manifest: PartManifest
    inspectors: tuple[Inspector, ...]

    @property
    def least_rate(self) -> float:
        """The smallest rate of good parts called defect that the rule supports."""
        if self.manifest.calibration:
            return 1 / (len(self.manifest.calibration.parts) + 1)
        return least_union_rate([len(c.scores) for c in self.calibrations()])

    def proven_rate(self) -> float | None:
        """Return the rate of good parts called defect that is proven; None where none is."""
        if self.manifest.calibration:
            return self.manifest.false_alarms
        if any(not _limits_hold(inspector) for inspector in self.inspectors):
            return None
        limits = [inspector.threshold for inspector in self.inspectors]
        kinds = [(limit.kind, limit.held_out) if limit else ("hand", 0) for limit in limits]
        return union_promise(kinds, self.manifest.false_alarms)

    def check_rate(self) -> None:
        """Make sure that the rule can call a part a defect at the rate asked for.

        Raises:
            ArtifactError: it cannot.
        """
        asked, least = self.manifest.false_alarms, self.least_rate
        if asked * (1 + 1e-9) < least:
            needed = conformal.required_count(asked)
            raise ArtifactError(
                f"a rate of {asked:.3g} of good parts must rest on more pictures: by the views' "
                f"own limits {least:.3g} is the smallest; run golden part calibrate with at least "
                f"{needed} whole good parts, or golden part new with --false-alarms {least:.3g}"
            )

    def inspect(
        self, parts: Sequence[PartPictures], notify: Notify = silent
    ) -> Iterator[PartInspection]:
        """Inspect parts, in order; of one that cannot be judged the reason is its result.

        Args:
            parts: with pictures on disk.
            notify: told ("inspect", parts done, parts).
        """
        self.check_rate()
        for start in range(0, len(parts), CHUNK):
            chunk = parts[start : start + CHUNK]
            for part, views in zip(chunk, self.inspect_views(chunk), strict=True):
                yield self.judge(part.serial, views, part.doubled)
            notify("inspect", min(start + CHUNK, len(parts)), len(parts))

    def judge(
        self, serial: str, views: Mapping[str, ViewResult], doubled: Sequence[str] = ()
    ) -> PartInspection:
        """Return the verdict of a part from the results of its views.

        Args:
            serial: its serial number.
            views: by name.
            doubled: views of which there is more than one picture: an error, never a guess.
        """
        problems = [f"several pictures of view {name}" for name in dict.fromkeys(doubled)]
        problems += self.missing(set(views))
        problems += [
            f"view {name}: {result}"
            for name, (_, result) in views.items()
            if isinstance(result, ImageError)
        ]
        if problems:
            error = "; ".join(problems)
            return PartInspection(serial, serial, "error", error=error, views=views)
        seen = {
            name: result for name, (_, result) in views.items() if isinstance(result, Inspection)
        }
        verdict, p_value, view = self.decide(
            {name: result.score for name, result in seen.items()},
            {name: result.p_value for name, result in seen.items()},
        )
        return PartInspection(serial, serial, verdict, p_value, view, views=views)

    def missing(self, names: Container[str]) -> list[str]:
        """Return what is missing where there are these views alone, in words."""
        return [
            f"view {view.name} missing"
            for view in self.manifest.views
            if view.required and view.name not in names
        ]

    def decide(
        self, scores: Mapping[str, float], p_values: Mapping[str, float | None]
    ) -> tuple[str, float, str]:
        """Return the verdict of a part, its p-value, and the view that looks oddest.

        Args:
            scores, p_values: of its views by their names, at least of one; all that it must have.
        """
        numbers = {name: k for k, name in enumerate(self.manifest.names)}
        if self.manifest.calibration:
            by_number = {numbers[name]: score for name, score in scores.items()}
            found = by_whole_parts(self.manifest.calibration, by_number)
        else:
            found = by_union({numbers[name]: p or 1.0 for name, p in p_values.items()})
        is_defect = found.p_value <= self.manifest.false_alarms * (1 + 1e-9)
        return "defect" if is_defect else "good", found.p_value, self.manifest.names[found.view]

    def inspect_views(self, parts: Sequence[PartPictures]) -> list[dict[str, ViewResult]]:
        """Inspect all views of a few parts, view by view."""
        results: list[dict[str, ViewResult]] = [{} for _ in parts]
        for name, inspector in zip(self.manifest.names, self.inspectors, strict=True):
            having = [k for k, part in enumerate(parts) if name in part.pictures]
            listed = [parts[k].pictures[name] for k in having]
            names, paths = tuple(n for n, _ in listed), tuple(p for _, p in listed)
            folder = Folder(names, paths, inspector.preparation.grey_range)
            for k, result in zip(having, inspect_stream(inspector, folder.attempts()), strict=True):
                results[k][name] = result
        return results

    def calibrations(self) -> list[Calibration]:
        """Return what the limits of each view rest on."""
        found = []
        for name, inspector in zip(self.manifest.names, self.inspectors, strict=True):
            calibration = inspector.calibrations.get(inspector.backbone.precision)
            if calibration is None or len(calibration.scores) < 2:
                raise ArtifactError(
                    "every view must have scores of good pictures kept out of its fit; view "
                    f"{name} has none; fit it with 2 pictures or more"
                )
            found.append(calibration)
        return found


def load_part(path: Path, manifest: PartManifest | None = None) -> PartInspector:
    """Load a part: its manifest, and the files of its views after a check of their SHA-256.

    Args:
        path: of the `.golden-part` file.
        manifest: to take instead of what the file says.
    """
    manifest = manifest or read_manifest(path)
    files = check_files(path, manifest.views)
    return PartInspector(manifest, tuple(load(file) for file in files))


def _limits_hold(inspector: Inspector) -> bool:
    """Return whether no change since the fit took the promise from the limits."""
    return inspector.threshold is not None and inspector.threshold.false_alarms is not None

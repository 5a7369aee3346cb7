"""Evaluate an inspector on labelled pictures."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from goldensample.evaluation import metrics
from goldensample.evaluation.pixel_metrics import Channel, PixelCurve, PixelTally
from goldensample.evaluation.views import View, auroc_by_view, auroc_per_part
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import mark
from goldensample.records import Array, Inspection, Picture


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture with its ground truth.

    Args:
        picture: the picture.
        defect: True when it shows one.
        mask: (H, W) bool, True on the defect; all False on a good picture; None where unknown.
        kind: name of the defect, or "good".
        channels: its defects one by one, where the data set says how much of each is enough.
        view: which side of which part it shows, where parts have several pictures.
    """

    picture: Picture
    defect: bool
    mask: Array | None
    kind: str = ""
    channels: tuple[Channel, ...] = ()
    view: View | None = None


@dataclass(frozen=True, slots=True)
class TypeMetrics:
    """The metrics of one type of defect against the good pictures, shares in [0, 1].

    Args:
        images: pictures of the type.
        pixel_auroc: on the pixels of the type's pictures and the good ones, as is `pro`; None
            where masks or heat maps are missing, or where the masks are empty.
        pro: up to a false positive rate of 0.3.
        spro: the same of channels with a saturation (MVTec LOCO); None without them.
        spro_5: the same up to 0.05.
    """

    images: int
    image_auroc: float
    pixel_auroc: float | None
    pro: float | None
    spro: float | None
    spro_5: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The metrics of a test set, shares in [0, 1].

    Pixel metrics are None where all masks, or heat maps, are missing.

    Args:
        pro: per-region overlap up to a false positive rate of 0.3.
        pro_5: the same up to 0.05.
        spro: saturated per-region overlap up to 0.3, the mean of the types of defect as MVTec LOCO
            defines it; None where no saturations are known.
        spro_5: the same up to 0.05.
        type_auroc: mean of the types' image AUROCs, MVTec LOCO's figure; None without types.
        pixel_error: largest error of a pixel metric that counting pixels in bins can have caused.
        pixels: what the pixel metrics were computed on: "full picture" or "crop".
        without_mask: pictures that lack a mask where others have one; the pixel metrics leave them
            out.
        image_auroc_interval: 95 % bootstrap interval, see `metrics.bootstrap`.
        by_type: by name of the defect; types without a name are left out.
        image_auroc_by_view: by name of the view (Real-IAD has C1 to C5); empty without views, and
            None for one without good or without defect pictures.
        image_auroc_per_part: of whole parts, each with the largest score of its views, and a
            defect where one of them is; None without views.
    """

    image_auroc: float
    pixel_auroc: float | None
    pro: float | None
    f1: float
    f1_threshold: float
    false_positive: int
    false_negative: int
    images: int
    pixels: str
    without_mask: int
    image_auroc_interval: tuple[float, float]
    image_average_precision: float
    pro_5: float | None
    pixel_average_precision: float | None
    pixel_f1: float | None
    pixel_error: float | None
    by_type: Mapping[str, TypeMetrics]
    spro: float | None
    spro_5: float | None
    type_auroc: float | None
    image_auroc_by_view: Mapping[str, float | None]
    image_auroc_per_part: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the metrics under the names that `golden evaluate --json` prints."""
        values = asdict(self)
        errors = {name: values.pop(name) for name in ("false_positive", "false_negative")}
        return {**values, "misclassified": errors}


class Tally:
    """Accumulates inspections with their ground truth, without storing heat maps.

    Memory: 8 MB for the pixels of the good pictures and 8 MB for those of each type of defect; a
    few bytes for each picture.
    """

    def __init__(self) -> None:
        self.scores: list[float] = []
        self.defects: list[bool] = []
        self._kinds: list[str] = []
        self._views: list[View | None] = []
        self._pixels = PixelTally()
        self._incomplete: set[str | None] = set()  # groups that lack a heat map
        self._masks = self._without_mask = 0
        self._cropped = False

    def add(
        self,
        inspection: Inspection,
        defect: bool,
        mask: Array | None,
        kind: str = "",
        channels: Sequence[Channel] = (),
        view: View | None = None,
    ) -> None:
        """Add one picture, with its truth as in `Labelled`; pixels not inspected are left out."""
        group = kind if defect else None
        self.scores.append(inspection.score)
        self.defects.append(defect)
        self._kinds.append(kind)
        self._views.append(view)
        values = inspection.heat_map
        if values is None:
            self._incomplete.add(group)
        self._masks += defect and mask is not None
        self._without_mask += mask is None
        if values is None or mask is None:
            return
        top, left, height, width = inspection.box_px
        self._cropped |= (height, width) != values.shape
        box = (slice(top, top + height), slice(left, left + width))
        inside = [Channel(channel.mask[box], channel.saturation) for channel in channels]
        self._pixels.add(values[box], mask[box], group, inside)

    def result(self) -> Evaluation:
        """Return the metrics of all pictures added so far.

        Raises:
            ValueError: good pictures, or defects, are missing; or all masks are empty.
        """
        scores, defects = np.asarray(self.scores), np.asarray(self.defects, bool)
        best = metrics.best_f1(scores, defects)
        has_pixels = self._masks and not self._incomplete
        curve = self._pixels.curve() if has_pixels else None
        pixel_auroc, pro, pro_5, pixel_average_precision, pixel_f1, error = _pixel_metrics(curve)
        by_type = self._by_type(scores, defects)
        return Evaluation(
            image_auroc=metrics.auroc(scores, defects),
            pixel_auroc=pixel_auroc,
            pro=pro,
            f1=best.f1,
            f1_threshold=best.threshold,
            false_positive=best.false_positive,
            false_negative=best.false_negative,
            images=len(scores),
            pixels=mark("crop") if self._cropped else mark("full picture"),
            without_mask=self._without_mask if self._masks else 0,
            image_auroc_interval=metrics.bootstrap(scores, defects, metrics.auroc),
            image_average_precision=metrics.average_precision(scores, defects),
            pro_5=pro_5,
            pixel_average_precision=pixel_average_precision,
            pixel_f1=pixel_f1,
            pixel_error=error,
            by_type=by_type,
            spro=_mean_of_types(by_type, "spro"),
            spro_5=_mean_of_types(by_type, "spro_5"),
            type_auroc=_mean_of_types(by_type, "image_auroc"),
            image_auroc_by_view=auroc_by_view(scores, defects, self._views),
            image_auroc_per_part=auroc_per_part(scores, defects, self._views),
        )

    def _by_type(self, scores: Array, defects: Array) -> dict[str, TypeMetrics]:
        """Return the metrics of each named type of defect."""
        kinds, by_type = np.asarray(self._kinds), {}
        for name in sorted({kind for kind in kinds[defects].tolist() if kind}):
            of_type = defects & (kinds == name)
            subset = of_type | ~defects
            has_pixels = not self._incomplete & {None, name} and name in self._pixels.marked
            curve = self._pixels.curve(None, name) if has_pixels else None
            saturated = [curve.spro(limit) if curve else None for limit in (0.3, 0.05)]
            by_type[name] = TypeMetrics(
                images=int(of_type.sum()),
                image_auroc=metrics.auroc(scores[subset], defects[subset]),
                pixel_auroc=curve.auroc().value if curve else None,
                pro=curve.pro().value if curve else None,
                spro=saturated[0].value if saturated[0] else None,
                spro_5=saturated[1].value if saturated[1] else None,
            )
        return by_type


def _mean_of_types(by_type: Mapping[str, TypeMetrics], name: str) -> float | None:
    """Return the mean of a metric over the types that have it; None if none has."""
    values = [getattr(metrics, name) for metrics in by_type.values()]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _pixel_metrics(curve: PixelCurve | None) -> tuple[float | None, ...]:
    """Return AUROC, PRO, PRO to 0.05, average precision, best F1, and the largest error."""
    if curve is None:
        return (None,) * 6
    values = [curve.auroc(), curve.pro(), curve.pro(0.05)]
    values += [curve.average_precision(), curve.best_f1()]
    return (*(bounded.value for bounded in values), max(bounded.error for bounded in values))


def evaluate(inspector: Inspector, labelled: Iterable[Labelled]) -> Evaluation:
    """Inspect labelled pictures and return the metrics of the whole set."""
    tally, pending = Tally(), deque[Labelled]()

    def pictures() -> Iterator[Picture]:
        for truth in labelled:
            pending.append(truth)
            yield truth.picture

    for inspection in inspector.inspect_many(pictures()):
        truth = pending.popleft()
        tally.add(inspection, truth.defect, truth.mask, truth.kind, truth.channels, truth.view)
    return tally.result()

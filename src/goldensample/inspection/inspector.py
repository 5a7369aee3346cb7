"""The whole: a picture in, a verdict and a heat map out."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import islice

import numpy as np
from threadpoolctl import ThreadpoolController

from goldensample.backbones.network import Backbone
from goldensample.calibration import conformal
from goldensample.drift.measures import Habits, note
from goldensample.features.extraction import BATCH, as_picture, at_a_time, features_of, prepare
from goldensample.inspection.journal import Journal
from goldensample.methods.protocols import BankDetector, Detector, Method
from goldensample.methods.registry import METHODS
from goldensample.preparation.motion import Motion
from goldensample.preparation.placement import Placement
from goldensample.preparation.preparation import Preparation
from goldensample.records import (
    Array,
    Calibration,
    Features,
    Inspection,
    Picture,
    Region,
    Scores,
    Source,
    Threshold,
)
from goldensample.regions import heatmap


@dataclass(frozen=True, slots=True)
class TrainingPicture:
    """A picture of the fit.

    Args:
        name: how it is called.
        shape_hw: (H, W).
        thumbnail: a small JPEG of it where the file keeps one.
        motion: see `Placement`.
    """

    name: str
    shape_hw: tuple[int, int]
    thumbnail: bytes = b""
    motion: Motion | None = None


@dataclass(frozen=True)
class Inspector:
    """A fitted inspector; make one with `fit` or `load`.

    Args:
        preparation: how a picture is brought to the network.
        backbone: picture to feature maps.
        method: the settings the detector was fitted with.
        detector: feature maps to distances.
        thresholds: limits by the precision they were set in; none when too few good pictures
            were at hand.
        pictures: the pictures of the fit, by the index that bank rows refer to.
        samples: a few of them, shrunk, (H, W, 3) uint8: what exports are checked on.
        calibrations: what the limits rest on, by precision.
        journal: what it was taught since the fit; None for a fresh fit.
        habits: what the pictures of the bank are like; None where that is not known.
    """

    preparation: Preparation
    backbone: Backbone
    method: Method
    detector: Detector
    thresholds: Mapping[str, Threshold]
    pictures: tuple[TrainingPicture, ...]
    samples: tuple[Array, ...] = ()
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    journal: Journal | None = None
    habits: Habits | None = None

    @property
    def method_name(self) -> str:
        """Key of the method in `METHODS`."""
        return next(name for name, kind in METHODS.items() if isinstance(self.method, kind))

    @property
    def threshold(self) -> Threshold | None:
        """The limits in the backbone's precision, if there are any."""
        return self.thresholds.get(self.backbone.precision)

    def inspect(self, image: Array | Picture) -> Inspection:
        """Inspect one picture.

        Args:
            image: (H, W, 3) uint8 RGB, or a `Picture`; not changed.

        Raises:
            ValueError: the array is of another shape or kind.
        """
        return next(self.inspect_many([image], batch=1))

    def inspect_many(
        self, images: Iterable[Array | Picture], batch: int = BATCH
    ) -> Iterator[Inspection]:
        """Inspect pictures in batches; each result is the same as that of the picture alone.

        Args:
            images: each (H, W, 3) uint8 RGB, or a `Picture`.
            batch: pictures at a time, judged in threads of their own while the network is at
                work on the next ones; with 1, the network has all threads for one picture. Of
                large canvases there are fewer at a time, whatever is asked for.
        """
        waiting = iter(enumerate(images))
        batch = min(batch, at_a_time(self.preparation))

        def extracted() -> tuple[list[Picture], Features, list[Placement], Array] | None:
            some = [as_picture(image, index) for index, image in islice(waiting, batch)]
            if not some:
                return None
            canvases, placements = prepare(some, self.preparation)
            features = features_of(some, canvases, placements, self.preparation, self.backbone)
            return some, features, placements, canvases

        if batch == 1:
            while found := extracted():
                with one_thread_each():
                    judged = [self._judge(*found, 0)]
                yield from judged
            return
        with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor() as judges:
            coming = ahead.submit(extracted)
            while found := coming.result():
                coming = ahead.submit(extracted)
                with one_thread_each():
                    judged = list(judges.map(partial(self._judge, *found), range(len(found[0]))))
                yield from judged

    def _judge(
        self,
        pictures: list[Picture],
        features: Features,
        placements: list[Placement],
        canvases: Array,
        index: int,
    ) -> Inspection:
        """Score one picture of several and say what is told of it."""
        name, placement = pictures[index].name, placements[index]
        scores = self.detector.score(features.only(index))
        values, found = None, []
        score, limit = float(scores.image[0]), self.threshold
        known = self.calibrations.get(self.backbone.precision)
        if known and scores.folds is not None:
            score = conformal.crossed(scores.folds[0], known.scores)
        if scores.grid.size:
            values = heatmap.heat_map(
                scores.grid[0],
                scores.valid[0],
                scores.centres,
                placement,
                self.detector.sigma_px,
            )
            if limit and limit.pixel is not None:
                found = heatmap.regions(values, limit.pixel)
        return Inspection(
            name=name,
            score=score,
            verdict=limit.verdict(score) if limit else None,
            heat_map=values,
            box_px=placement.box_px(),
            regions=tuple(self._explain(region, placement, scores) for region in found),
            note=note(self.habits, canvases[index], placement),
            p_value=conformal.p_value(known.scores, score) if known else None,
        )

    def _explain(self, region: Region, placement: Placement, scores: Scores) -> Region:
        """Add the good patch nearest to the worst patch near the region's peak."""
        at = heatmap.worst_near(region.peak_px, placement, scores)
        row = int(scores.nearest[0][at])
        centre = (np.asarray([axis[k]]) for axis, k in zip(scores.centres, at, strict=True))
        number = int(placement.zones_at(*centre)[0, 0])
        zone = placement.zones[number] if number >= 0 else None
        known = self.calibrations.get(self.backbone.precision)
        peaks = known.peaks if known else None
        return replace(
            region,
            reason=self.source(row) if row >= 0 else None,
            distance=float(scores.grid[0][at]),
            p_value=None if peaks is None else conformal.p_value(peaks, region.peak),
            zone=zone.name if zone else None,
            zone_limit=zone.limit if zone else 1.0,
        )

    def source(self, row: int) -> Source:
        """Return where a bank row came from."""
        if not isinstance(self.detector, BankDetector):
            raise ValueError(f"a source must be of a bank row; {self.method_name} has no bank")
        number, down, right = (float(value) for value in self.detector.origins[row])
        picture = self.pictures[int(number)]
        placement = replace(self.preparation.place(picture.shape_hw), motion=picture.motion)
        canvas_px = np.multiply((down, right), placement.canvas_hw)
        return Source(picture.name, *placement.picture_px(canvas_px).tolist())


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread_each() -> AbstractContextManager[object]:
    """Keep BLAS to one thread: small products on many threads wait for each other."""
    limited: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limited

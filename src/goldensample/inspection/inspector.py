"""The fitted inspector: a picture in, a verdict and a heat map out."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from multiprocessing import cpu_count

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.calibration import conformal
from goldensample.drift.measures import ReferenceStatistics, note
from goldensample.features.extraction import (
    BATCH,
    as_picture,
    batch_size,
    compute_features,
    prepare,
)
from goldensample.images.intake import Intake
from goldensample.inspection.composition import add_opinions
from goldensample.inspection.journal import Journal
from goldensample.inspection.words import describe
from goldensample.locales.language import mark
from goldensample.methods.protocols import BankDetector, Detector, Method
from goldensample.methods.registry import method_name
from goldensample.native.threads import limit_blas_threads, thread_count
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
from goldensample.search.exact import search_in_threads

PER_CORE = 2
"""Pictures of a batch, at most, for each core; changes memory and speed only."""
BELOW_PIXEL_LIMIT = mark("no single place is beyond its limit; the oddest place is marked")


@dataclass(frozen=True, slots=True)
class TrainingPicture:
    """A picture of the fit.

    Args:
        name: its name.
        shape_hw: (H, W).
        thumbnail: a small JPEG of it where the file keeps one.
        motion: see `Placement`.
        digest: of its pixels, see `PictureFacts`; "" where it is not known.
    """

    name: str
    shape_hw: tuple[int, int]
    thumbnail: bytes = b""
    motion: Motion | None = None
    digest: str = ""


@dataclass(frozen=True)
class Inspector:
    """A fitted inspector; make one with `fit` or `load`.

    Args:
        preparation: how a picture is resized and placed on the canvas of the network.
        backbone: picture to feature maps.
        method: the settings the detector was fitted with.
        detector: feature maps to anomaly scores.
        thresholds: limits by the precision they were set in; none when too few good pictures
            were at hand.
        pictures: the pictures of the fit, by the index that bank rows refer to.
        samples: a few of them, shrunk, (H, W, 3) uint8: what exports are checked on.
        calibrations: what the limits rest on, by precision.
        journal: its revisions since the fit; None for a fresh fit.
        hold_out: the pictures held out of the fit; None where none was, or that is not known.
        habits: reference statistics of the pictures of the bank; None where they are not known.
        intake: what the fit counted in and left out; None where that is not known.
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
    hold_out: conformal.HoldOut | None = None
    habits: ReferenceStatistics | None = None
    intake: Intake | None = None

    @property
    def method_name(self) -> str:
        """See `registry.method_name`."""
        return method_name(self.method)

    @property
    def threshold(self) -> Threshold | None:
        """The limits in the backbone's precision, if there are any."""
        return self.thresholds.get(self.backbone.precision)

    def __repr__(self) -> str:
        """Return what it is, what it was fitted on, and its limits in plain words."""
        network, precision = self.backbone.network.name, self.backbone.precision
        size, count = self.preparation.canvas_hw, len(self.pictures)
        lines = describe((self.method_name, network, precision), size, count, self.threshold)
        return "\n".join(lines)

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
            batch: pictures per batch, scored in a thread pool while the network extracts the
                features of the next batch; with 1, the network has all threads for one picture.
                Large canvases and few cores lower it.
        """
        numbered_images = iter(enumerate(images))
        batch = min(batch, batch_size(self.preparation), PER_CORE * cpu_count())

        def extract_next() -> tuple[list[Picture], Features, list[Placement], Array] | None:
            pictures = [as_picture(image, index) for index, image in islice(numbered_images, batch)]
            if not pictures:
                return None
            canvases, placements = prepare(pictures, self.preparation)
            features = compute_features(
                pictures, canvases, placements, self.preparation, self.backbone
            )
            return pictures, features, placements, canvases

        if batch == 1:
            while extracted := extract_next():
                with limit_blas_threads():
                    inspection = self._inspect_one(*extracted, 0)
                yield inspection
            return
        with ThreadPoolExecutor(1) as extractor, ThreadPoolExecutor(cpu_count()) as scorers:
            future = extractor.submit(extract_next)
            while extracted := future.result():
                future = extractor.submit(extract_next)
                with limit_blas_threads():
                    indices = range(len(extracted[0]))
                    inspect_one = partial(self._inspect_one, *extracted)
                    inspections = list(scorers.map(inspect_one, indices))
                yield from inspections

    def inspect_prepared(
        self, pictures: list[Picture], canvases: Array, placements: list[Placement]
    ) -> list[Inspection]:
        """Inspect one batch of pictures, prepared by `extraction.prepare`."""
        features = compute_features(pictures, canvases, placements, self.preparation, self.backbone)
        one = partial(self._inspect_one, pictures, features, placements, canvases)
        with limit_blas_threads(), ThreadPoolExecutor(cpu_count()) as scorers:
            return list(scorers.map(one, range(len(pictures))))

    def _inspect_one(
        self,
        pictures: list[Picture],
        features: Features,
        placements: list[Placement],
        canvases: Array,
        index: int,
    ) -> Inspection:
        """Score one picture of a batch and return its inspection."""
        placement = placements[index]
        with search_in_threads(max(1, thread_count() // len(pictures))):
            scores = self.detector.score(features.select(index))
        heat_map, regions = None, list[Region]()
        score, limit, opinions = float(scores.image[0]), self.threshold, scores.opinions
        calibration = self.calibrations.get(self.backbone.precision)
        if calibration and scores.folds is not None:
            score = conformal.cross_conformal_score(scores.folds[0], calibration.scores)
        verdict = limit.verdict(score) if limit else None
        notes = [note(self.habits, canvases[index], placement)]
        if scores.grid.size:
            heat_map = heatmap.heat_map(
                scores.grid[0], scores.valid[0], scores.centres, placement, self.detector.sigma_px
            )
            if limit and verdict and limit.pixel is not None:
                by_place = opinions is None or opinions[0][0] > opinions[0][1]
                regions = heatmap.regions_of_verdict(heat_map, limit.pixel, verdict, by_place)
                if regions and regions[0].limit < limit.pixel:
                    notes.append(BELOW_PIXEL_LIMIT)
        inspection = Inspection(
            name=pictures[index].name,
            score=score,
            verdict=verdict,
            heat_map=heat_map,
            box_px=placement.box_px(),
            regions=tuple(self._explain(region, placement, scores) for region in regions),
            note="; ".join(filter(None, notes)),
            p_value=conformal.p_value(calibration.scores, score) if calibration else None,
        )
        return add_opinions(inspection, (self.detector, scores), calibration, self.source)

    def _explain(self, region: Region, placement: Placement, scores: Scores) -> Region:
        """Add the good patch nearest to the region's worst patch, distance, p-value and zone."""
        cell = heatmap.worst_patch(region.peak_px, placement, scores)
        row = int(scores.nearest[0][cell])
        centre = (np.asarray([axis[k]]) for axis, k in zip(scores.centres, cell, strict=True))
        number = int(placement.zones_at(*centre)[0, 0])
        zone = placement.zones[number] if number >= 0 else None
        calibration = self.calibrations.get(self.backbone.precision)
        peaks = calibration.peaks if calibration else None
        return replace(
            region,
            reason=self.source(row) if row >= 0 else None,
            distance=float(scores.grid[0][cell]),
            p_value=None if peaks is None else conformal.p_value(peaks, region.peak),
            zone=zone.name if zone else None,
            zone_limit=zone.limit if zone else 1.0,
        )

    def source(self, row: int) -> Source:
        """Return where a bank row came from."""
        if not isinstance(self.detector, BankDetector):
            raise ValueError(f"a source must be of a bank row; {self.method_name} has no bank")
        number, down, right = self.detector.origins[row].tolist()
        picture = self.pictures[int(number)]
        placement = replace(self.preparation.placement(picture.shape_hw), motion=picture.motion)
        canvas_px = np.multiply((down, right), placement.canvas_hw)
        return Source(picture.name, *placement.picture_px(canvas_px).tolist())

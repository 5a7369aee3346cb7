"""The fitted form of all trained methods: an ONNX graph, run without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from goldensample.backbones.openvino import GraphRunner
from goldensample.methods.pooled import scores_without_map
from goldensample.methods.positions import centres
from goldensample.methods.trained.inputs import average, picture_inputs
from goldensample.methods.validation import check_arrays
from goldensample.records import Array, Features, Scores

DEFECTS = "labelled_defects"
"""Name of the array, and of the fact, that tells how many there were."""


@dataclass(frozen=True)
class TrainedDetector:
    """A trained method.

    Args:
        settings: the knobs it was fitted with.
        model: (bytes,) uint8, an ONNX graph of one picture: from `picture_inputs`, one input a
            level, to `score` (1,), to `map` (1, h, w), or to both, all at least 0; without a score
            it is the map's largest value.
        losses: (epochs + 1, parts) float32: before training, and the means over each epoch; with
            patience the last part is that on the good pictures kept out.
        defects: labelled defects it was trained on, beside good pictures.
    """

    settings: Any
    model: Array
    losses: Array
    defects: int = field(default=0, kw_only=True)

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map in pixels of the canvas; 0 where the method has no map."""
        return getattr(self.settings, "sigma_px", 0.0)

    @cached_property
    def runner(self) -> GraphRunner:
        """The graph, which is compiled at its first run."""
        return GraphRunner(self.model.tobytes())

    def score(self, features: Features) -> Scores:
        """Score pictures, one after the other.

        Raises:
            ValueError: the features are of another shape than those of the fit.
        """
        side = getattr(self.settings, "side", 0)
        results = [
            self.runner.run(*picture_inputs(features, index, side))
            for index in range(len(features))
        ]
        if "map" not in results[0]:
            return scores_without_map([float(result["score"][0]) for result in results])
        grid = np.stack([result["map"][0] for result in results])
        valid = np.stack([average(one, grid.shape[1:]) >= 0.5 for one in features.valid])
        grid = np.where(valid, grid, np.float32(0))
        image = grid.max(axis=(1, 2))
        if "score" in results[0]:
            image = np.concatenate([result["score"] for result in results])
        return Scores(image, grid, np.full(grid.shape, -1, np.int32), valid, centres(valid))

    def arrays(self) -> dict[str, Array]:
        """Return the graph, the losses and, where there were any, the number of defects."""
        arrays = {"model": self.model, "losses": self.losses}
        return arrays | ({DEFECTS: np.array([self.defects], np.int32)} if self.defects else {})

    def facts(self) -> dict[str, float]:
        """Return the epochs trained, the graph's size in megabytes, and the number of defects."""
        facts = {"epochs": len(self.losses) - 1, "model_mb": round(self.model.size / 1e6, 1)}
        return facts | ({DEFECTS: self.defects} if self.defects else {})


def restore_trained(settings: Any, arrays: Mapping[str, Array]) -> TrainedDetector:
    """Rebuild the detector of a trained method from its arrays.

    Raises:
        ValueError: an array is missing or of another kind.
    """
    shapes: dict[str, tuple[str, ...]] = {"model": ("bytes",), "losses": ("epochs", "parts")}
    if DEFECTS in arrays:
        shapes[DEFECTS] = ("count",)
    check_arrays(arrays, shapes, {"model": "uint8", DEFECTS: "int32"})
    defects = int(arrays[DEFECTS].item()) if DEFECTS in arrays else 0
    return TrainedDetector(settings, arrays["model"], arrays["losses"], defects=defects)

"""The arrays that a PatchCore detector is restored from, checked."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from goldensample.methods.composition import Composition, restore
from goldensample.records import Array


class Parts(NamedTuple):
    """The fields of a `PatchCoreDetector` after its settings."""

    bank: Array
    origins: Array
    radius: float
    reference: Array | None
    defect_patches: Array | None
    position_scale: Array | None
    composition: Composition | None = None
    evidence: Array | None = None


def check_parts(arrays: Mapping[str, Array], statistics: bool) -> Parts:
    """Return the parts of a detector from its arrays.

    Args:
        statistics: whether image scores are by statistics, so that `usual` must be there.

    Raises:
        ValueError: an array is missing or the shapes do not fit.
    """
    names = ["bank", "origins", "radius", *(["usual"] if statistics else [])]
    counted = {name for name in arrays if name.startswith("composition_")}
    if set(arrays) - counted - {"taught", "position_scale", "imagined"} != set(names):
        raise ValueError(f"arrays must be {', '.join(names)}; got {', '.join(sorted(arrays))}")
    bank, origins, radius = (arrays[name] for name in ("bank", "origins", "radius"))
    if bank.ndim != 2 or not len(bank) or origins.shape != (len(bank), 3):
        raise ValueError(f"bank and origins must fit; got {bank.shape} and {origins.shape}")
    if radius.shape != (1,) or radius.dtype != np.float64 or not 0 <= radius[0] < np.inf:
        raise ValueError(f"radius must be one number, at least 0; got {radius}")
    if (bank.dtype.name, origins.dtype.name) != ("float16", "float32"):
        raise ValueError(
            f"bank and origins must be float16 and float32; got {bank.dtype}, {origins.dtype}"
        )
    reference, defects = arrays.get("usual"), arrays.get("taught")
    if reference is not None and (reference.shape != (6, 4) or reference.dtype != np.float64):
        raise ValueError(f"usual must be float64 (6, 4); got {reference.dtype} {reference.shape}")
    if defects is not None:
        if defects.shape[1:] != bank.shape[1:] or not len(defects) or defects.dtype != np.float16:
            raise ValueError(f"taught must be float16 as the bank; got {defects.dtype}")
        defects = defects.astype(np.float32)
    scale = arrays.get("position_scale")
    if scale is not None and (
        scale.ndim != 2
        or not scale.size
        or scale.dtype != np.float32
        or not (np.isfinite(scale) & (scale > 0)).all()
    ):
        raise ValueError(
            f"position_scale must be (h, w) float32 above 0; got {scale.dtype} {scale.shape}"
        )
    composition = restore(arrays, bank) if counted else None
    values = bank.astype(np.float32), origins, float(radius[0]), reference, defects, scale
    evidence = arrays.get("imagined")
    if evidence is not None and (evidence.shape != (4,) or evidence.dtype != np.float64):
        raise ValueError(f"imagined must be float64 (4,); got {evidence.dtype} {evidence.shape}")
    return Parts(*values, composition, evidence)


def to_arrays(parts: Parts) -> dict[str, Array]:
    """Return the arrays that `check_parts` takes."""
    arrays = {
        "bank": parts.bank.astype(np.float16),
        "origins": parts.origins,
        "radius": np.asarray([parts.radius]),
    }
    if parts.reference is not None:
        arrays["usual"] = parts.reference
    if parts.defect_patches is not None:
        arrays["taught"] = parts.defect_patches.astype(np.float16)
    if parts.position_scale is not None:
        arrays["position_scale"] = parts.position_scale
    if parts.evidence is not None:
        arrays["imagined"] = parts.evidence
    return arrays | (parts.composition.arrays() if parts.composition else {})

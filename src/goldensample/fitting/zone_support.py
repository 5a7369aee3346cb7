"""Checks that a method supports zones, and that each zone contains patches."""

from collections.abc import Iterable

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.features.extraction import level_shapes
from goldensample.methods.mean_map import MeanMap
from goldensample.methods.padim import PaDiM
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.protocols import Method
from goldensample.preparation.preparation import Preparation
from goldensample.preparation.zones import Zones


def check_method(method: Method, zones: Zones) -> None:
    """Refuse zones unless pictures are scored by their patches' distances alone.

    Raises:
        ValueError: there are zones, and pictures are not.
    """
    base = getattr(method, "patchcore", method)  # of an ensemble, of a crossed fit
    if not zones or isinstance(base, PaDiM | MeanMap):
        return
    if not isinstance(base, PatchCore):
        raise ValueError(
            "zones must go with a method that scores a picture by its patches: patchcore, padim "
            f"or mean_map; got {type(method).__name__.lower()}"
        )
    if base.image_score == "statistics":
        raise ValueError(
            "zones must go with an image_score of distances, maximum or top; statistics holds "
            "them against those of good pictures as a whole"
        )
    if base.composition == "on":
        raise ValueError(
            "zones must go with composition off or auto: what a whole picture is composed of knows "
            "no zones; got composition on"
        )


def check_zones(
    method: Method,
    preparation: Preparation,
    backbone: Backbone,
    shapes: Iterable[tuple[int, int]],
) -> Method:
    """Check, before the fit, that pictures can be scored in every zone; return the method to fit.

    Args:
        method: to be fitted.
        preparation: with the zones.
        backbone: of the fit.
        shapes: (H, W) of the pictures.

    Returns:
        The method; where there are zones, without a composition that is not asked for.

    Raises:
        ValueError: the method cannot, or a zone contains no patch of a picture.
    """
    zones = preparation.zones
    check_method(method, zones)
    if not zones:
        return method
    _, *grid_hw = level_shapes(preparation, backbone)[0]
    step = getattr(getattr(method, "patchcore", method), "stride", 1)
    rows, columns = ((np.arange(0, cells, step) + 0.5) / cells for cells in grid_hw)
    for shape in sorted(set(shapes)):
        placement = preparation.placement(shape)
        valid = placement.valid((grid_hw[0], grid_hw[1]))[::step, ::step]
        covered = np.unique(placement.zones_at(rows, columns)[valid])
        for number in np.setdiff1d(np.arange(len(zones)), covered):
            raise ValueError(
                f"a zone must hold the centre of a patch; {zones[number].name} holds none on a "
                f"picture of {shape[0]}x{shape[1]} pixels; make it larger, see what covers it (a "
                "later zone, --ignore, a crop), or fit with a larger --size"
            )
    return method.without_auto() if isinstance(method, PatchCore) else method

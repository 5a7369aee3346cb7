"""The families of parts, and the rendering of one picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from goldensample.demo import cap, circuit, kit, screw, washer, weave, wood
from goldensample.demo.canvas import Surface
from goldensample.demo.shot import Capture, add_sensor_noise, random_capture, shade, take_picture
from goldensample.records import Array
from goldensample.synthetic.fields import Random

VISIBLE = 4.0
"""Grey levels by which a pixel must change, before noise, to belong to the mask."""


@dataclass(frozen=True, slots=True)
class Part:
    """One picture of a part.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, True where a defect changed the picture; all False for a good part.
    """

    pixels: Array
    mask: Array


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of part.

    Args:
        name: its key in `FAMILIES`.
        size_hw: height and width of its pictures.
        defects: names of its defects.
        draw: returns its surface, given the random generator of the part, the defect or None, and
            the random generator of the defect.
    """

    name: str
    size_hw: tuple[int, int]
    defects: tuple[str, ...]
    draw: Callable[[Random, str | None, Random], Surface]


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("washer", washer.SIZE_HW, washer.DEFECTS, washer.draw),
        Family("circuit", circuit.SIZE_HW, circuit.DEFECTS, circuit.draw),
        Family("weave", weave.SIZE_HW, weave.DEFECTS, weave.draw),
        Family("cap", cap.SIZE_HW, cap.DEFECTS, cap.draw),
        Family("wood", wood.SIZE_HW, wood.DEFECTS, wood.draw),
        Family("screw", screw.SIZE_HW, screw.DEFECTS, screw.draw),
    )
}
LOGICAL = {"kit": Family("kit", kit.SIZE_HW, kit.DEFECTS, kit.draw)}
"""Parts whose defects are not odd in any one place; `golden demo` leaves them out."""


def render(family: str, seed: int, defect: str | None = None) -> Part:
    """Render one part; with a defect, the same part damaged.

    Args:
        family: a key of `FAMILIES` or `LOGICAL`.
        seed: not negative; determines part, pose, light, noise and the shape of the defect.
        defect: one of the family's defects, or None for a good part.

    Returns:
        The picture and the mask. Outside the mask widened by 2 pixels the picture equals, byte
        for byte, that of the good part of the same seed.

    Raises:
        ValueError: the family or the defect is not known.
    """
    kind = find_family(family)
    if defect is not None and defect not in kind.defects:
        raise ValueError(f"defect must be one of {', '.join(kind.defects)}; got {defect!r}")
    seeds = np.random.SeedSequence(seed).spawn(4)
    capture = random_capture(np.random.default_rng(seeds[0]))
    picture = _render_noise_free(kind, None, capture, seeds)
    mask = np.zeros(kind.size_hw, bool)
    if defect is not None:
        damaged = _render_noise_free(kind, defect, capture, seeds)
        mask = _visible_change(picture, damaged)
        dilated = ndimage.binary_dilation(mask, iterations=2)
        picture = np.where(dilated[:, :, None], damaged, picture)
    return Part(add_sensor_noise(picture, capture, np.random.default_rng(seeds[3])), mask)


def find_family(name: str) -> Family:
    """Return a family by its name.

    Raises:
        ValueError: the name is not known.
    """
    families = FAMILIES | LOGICAL
    if name not in families:
        raise ValueError(f"family must be one of {', '.join(families)}; got {name!r}")
    return families[name]


def _render_noise_free(
    kind: Family, defect: str | None, capture: Capture, seeds: Sequence[np.random.SeedSequence]
) -> Array:
    part_rng, defect_rng = np.random.default_rng(seeds[1]), np.random.default_rng(seeds[2])
    return take_picture(shade(kind.draw(part_rng, defect, defect_rng), capture), capture)


def _visible_change(picture: Array, damaged: Array) -> Array:
    """Return where two pictures without noise differ visibly, small gaps closed."""
    visible = np.abs(damaged - picture).max(axis=2) > VISIBLE  # (H, W, 3) -> (H, W)
    closed: Array = ndimage.binary_closing(np.pad(visible, 3), iterations=2)[3:-3, 3:-3]
    return closed

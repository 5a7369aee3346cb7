"""A plain-woven technical fabric: blue-grey weft (across) through sand-coloured warp (down)."""

import numpy as np

from goldensample.demo import marks
from goldensample.demo.canvas import Canvas, Surface, blank, random_canvas
from goldensample.records import Array
from goldensample.synthetic.fields import Point, Random, fractal_noise, smooth_noise, smoothstep

SIZE_HW = (256, 256)
DEFECTS = ("broken_thread", "thick_thread", "colour_thread", "hole", "stain", "lint")
PITCH_PX = 18.0
WARP, WEFT = (0.42, 0.36, 0.26), (0.13, 0.17, 0.22)


def draw(rng: Random, defect: str | None, defect_rng: Random) -> Surface:
    """Draw one piece of fabric."""
    canvas = random_canvas(rng, SIZE_HW, PITCH_PX, 0.05, 0.02)
    shape = canvas.shape_hw
    drift = [np.float32(1.6) * smooth_noise(rng, shape, (140, 140)) for _ in range(2)]
    column = (canvas.x + drift[0]) / np.float32(PITCH_PX) + 20
    row = (canvas.y + drift[1]) / np.float32(PITCH_PX) + 20
    centre = float(defect_rng.uniform(-85, 85)), float(defect_rng.uniform(-85, 85))
    warp = _threads(rng, column, row, 1)
    weft = _threads(rng, row, column, -1)
    weft_colour: Array = np.asarray(WEFT, np.float32)[:, None, None]
    if defect in ("broken_thread", "thick_thread", "colour_thread"):
        weft_colour = _thread_fault(canvas, weft, row, (defect, centre), defect_rng)
    elif defect == "hole":
        _hole(canvas, (warp[0], weft[0]), (column, row), centre, defect_rng)
    surface = _cloth(rng, warp, weft, weft_colour)
    if defect == "stain":
        marks.stain(canvas, surface, defect_rng, centre, ((0.45, 0.38, 0.30), 0.5))
    elif defect == "lint":
        marks.fibre(canvas, surface, defect_rng, centre, (0.75, 0.74, 0.72))
    return surface


def _threads(rng: Random, across: Array, along: Array, sign: int) -> tuple[Array, Array]:
    """Return height (pixels, far below where there is no thread) and brightness of a set.

    Args:
        across, along: (H, W) position in pitches; each thread fills one unit of `across`.
        sign: 1 for the set that is on top where both counts are even, -1 for the other.
    """
    count = int(across.max()) + 2
    index = across.astype(np.int32)
    jitter, tone = rng.normal(0, (0.025, 0.045), (count, 2)).astype(np.float32).T
    offset = across - index - np.float32(0.5) + jitter[index]
    half_width = np.float32(0.435) + np.float32(0.018) * smooth_noise(rng, across.shape, (30, 30))
    profile = np.sqrt(np.clip(1 - (offset / half_width) ** 2, 0, 1))
    parity = np.where(index % 2 == 0, np.float32(sign), np.float32(-sign))
    wave = parity * np.cos(np.float32(np.pi) * (along - np.float32(0.5)))
    twist = np.sin(np.float32(2 * np.pi) * (along * np.float32(2.4) + offset * np.float32(1.3)))
    fuzz = rng.standard_normal(across.shape, np.float32)
    height = np.float32(2.6) * profile + np.float32(1.7) * wave + np.float32(0.16) * twist
    height = np.where(profile > 0, height, np.float32(-4))
    shade = 1 + tone[index] + np.float32(0.07) * twist + np.float32(0.06) * fuzz
    return height, shade * (np.float32(0.55) + np.float32(0.45) * profile)


def _cloth(
    rng: Random, warp: tuple[Array, Array], weft: tuple[Array, Array], weft_colour: Array
) -> Surface:
    """Lay the upper thread over the lower one, darker where it is deep down."""
    surface = blank(warp[0].shape, (0.03, 0.028, 0.025), 0.02, 8.0)
    top = np.maximum(warp[0], weft[0])
    warp_share = np.clip((warp[0] - weft[0]) / np.float32(0.5) + np.float32(0.5), 0, 1)
    surface.height[:] = np.maximum(top, np.float32(-1.5)) * np.float32(0.8)
    occlusion = np.float32(0.35) + np.float32(0.65) * smoothstep(-1.5, 3.0, top)
    occlusion *= (1 + np.float32(0.035) * fractal_noise(rng, top.shape, 160, 2)) * (top > -3)
    upper, lower = warp[1] * warp_share * occlusion, weft[1] * (1 - warp_share) * occlusion
    warp_colour = np.asarray(WARP, np.float32)[:, None, None]
    surface.colour[:] = np.maximum(warp_colour * upper + weft_colour * lower, np.float32(0.012))
    return surface


def _thread_fault(
    canvas: Canvas,
    weft: tuple[Array, Array],
    row: Array,
    fault: tuple[str, Point],
    defect_rng: Random,
) -> Array:
    """Break, swell or miscolour one weft thread over some length; return the weft's colour."""
    kind, centre = fault
    number = np.floor(centre[1] / PITCH_PX + 20)
    offset = row - np.float32(number + 0.5)
    length_px = float(
        defect_rng.uniform(11, 20) if kind == "broken_thread" else defect_rng.uniform(18, 40)
    )
    inside = np.abs(canvas.x - np.float32(centre[0])) / np.float32(length_px)
    on_thread = np.abs(offset) < 0.5
    weft_colour: Array = np.asarray(WEFT, np.float32)[:, None, None]
    if kind == "broken_thread":
        ragged = np.float32(0.12) * smooth_noise(defect_rng, row.shape, (2.5, 9))
        weft[0][on_thread & (inside + ragged < 1)] = -4
    elif kind == "colour_thread":
        factors = np.array([[2.3, 0.75, 0.6], [0.42, 0.42, 0.47], [2.5, 2.2, 1.7]], np.float32)
        factor = factors[int(defect_rng.integers(3))][:, None, None]
        weft_colour = weft_colour * np.where(
            on_thread, 1 + (factor - 1) * smoothstep(1.0, 0.9, inside), 1
        )
    else:
        _swell(weft, offset, inside, defect_rng)
    return weft_colour


def _swell(weft: tuple[Array, Array], offset: Array, inside: Array, defect_rng: Random) -> None:
    """Let a thread grow over its neighbours (offset in pitches, inside 0 to 1 along it)."""
    half = np.float32(0.43) + np.float32(defect_rng.uniform(0.22, 0.34)) * smoothstep(
        1.0, 0.4, inside
    )
    swell = np.sqrt(np.clip(1 - (offset / half) ** 2, 0, 1))
    covered = (swell > 0) & (inside < 1)
    bulge = np.float32(4.4) * swell * smoothstep(1.0, 0.6, inside)
    fuzz = 1 + np.float32(0.10) * smooth_noise(defect_rng, offset.shape, (2, 8))
    on_top = covered & (bulge > weft[0])
    swollen = fuzz * (np.float32(0.6) + np.float32(0.4) * swell)
    weft[1][:] = np.where(on_top, swollen, weft[1])
    weft[0][:] = np.where(on_top, bulge, weft[0])


def _hole(
    canvas: Canvas,
    heights: tuple[Array, Array],
    thread_indices: tuple[Array, Array],
    centre: Point,
    defect_rng: Random,
) -> None:
    """Tear the cloth: inside a ragged patch no thread is left; each ends at its own length."""
    where, distance = marks.blob_distance(
        canvas, defect_rng, centre, float(defect_rng.uniform(6, 10)), 0.4
    )
    for height, thread_index in zip(heights, thread_indices, strict=True):
        lengths = defect_rng.normal(0, 1.8, 64).astype(np.float32)
        frayed = np.float32(0.7) * smooth_noise(defect_rng, distance.shape, (2, 2))
        ends = distance + lengths[thread_index[where].astype(np.int32)] + frayed
        patch = height[where]
        patch[ends < 0] = -4

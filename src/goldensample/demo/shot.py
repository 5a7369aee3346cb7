"""Light and camera: from a surface to the picture of it."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from goldensample.demo.canvas import Surface
from goldensample.demo.fields import FINE, Random
from goldensample.records import Array


@dataclass(frozen=True, slots=True)
class Shot:
    """How one picture is lit and taken.

    Args:
        toward: unit vector (x, y, z) toward the lamp; z toward the camera.
        level: brightness, about 1.
        slope_xy: relative change of brightness from the middle to the right and lower border.
        tint: gain of red, green and blue.
        defocus_px: deviation of the blur.
        noise: deviation of the sensor's noise in grey levels.
    """

    toward: tuple[float, float, float]
    level: float
    slope_xy: tuple[float, float]
    tint: tuple[float, float, float]
    defocus_px: float
    noise: float


def draw_shot(random: Random) -> Shot:
    """Draw light and camera of one picture: a lamp at the upper left, all else nearly fixed."""
    azimuth = random.normal(-2.25, 0.13)
    elevation = random.normal(0.82, 0.04)
    flat = np.cos(elevation)
    red, blue = random.normal(1, 0.012, 2)
    return Shot(
        (float(flat * np.cos(azimuth)), float(flat * np.sin(azimuth)), float(np.sin(elevation))),
        float(np.exp(random.normal(0, 0.05))),
        (float(random.normal(0, 0.05)), float(random.normal(-0.03, 0.05))),
        (float(red), 1.0, float(blue)),
        float(random.uniform(0.35, 0.75)),
        float(random.uniform(1.2, 2.2)),
    )


def shade(surface: Surface, shot: Shot) -> Array:
    """Return the light (3, H, W) a surface sends to a camera straight above it.

    Half of the light is a bright room, half the lamp; the highlight is Blinn and Phong's, or, on
    brushed metal, Kajiya and Kay's, which spreads across the brushing.
    """
    down, right = np.gradient(surface.height, np.float32(1 / FINE))
    upright = 1 / np.sqrt(1 + right * right + down * down)
    lx, ly, lz = (np.float32(value) for value in shot.toward)
    lamp = np.maximum((lz - right * lx - down * ly) * upright, 0)
    diffuse = np.float32(0.2) + np.float32(0.25) * upright + np.float32(0.75) * lamp
    hx, hy, hz = np.array([lx, ly, lz + 1]) / np.sqrt(2 + 2 * lz)
    toward = (np.float32(hz) - right * np.float32(hx) - down * np.float32(hy)) * upright
    if surface.grain is None:
        glint = np.exp(np.float32(surface.sharpness) * (toward - 1))
    else:
        gx, gy = surface.grain
        climb = right * gx + down * gy
        along = gx * np.float32(hx) + gy * np.float32(hy) + climb * np.float32(hz)
        glint = np.exp(np.float32(-surface.sharpness) * along * along + 3 * (toward - 1))
    light: Array = surface.colour * diffuse + surface.gloss * glint
    return light


def expose(light: Array, shot: Shot) -> Array:
    """Turn light (3, H, W) into a picture without noise, (height, width, 3) float32 in 0..255."""
    # (3, H, W) -> (3, height, width), the mean of each FINE x FINE block
    samples = [light[:, row::FINE, column::FINE] for row in range(FINE) for column in range(FINE)]
    small = np.add.reduce(samples) / np.float32(FINE * FINE)
    high, wide = small.shape[1:]
    sigma = (0, shot.defocus_px, shot.defocus_px)
    small = ndimage.gaussian_filter(small, sigma, mode="nearest", truncate=3.0)
    y = np.linspace(-1, 1, high, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, wide, dtype=np.float32)[None, :]
    lamp = 1 + np.float32(shot.slope_xy[0]) * x + np.float32(shot.slope_xy[1]) * y
    lamp -= np.float32(0.05) * (x * x + y * y)  # the lens darkens its corners
    gain = np.asarray(shot.tint, np.float32) * np.float32(shot.level)
    small *= lamp * gain[:, None, None]
    small = np.clip(small, 0, 1) ** np.float32(1 / 2.2)
    return np.ascontiguousarray(small.transpose(1, 2, 0)) * np.float32(255)


def develop(picture: Array, shot: Shot, random: Random) -> Array:
    """Add the sensor's noise, a little more of it in bright places, and round to uint8."""
    noise = random.standard_normal(picture.shape, np.float32)
    strength = np.float32(shot.noise) * (np.float32(0.7) + picture * np.float32(0.5 / 255))
    pixels: Array = np.clip(np.rint(picture + noise * strength), 0, 255).astype(np.uint8)
    return pixels

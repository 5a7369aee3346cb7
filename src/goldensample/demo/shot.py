"""Light and camera: shading of a surface, and the picture taken of it."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from goldensample.demo.canvas import SUPERSAMPLING, Surface
from goldensample.records import Array
from goldensample.synthetic.fields import Random


@dataclass(frozen=True, slots=True)
class Capture:
    """Lighting and camera of one picture.

    Args:
        light_direction: unit vector (x, y, z) toward the lamp; z toward the camera.
        brightness: gain of all channels, about 1.
        slope_xy: relative change of brightness from the middle to the right and lower border.
        tint: white balance, the gain of red, green and blue.
        defocus_px: standard deviation of the blur.
        noise: standard deviation of the sensor's noise in grey levels.
    """

    light_direction: tuple[float, float, float]
    brightness: float
    slope_xy: tuple[float, float]
    tint: tuple[float, float, float]
    defocus_px: float
    noise: float


def random_capture(rng: Random) -> Capture:
    """Draw lighting and camera of one picture: a lamp at the upper left, the rest nearly fixed."""
    azimuth = rng.normal(-2.25, 0.13)
    elevation = rng.normal(0.82, 0.04)
    horizontal = np.cos(elevation)
    red, blue = rng.normal(1, 0.012, 2)
    return Capture(
        (
            float(horizontal * np.cos(azimuth)),
            float(horizontal * np.sin(azimuth)),
            float(np.sin(elevation)),
        ),
        float(np.exp(rng.normal(0, 0.05))),
        (float(rng.normal(0, 0.05)), float(rng.normal(-0.03, 0.05))),
        (float(red), 1.0, float(blue)),
        float(rng.uniform(0.35, 0.75)),
        float(rng.uniform(1.2, 2.2)),
    )


def shade(surface: Surface, capture: Capture) -> Array:
    """Return the radiance (3, H, W) of a surface towards a camera straight above it.

    Half of the light is ambient, half the lamp; the highlight is Blinn and Phong's, or, on
    brushed metal, Kajiya and Kay's, which spreads across the brushing.
    """
    down, right = np.gradient(surface.height, np.float32(1 / SUPERSAMPLING))
    normal_z = 1 / np.sqrt(1 + right * right + down * down)
    lx, ly, lz = (np.float32(value) for value in capture.light_direction)
    lambert = np.maximum((lz - right * lx - down * ly) * normal_z, 0)
    diffuse = np.float32(0.2) + np.float32(0.25) * normal_z + np.float32(0.75) * lambert
    hx, hy, hz = np.array([lx, ly, lz + 1]) / np.sqrt(2 + 2 * lz)
    half_cosine = (np.float32(hz) - right * np.float32(hx) - down * np.float32(hy)) * normal_z
    if surface.grain is None:
        specular = np.exp(np.float32(surface.sharpness) * (half_cosine - 1))
    else:
        gx, gy = surface.grain
        grain_slope = right * gx + down * gy
        along_grain = gx * np.float32(hx) + gy * np.float32(hy) + grain_slope * np.float32(hz)
        specular = np.exp(
            np.float32(-surface.sharpness) * along_grain * along_grain + 3 * (half_cosine - 1)
        )
    radiance: Array = surface.colour * diffuse + surface.gloss * specular
    return radiance


def take_picture(light: Array, capture: Capture) -> Array:
    """Return the noise-free picture of light (3, H, W), (height, width, 3) float32 in 0..255."""
    # (3, H, W) -> (3, height, width), the mean of each SUPERSAMPLING x SUPERSAMPLING block
    samples = [
        light[:, row::SUPERSAMPLING, column::SUPERSAMPLING]
        for row in range(SUPERSAMPLING)
        for column in range(SUPERSAMPLING)
    ]
    picture = np.add.reduce(samples) / np.float32(SUPERSAMPLING * SUPERSAMPLING)
    height, width = picture.shape[1:]
    sigma = (0, capture.defocus_px, capture.defocus_px)
    picture = ndimage.gaussian_filter(picture, sigma, mode="nearest", truncate=3.0)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    shading = 1 + np.float32(capture.slope_xy[0]) * x + np.float32(capture.slope_xy[1]) * y
    shading -= np.float32(0.05) * (x * x + y * y)  # the lens darkens its corners
    gain = np.asarray(capture.tint, np.float32) * np.float32(capture.brightness)
    picture *= shading * gain[:, None, None]
    picture = np.clip(picture, 0, 1) ** np.float32(1 / 2.2)
    return np.ascontiguousarray(picture.transpose(1, 2, 0)) * np.float32(255)


def add_sensor_noise(picture: Array, capture: Capture, rng: Random) -> Array:
    """Add the sensor's noise, a little more of it in bright places, and round to uint8."""
    noise = rng.standard_normal(picture.shape, np.float32)
    strength = np.float32(capture.noise) * (np.float32(0.7) + picture * np.float32(0.5 / 255))
    pixels: Array = np.clip(np.rint(picture + noise * strength), 0, 255).astype(np.uint8)
    return pixels

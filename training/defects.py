"""Synthetic defects: scratches, spots, pasted patches, smears, dents, stains."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from training.procedural import smooth_noise

Array = np.ndarray


def blob_mask(rng: np.random.Generator, size: int, extent: float) -> Array:
    """Return a soft irregular spot of about `extent` pixels across, in [0, 1]."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    row, column = rng.uniform(0.15, 0.85, 2) * size
    angle, squash = rng.uniform(0, np.pi), rng.uniform(1, 3)
    x = (columns - column) * np.cos(angle) + (rows - row) * np.sin(angle)
    y = (rows - row) * np.cos(angle) - (columns - column) * np.sin(angle)
    ragged = 1 + 0.5 * smooth_noise(rng, size, (24, 24))
    distance = np.hypot(x, y * squash) * ragged
    softness = rng.choice([0.8, 2.0, extent / 4])
    return np.clip((extent / 2 - distance) / softness + 0.5, 0, 1).astype(np.float32)


def scratch_mask(rng: np.random.Generator, size: int, extent: float) -> Array:
    """Return a thin bent line of about `extent` pixels' length, drawn at four times the size."""
    canvas = Image.new("L", (size * 4, size * 4))
    point = rng.uniform(0.15, 0.85, 2) * size * 4
    angle, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25)
    width = int(rng.integers(2, 11))
    draw = ImageDraw.Draw(canvas)
    for _ in range(8):
        end = point + extent / 2 * np.array([np.cos(angle), np.sin(angle)])
        draw.line([tuple(point), tuple(end)], fill=255, width=width)
        point, angle = end, angle + bend + rng.uniform(-0.1, 0.1)
    downscaled = canvas.resize((size, size), Image.Resampling.BOX)
    return np.asarray(downscaled, np.float32) / 255


def blur(picture: Array, radius: float) -> Array:
    """Return the picture under a Gaussian blur."""
    image = Image.fromarray((picture * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255


def warp(rng: np.random.Generator, picture: Array, extent: float) -> Array:
    """Return the picture warped by a few pixels of smooth noise."""
    size, amplitude = picture.shape[0], max(2.0, extent / 4)
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    cells = max(3, int(size / extent) + 2)
    rows = rows + amplitude * smooth_noise(rng, size, (cells, cells))
    columns = columns + amplitude * smooth_noise(rng, size, (cells, cells))
    top = np.clip(rows + 0.5, 0, size - 1).astype(int)
    left = np.clip(columns + 0.5, 0, size - 1).astype(int)
    return picture[top, left]


def defect_texture(rng: np.random.Generator, picture: Array, other: Array, extent: float) -> Array:
    """Return the texture under the mask: a colour shift, another patch, a blur or a warp."""
    kind = int(rng.integers(6))
    if kind == 0:
        return picture + rng.uniform(-0.5, 0.5, 3).astype(np.float32)
    if kind == 1:
        return picture + float(rng.choice([-1, 1]) * rng.uniform(0.1, 0.5))
    if kind == 2:
        shift = rng.integers(picture.shape[0] // 4, picture.shape[0] // 2, 2)
        return np.rot90(np.roll(picture, tuple(shift), (0, 1)), int(rng.integers(4)))
    if kind == 3:
        return picture + rng.uniform(0.3, 1) * (other - picture)
    if kind == 4:
        return blur(picture, rng.uniform(1.5, 5))
    return warp(rng, picture, extent)


def add_defect(
    rng: np.random.Generator, picture: Array, other: Array, strength: float = 1.0
) -> tuple[Array, Array]:
    """Paste one defect into a picture.

    Args:
        rng: the random generator.
        picture: (size, size, 3) float32 in [0, 1]; not changed.
        other: a second picture of the same shape, the source of pasted patches.
        strength: 1 for full contrast, less for fainter defects.

    Returns:
        The defective picture, and the mask (size, size) float32 of the defect.
    """
    size = picture.shape[0]
    extent = float(np.exp(rng.uniform(np.log(0.03), np.log(0.22)))) * size
    if rng.random() < 0.3:
        mask = scratch_mask(rng, size, extent)
        texture = picture + float(rng.choice([-1, 1]) * rng.uniform(0.1, 0.6))
    else:
        mask = blob_mask(rng, size, extent)
        texture = defect_texture(rng, picture, other, extent)
    defective = picture + strength * mask[..., None] * (np.clip(texture, 0, 1) - picture)
    return np.clip(defective, 0, 1).astype(np.float32), mask

"""Synthetic defects: scratches, spots, pasted pieces, smears, dents, stains."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from training.procedural import smooth_noise

Array = np.ndarray


def blob_mask(random: np.random.Generator, size: int, extent: float) -> Array:
    """Return a soft irregular spot of about `extent` pixels across, in [0, 1]."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    row, column = random.uniform(0.15, 0.85, 2) * size
    angle, squash = random.uniform(0, np.pi), random.uniform(1, 3)
    x = (columns - column) * np.cos(angle) + (rows - row) * np.sin(angle)
    y = (rows - row) * np.cos(angle) - (columns - column) * np.sin(angle)
    ragged = 1 + 0.5 * smooth_noise(random, size, (24, 24))
    distance = np.hypot(x, y * squash) * ragged
    softness = random.choice([0.8, 2.0, extent / 4])
    return np.clip((extent / 2 - distance) / softness + 0.5, 0, 1).astype(np.float32)


def scratch_mask(random: np.random.Generator, size: int, extent: float) -> Array:
    """Return a thin bent line of about `extent` pixels' length, drawn at four times the size."""
    canvas = Image.new("L", (size * 4, size * 4))
    point = random.uniform(0.15, 0.85, 2) * size * 4
    angle, bend = random.uniform(0, 2 * np.pi), random.uniform(-0.25, 0.25)
    width = int(random.integers(2, 11))
    pen = ImageDraw.Draw(canvas)
    for _ in range(8):
        after = point + extent / 2 * np.array([np.cos(angle), np.sin(angle)])
        pen.line([tuple(point), tuple(after)], fill=255, width=width)
        point, angle = after, angle + bend + random.uniform(-0.1, 0.1)
    small = canvas.resize((size, size), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255


def filtered(picture: Array, radius: float) -> Array:
    """Return the picture under a Gaussian blur."""
    image = Image.fromarray((picture * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255


def dented(random: np.random.Generator, picture: Array, extent: float) -> Array:
    """Return the picture with its pixels pushed aside by a few pixels of smooth noise."""
    size, reach = picture.shape[0], max(2.0, extent / 4)
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    cells = max(3, int(size / extent) + 2)
    rows = rows + reach * smooth_noise(random, size, (cells, cells))
    columns = columns + reach * smooth_noise(random, size, (cells, cells))
    top = np.clip(rows + 0.5, 0, size - 1).astype(int)
    left = np.clip(columns + 0.5, 0, size - 1).astype(int)
    return picture[top, left]


def filling(random: np.random.Generator, picture: Array, other: Array, extent: float) -> Array:
    """Return what lies under the mask: another colour, place, picture, a smear or a dent."""
    kind = int(random.integers(6))
    if kind == 0:
        return picture + random.uniform(-0.5, 0.5, 3).astype(np.float32)
    if kind == 1:
        return picture + float(random.choice([-1, 1]) * random.uniform(0.1, 0.5))
    if kind == 2:
        shift = random.integers(picture.shape[0] // 4, picture.shape[0] // 2, 2)
        return np.rot90(np.roll(picture, tuple(shift), (0, 1)), int(random.integers(4)))
    if kind == 3:
        return picture + random.uniform(0.3, 1) * (other - picture)
    if kind == 4:
        return filtered(picture, random.uniform(1.5, 5))
    return dented(random, picture, extent)


def spoil(
    random: np.random.Generator, picture: Array, other: Array, strength: float = 1.0
) -> tuple[Array, Array]:
    """Paste one defect into a picture.

    Args:
        random: the generator all is drawn from.
        picture: (size, size, 3) float32 in [0, 1]; not changed.
        other: a second picture, same shape, that pieces are taken from.
        strength: 1 for the full contrast, nearer 0 for fainter defects.

    Returns:
        The spoiled picture, and the mask (size, size) float32 of what was changed.
    """
    size = picture.shape[0]
    extent = float(np.exp(random.uniform(np.log(0.03), np.log(0.22)))) * size
    if random.random() < 0.3:
        mask = scratch_mask(random, size, extent)
        change = picture + float(random.choice([-1, 1]) * random.uniform(0.1, 0.6))
    else:
        mask = blob_mask(random, size, extent)
        change = filling(random, picture, other, extent)
    spoiled = picture + strength * mask[..., None] * (np.clip(change, 0, 1) - picture)
    return np.clip(spoiled, 0, 1).astype(np.float32), mask

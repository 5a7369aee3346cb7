"""Photographs and procedural pictures, cut and changed in many ways."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from training import procedural

Array = np.ndarray
FILTERS = [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.BOX]


def read_photographs(folder: Path) -> list[Image.Image]:
    """Return all photographs of a folder, in name order, as RGB pictures in memory."""
    return [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.jpg"))]


def cut(random: np.random.Generator, photograph: Image.Image, size: int) -> Array:
    """Return a square cut of a photograph at a drawn scale, place and turn, in [0, 1]."""
    shorter = min(photograph.size)
    side = min(shorter, float(np.exp(random.uniform(np.log(min(64, shorter)), np.log(shorter)))))
    left = random.uniform(0, photograph.width - side)
    top = random.uniform(0, photograph.height - side)
    box = (left, top, left + side, top + side)
    chosen = FILTERS[int(random.integers(3))]
    if random.random() < 0.2:
        photograph = photograph.rotate(random.uniform(-45, 45), Image.Resampling.BICUBIC)
    values = np.asarray(photograph.resize((size, size), chosen, box), np.float32) / 255
    values = np.rot90(values, int(random.integers(4)))
    return np.ascontiguousarray(values[:, ::-1] if random.random() < 0.5 else values)


def tiled(random: np.random.Generator, picture: Array) -> Array:
    """Return the picture shrunk and repeated, as woven, printed and pressed surfaces repeat."""
    size, count = picture.shape[0], int(random.integers(2, 7))
    small = Image.fromarray((picture * 255).astype(np.uint8))
    side = -(-size // count)
    tile = np.asarray(small.resize((side, side), Image.Resampling.BOX), np.float32) / 255
    return np.tile(tile, (count, count, 1))[:size, :size]


def on_ground(random: np.random.Generator, picture: Array) -> Array:
    """Return the picture seen through a shape on a plain or procedural ground: an object."""
    size = picture.shape[0]
    if random.random() < 0.6:
        ground = np.ones_like(picture) * random.uniform(0, 1, 3).astype(np.float32)
    else:
        ground = procedural.draw(random, size)
    mask = procedural.shape_mask(random, size)[..., None]
    return ground + mask * (picture - ground)


def recoloured(random: np.random.Generator, picture: Array) -> Array:
    """Return the picture with drawn gain, gamma, saturation, tint and contrast."""
    grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    saturation = 0 if random.random() < 0.25 else random.uniform(0.4, 1.5)
    picture = grey[..., None] + saturation * (picture - grey[..., None])
    if random.random() < 0.15:
        picture = 1 - picture
    picture = np.clip(picture, 0, 1) ** np.exp(random.uniform(-0.5, 0.5))
    if random.random() < 0.35:
        contrast, level = random.uniform(0.15, 1), random.uniform(0, 1, 3)
        picture = level * (1 - contrast) + contrast * picture
    tint = 1 + random.uniform(-0.15, 0.15, 3)
    return (picture * tint * np.exp(random.uniform(-0.3, 0.3))).astype(np.float32)


def degraded(random: np.random.Generator, picture: Array) -> Array:
    """Return (size, size, 3) uint8 after a drawn blur, noise and JPEG."""
    if random.random() < 0.25:
        noise = random.standard_normal(picture.shape).astype(np.float32)
        picture = picture + random.uniform(0.005, 0.05) * noise
    image = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    if random.random() < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.8)))
    if random.random() < 0.2:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(random.integers(30, 96)))
        image = Image.open(buffer)
    return np.asarray(image)


def varied(random: np.random.Generator, photographs: list[Image.Image], size: int) -> Array:
    """Return one training picture, float32 in [0, 1]; procedural where no photograph is given."""
    if not photographs or random.random() < 0.2:
        picture = procedural.draw(random, size)
    else:
        picture = cut(random, photographs[int(random.integers(len(photographs)))], size)
    if random.random() < 0.1:
        picture = tiled(random, picture)
    if random.random() < 0.25:
        picture = on_ground(random, picture)
    return np.clip(recoloured(random, picture), 0, 1) if random.random() < 0.6 else picture


def surface(random: np.random.Generator, photographs: list[Image.Image], size: int) -> Array:
    """Return a faint, nearly grey surface under uneven light, as ground and cast parts have."""
    picture = varied(random, photographs, size)
    grey = picture.mean(-1, keepdims=True)
    picture = grey + float(random.choice([0, 0.3])) * (picture - grey)
    contrast = np.exp(random.uniform(np.log(0.06), np.log(0.5)))
    light = 1 + random.uniform(0, 0.3) * procedural.smooth_noise(random, size, (3, 3))
    flat = random.uniform(0.15, 0.85) + contrast * (picture - picture.mean())
    return np.clip(flat * light[..., None], 0, 1).astype(np.float32)

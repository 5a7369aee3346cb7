"""Training pictures: photographs and procedural textures, with augmentation."""

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


def random_crop(rng: np.random.Generator, photograph: Image.Image, size: int) -> Array:
    """Return a square crop of a photograph at a random scale, position and rotation, in [0, 1]."""
    shorter = min(photograph.size)
    side = min(shorter, float(np.exp(rng.uniform(np.log(min(64, shorter)), np.log(shorter)))))
    left = rng.uniform(0, photograph.width - side)
    top = rng.uniform(0, photograph.height - side)
    box = (left, top, left + side, top + side)
    resampling = FILTERS[int(rng.integers(3))]
    if rng.random() < 0.2:
        photograph = photograph.rotate(rng.uniform(-45, 45), Image.Resampling.BICUBIC)
    values = np.asarray(photograph.resize((size, size), resampling, box), np.float32) / 255
    values = np.rot90(values, int(rng.integers(4)))
    return np.ascontiguousarray(values[:, ::-1] if rng.random() < 0.5 else values)


def tile(rng: np.random.Generator, picture: Array) -> Array:
    """Return the picture shrunk and repeated, as woven, printed and pressed surfaces repeat."""
    size, count = picture.shape[0], int(rng.integers(2, 7))
    image = Image.fromarray((picture * 255).astype(np.uint8))
    side = -(-size // count)
    tile = np.asarray(image.resize((side, side), Image.Resampling.BOX), np.float32) / 255
    return np.tile(tile, (count, count, 1))[:size, :size]


def paste_shape(rng: np.random.Generator, picture: Array) -> Array:
    """Return the picture masked by a shape, on a plain or procedural background: an object."""
    size = picture.shape[0]
    if rng.random() < 0.6:
        background = np.ones_like(picture) * rng.uniform(0, 1, 3).astype(np.float32)
    else:
        background = procedural.draw(rng, size)
    mask = procedural.shape_mask(rng, size)[..., None]
    return background + mask * (picture - background)


def jitter_colour(rng: np.random.Generator, picture: Array) -> Array:
    """Return the picture with random gain, gamma, saturation, tint and contrast."""
    grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    saturation = 0 if rng.random() < 0.25 else rng.uniform(0.4, 1.5)
    picture = grey[..., None] + saturation * (picture - grey[..., None])
    if rng.random() < 0.15:
        picture = 1 - picture
    picture = np.clip(picture, 0, 1) ** np.exp(rng.uniform(-0.5, 0.5))
    if rng.random() < 0.35:
        contrast, level = rng.uniform(0.15, 1), rng.uniform(0, 1, 3)
        picture = level * (1 - contrast) + contrast * picture
    tint = 1 + rng.uniform(-0.15, 0.15, 3)
    return (picture * tint * np.exp(rng.uniform(-0.3, 0.3))).astype(np.float32)


def degrade(rng: np.random.Generator, picture: Array) -> Array:
    """Return (size, size, 3) uint8 after random blur, noise and JPEG compression."""
    if rng.random() < 0.25:
        noise = rng.standard_normal(picture.shape).astype(np.float32)
        picture = picture + rng.uniform(0.005, 0.05) * noise
    image = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    if rng.random() < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.8)))
    if rng.random() < 0.2:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(30, 96)))
        image = Image.open(buffer)
    return np.asarray(image)


def training_picture(rng: np.random.Generator, photographs: list[Image.Image], size: int) -> Array:
    """Return one training picture, float32 in [0, 1]; procedural if there are no photographs."""
    if not photographs or rng.random() < 0.2:
        picture = procedural.draw(rng, size)
    else:
        picture = random_crop(rng, photographs[int(rng.integers(len(photographs)))], size)
    if rng.random() < 0.1:
        picture = tile(rng, picture)
    if rng.random() < 0.25:
        picture = paste_shape(rng, picture)
    return np.clip(jitter_colour(rng, picture), 0, 1) if rng.random() < 0.6 else picture


def surface_picture(rng: np.random.Generator, photographs: list[Image.Image], size: int) -> Array:
    """Return a faint, nearly grey surface under uneven light, as ground and cast parts have."""
    picture = training_picture(rng, photographs, size)
    grey = picture.mean(-1, keepdims=True)
    picture = grey + float(rng.choice([0, 0.3])) * (picture - grey)
    contrast = np.exp(rng.uniform(np.log(0.06), np.log(0.5)))
    light = 1 + rng.uniform(0, 0.3) * procedural.smooth_noise(rng, size, (3, 3))
    low_contrast = rng.uniform(0.15, 0.85) + contrast * (picture - picture.mean())
    return np.clip(low_contrast * light[..., None], 0, 1).astype(np.float32)

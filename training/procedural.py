"""Draw textures and shapes from a random generator: pictures without end and without terms."""

import numpy as np
from PIL import Image

Array = np.ndarray


def smooth_noise(random: np.random.Generator, size: int, cells_hw: tuple[int, int]) -> Array:
    """Return one (size, size) float32 field of smooth noise in about [-1, 1]."""
    coarse = random.uniform(-1, 1, cells_hw).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


def cloud_noise(random: np.random.Generator, size: int) -> Array:
    """Return noise summed over octaves; the roughness and the stretch are drawn."""
    roughness = random.uniform(0.3, 0.95)
    stretch = float(random.choice([1, 1, 2, 4, 12]))
    first = int(random.integers(2, 9))
    total, weight = np.zeros((size, size), np.float32), 1.0
    for octave in range(7):
        height = min(first * 2**octave, size)
        width = max(2, int(height / stretch))
        total += weight * smooth_noise(random, size, (height, width))
        weight *= roughness
        if height == size:
            break
    return total if random.random() < 0.5 else total.T.copy()


def plane(random: np.random.Generator, size: int) -> tuple[Array, Array]:
    """Return turned coordinates across and along, in pixels, lightly bent by noise."""
    angle = random.uniform(0, np.pi)
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    bend = random.choice([0, 0, 1, 4, 10])
    across = np.cos(angle) * columns + np.sin(angle) * rows
    along = np.cos(angle) * rows - np.sin(angle) * columns
    across = across + bend * smooth_noise(random, size, (5, 5))
    return across, along + bend * smooth_noise(random, size, (5, 5))


def wave(values: Array, period: float, sharpness: float) -> Array:
    """Return a periodic profile in [-1, 1], from a sine to a square wave."""
    return np.tanh(sharpness * np.sin(2 * np.pi * values / period)) / np.tanh(sharpness)


def pattern(random: np.random.Generator, size: int) -> Array:
    """Return stripes, a grid, a weave, a checker, dots or bricks."""
    across, along = plane(random, size)
    period = float(np.exp(random.uniform(np.log(4), np.log(size / 3))))
    other = period * float(random.choice([1, 1, 0.5, 2, 3]))
    sharpness = float(random.choice([0.3, 1, 4, 12]))
    kind = int(random.integers(6))
    if kind == 5:
        along = along + 0.5 * other * (np.floor(across / period) % 2)
        thin = np.maximum(np.cos(2 * np.pi * across / period), np.cos(2 * np.pi * along / other))
        return np.tanh(sharpness * (thin - random.uniform(0.6, 0.95)))
    one, two = wave(across, period, sharpness), wave(along, other, sharpness)
    weave = np.where((np.floor(across / period) + np.floor(along / other)) % 2 > 0, one, two)
    dots = np.tanh(sharpness * (one + two - random.uniform(0, 1.2)))
    return [one, np.maximum(one, two), one * two, weave, dots][kind]


def cells(random: np.random.Generator, size: int) -> Array:
    """Return grains: each pixel takes its nearest seed's value, or its distance to the seed."""
    count = int(random.integers(8, 120))
    seeds = random.uniform(0, 48, (count, 2)).astype(np.float32)
    grid = np.stack(np.mgrid[0:48, 0:48], -1).astype(np.float32).reshape(-1, 1, 2)
    squared = ((grid - seeds) ** 2).sum(-1)
    nearest = squared.argmin(1)
    if random.random() < 0.5:
        field = random.uniform(-1, 1, count).astype(np.float32)[nearest]
    else:
        field = np.sqrt(squared.min(1)) / 3 - 1
    small = Image.fromarray(field.reshape(48, 48).astype(np.float32))
    filters = [Image.Resampling.NEAREST, Image.Resampling.BILINEAR]
    return np.asarray(small.resize((size, size), filters[int(random.integers(2))]))


def shape_mask(random: np.random.Generator, size: int) -> Array:
    """Return a (size, size) float32 mask in [0, 1] of one disc, ring, bar, polygon or blob."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    row, column = random.uniform(0.3, 0.7, 2) * size
    radius = random.uniform(0.12, 0.48) * size
    angle = random.uniform(0, 2 * np.pi)
    x = (columns - column) * np.cos(angle) + (rows - row) * np.sin(angle)
    y = ((rows - row) * np.cos(angle) - (columns - column) * np.sin(angle)) * random.uniform(1, 3)
    distance, turn = np.hypot(x, y), np.arctan2(y, x)
    kind, edges = int(random.integers(5)), int(random.integers(3, 9))
    if kind == 1:
        distance = np.abs(distance - radius * 0.7) * random.uniform(2, 6)
    elif kind == 2:
        distance = np.maximum(np.abs(x), np.abs(y))
    elif kind == 3:
        distance = distance * np.cos((turn % (2 * np.pi / edges)) - np.pi / edges)
    elif kind == 4:
        distance = distance * (1 + random.uniform(0.05, 0.4) * np.cos(edges * turn))
    softness = random.choice([0.7, 1.5, 4])
    return np.clip((radius - distance) / softness + 0.5, 0, 1).astype(np.float32)


def field(random: np.random.Generator, size: int) -> Array:
    """Return one grey texture, scaled to [0, 1]."""
    makers = [cloud_noise, pattern, pattern, cells]
    values = makers[int(random.integers(4))](random, size)
    if random.random() < 0.4:
        other = makers[int(random.integers(4))](random, size)
        values = values + random.uniform(0.1, 0.6) * other
    low, high = values.min(), values.max()
    return (values - low) / (high - low + 1e-6)


def coloured(random: np.random.Generator, values: Array) -> Array:
    """Return (size, size, 3) in [0, 1]: the grey field run between drawn colours."""
    base = random.uniform(0, 1, 3)
    reach = random.choice([0.1, 0.3, 0.6, 1.0])
    end = base + reach * (random.uniform(0, 1, 3) - base)
    if random.random() < 0.4:
        base, end = np.full(3, base[0]), np.full(3, end[0])
    return (base + (end - base) * values[..., None]).astype(np.float32)


def draw(random: np.random.Generator, size: int) -> Array:
    """Return one procedural picture, (size, size, 3) float32 in [0, 1]."""
    picture = coloured(random, field(random, size))
    if random.random() < 0.5:
        for _ in range(int(random.integers(1, 6))):
            mask = shape_mask(random, size)[..., None]
            picture = picture + mask * (coloured(random, field(random, size)) - picture)
    light = 1 + random.uniform(0, 0.4) * smooth_noise(random, size, (3, 3))
    return np.clip(picture * light[..., None], 0, 1)

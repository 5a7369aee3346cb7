"""Procedural textures and shapes, drawn from a random generator."""

import numpy as np
from PIL import Image

Array = np.ndarray


def smooth_noise(rng: np.random.Generator, size: int, cells_hw: tuple[int, int]) -> Array:
    """Return one (size, size) float32 field of smooth noise in about [-1, 1]."""
    coarse = rng.uniform(-1, 1, cells_hw).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))


def cloud_noise(rng: np.random.Generator, size: int) -> Array:
    """Return noise summed over octaves, with random roughness and stretch."""
    roughness = rng.uniform(0.3, 0.95)
    stretch = float(rng.choice([1, 1, 2, 4, 12]))
    base = int(rng.integers(2, 9))
    total, weight = np.zeros((size, size), np.float32), 1.0
    for octave in range(7):
        height = min(base * 2**octave, size)
        width = max(2, int(height / stretch))
        total += weight * smooth_noise(rng, size, (height, width))
        weight *= roughness
        if height == size:
            break
    return total if rng.random() < 0.5 else total.T.copy()


def plane(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
    """Return rotated coordinates across and along, in pixels, lightly distorted by noise."""
    angle = rng.uniform(0, np.pi)
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    bend = rng.choice([0, 0, 1, 4, 10])
    across = np.cos(angle) * columns + np.sin(angle) * rows
    along = np.cos(angle) * rows - np.sin(angle) * columns
    across = across + bend * smooth_noise(rng, size, (5, 5))
    return across, along + bend * smooth_noise(rng, size, (5, 5))


def wave(values: Array, period: float, sharpness: float) -> Array:
    """Return a periodic profile in [-1, 1], from a sine to a square wave."""
    return np.tanh(sharpness * np.sin(2 * np.pi * values / period)) / np.tanh(sharpness)


def pattern(rng: np.random.Generator, size: int) -> Array:
    """Return stripes, a grid, a weave, a checker, dots or bricks."""
    across, along = plane(rng, size)
    period = float(np.exp(rng.uniform(np.log(4), np.log(size / 3))))
    second_period = period * float(rng.choice([1, 1, 0.5, 2, 3]))
    sharpness = float(rng.choice([0.3, 1, 4, 12]))
    kind = int(rng.integers(6))
    if kind == 5:
        along = along + 0.5 * second_period * (np.floor(across / period) % 2)
        joints = np.maximum(
            np.cos(2 * np.pi * across / period), np.cos(2 * np.pi * along / second_period)
        )
        return np.tanh(sharpness * (joints - rng.uniform(0.6, 0.95)))
    wave_across, wave_along = wave(across, period, sharpness), wave(along, second_period, sharpness)
    weave = np.where(
        (np.floor(across / period) + np.floor(along / second_period)) % 2 > 0,
        wave_across,
        wave_along,
    )
    dots = np.tanh(sharpness * (wave_across + wave_along - rng.uniform(0, 1.2)))
    return [
        wave_across,
        np.maximum(wave_across, wave_along),
        wave_across * wave_along,
        weave,
        dots,
    ][kind]


def cells(rng: np.random.Generator, size: int) -> Array:
    """Return grains: each pixel takes its nearest seed's value, or its distance to the seed."""
    count = int(rng.integers(8, 120))
    seeds = rng.uniform(0, 48, (count, 2)).astype(np.float32)
    grid = np.stack(np.mgrid[0:48, 0:48], -1).astype(np.float32).reshape(-1, 1, 2)
    squared_distances = ((grid - seeds) ** 2).sum(-1)
    nearest = squared_distances.argmin(1)
    if rng.random() < 0.5:
        field = rng.uniform(-1, 1, count).astype(np.float32)[nearest]
    else:
        field = np.sqrt(squared_distances.min(1)) / 3 - 1
    small = Image.fromarray(field.reshape(48, 48).astype(np.float32))
    filters = [Image.Resampling.NEAREST, Image.Resampling.BILINEAR]
    return np.asarray(small.resize((size, size), filters[int(rng.integers(2))]))


def shape_mask(rng: np.random.Generator, size: int) -> Array:
    """Return a (size, size) float32 mask in [0, 1] of one disc, ring, bar, polygon or blob."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    row, column = rng.uniform(0.3, 0.7, 2) * size
    radius = rng.uniform(0.12, 0.48) * size
    angle = rng.uniform(0, 2 * np.pi)
    x = (columns - column) * np.cos(angle) + (rows - row) * np.sin(angle)
    y = ((rows - row) * np.cos(angle) - (columns - column) * np.sin(angle)) * rng.uniform(1, 3)
    distance, polar_angle = np.hypot(x, y), np.arctan2(y, x)
    kind, edges = int(rng.integers(5)), int(rng.integers(3, 9))
    if kind == 1:
        distance = np.abs(distance - radius * 0.7) * rng.uniform(2, 6)
    elif kind == 2:
        distance = np.maximum(np.abs(x), np.abs(y))
    elif kind == 3:
        distance = distance * np.cos((polar_angle % (2 * np.pi / edges)) - np.pi / edges)
    elif kind == 4:
        distance = distance * (1 + rng.uniform(0.05, 0.4) * np.cos(edges * polar_angle))
    softness = rng.choice([0.7, 1.5, 4])
    return np.clip((radius - distance) / softness + 0.5, 0, 1).astype(np.float32)


def field(rng: np.random.Generator, size: int) -> Array:
    """Return one grey texture, scaled to [0, 1]."""
    generators = [cloud_noise, pattern, pattern, cells]
    values = generators[int(rng.integers(4))](rng, size)
    if rng.random() < 0.4:
        second = generators[int(rng.integers(4))](rng, size)
        values = values + rng.uniform(0.1, 0.6) * second
    low, high = values.min(), values.max()
    return (values - low) / (high - low + 1e-6)


def coloured(rng: np.random.Generator, values: Array) -> Array:
    """Return (size, size, 3) in [0, 1]: the grey field mapped between two random colours."""
    base = rng.uniform(0, 1, 3)
    contrast = rng.choice([0.1, 0.3, 0.6, 1.0])
    end = base + contrast * (rng.uniform(0, 1, 3) - base)
    if rng.random() < 0.4:
        base, end = np.full(3, base[0]), np.full(3, end[0])
    return (base + (end - base) * values[..., None]).astype(np.float32)


def draw(rng: np.random.Generator, size: int) -> Array:
    """Return one procedural picture, (size, size, 3) float32 in [0, 1]."""
    picture = coloured(rng, field(rng, size))
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 6))):
            mask = shape_mask(rng, size)[..., None]
            picture = picture + mask * (coloured(rng, field(rng, size)) - picture)
    light = 1 + rng.uniform(0, 0.4) * smooth_noise(rng, size, (3, 3))
    return np.clip(picture * light[..., None], 0, 1)

"""The intake of a fit or an inspection: what was counted in, and what was left out, and why."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import PurePosixPath

import numpy as np

from goldensample.images.grey_range import GreyRange, sample_range
from goldensample.records import Array

FEW_LEVELS = 32
"""Grey levels of 256 that a picture should use at least."""
SHOWN = 3
MASK_LEVELS = 2
SAMPLE_STEP = 257
"""Every so many samples are looked at first: nearly always they have levels enough."""
FOLD = 251
"""Words of 8 bytes that are added up apart; prime, so that rows of a picture seldom coincide."""
_MASK_STEM = re.compile(r"(.+)[_-](mask|gt)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of a picture once it is decoded.

    Args:
        shape_hw: (H, W), upright.
        range: of its samples, see `sample_range`, where it has more than 8 bits; else None.
        span: its largest sample minus its smallest.
        values: number of different samples; FEW_LEVELS stands for as many or more.
        digest: of its samples, in hexadecimal: equal for equal pictures in whatever format.
    """

    shape_hw: tuple[int, int]
    range: tuple[float, float] | None
    span: int
    values: int
    digest: str

    def levels(self, grey_range: GreyRange | None) -> int:
        """Return how many of the 256 grey levels the picture uses at most."""
        if self.range is None or grey_range is None:
            return self.values
        whole = grey_range.white - grey_range.black
        return min(self.values, 1 + -(-255 * min(self.span, whole) // whole))


def picture_facts(samples: Array) -> PictureFacts:
    """Return the facts of a picture.

    Args:
        samples: upright, (H, W, 3) uint8 RGB, or (H, W) or (H, W, 3) uint16; not changed.

    Cost: SHA-1 of the samples, which tells copies, not forgeries.
    """
    low, high = int(samples.min()), int(samples.max())
    deep = None if samples.dtype == np.uint8 else sample_range(samples)
    shape_hw = (samples.shape[0], samples.shape[1])
    return PictureFacts(shape_hw, deep, high - low, count_values(samples), _hash(samples, samples))


def count_values(samples: Array) -> int:
    """Return the number of different values; FEW_LEVELS stands for as many or more."""
    flat = samples.reshape(-1)
    if flat[0] == flat[-1] and flat.min() == flat.max():
        return 1
    for some in (flat[::SAMPLE_STEP], flat):
        if (count := int(np.count_nonzero(np.bincount(some)))) >= FEW_LEVELS:
            return FEW_LEVELS
    return count


def inspected_facts(pixels: Array) -> tuple[int, str]:
    """Return the values and a digest of a picture that is inspected; fast.

    Args:
        pixels: (H, W, 3) uint8 RGB, which deep pictures are scaled to.

    Returns:
        `count_values`; and SHA-1 of one sample in SAMPLE_STEP and of FOLD sums of all, which takes
        a tenth of the time of SHA-1 and tells copies as well.
    """
    flat = np.ascontiguousarray(pixels).reshape(-1)
    whole = flat.size - flat.size % (8 * FOLD)
    sums = np.add.reduce(flat[:whole].view(np.uint64).reshape(-1, FOLD), 0)
    summary = np.concatenate((flat[::SAMPLE_STEP], sums.view(np.uint8), flat[whole:]))
    return count_values(pixels), _hash(pixels, summary)


def _hash(picture: Array, samples: Array) -> str:
    """Return the SHA-1 of samples, and of the shape of their picture, in hexadecimal."""
    head = f"{picture.shape[:2]} {picture.dtype}".encode()
    digest = sha1(head, usedforsecurity=False)
    digest.update(np.ascontiguousarray(samples).data)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Files:
    """A number of files, and the names of the first three."""

    count: int = 0
    names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.count > 0


def some(names: Iterable[str]) -> Files:
    """Return how many names there are, and the first of them."""
    listed = list(names)
    return Files(len(listed), tuple(listed[:SHOWN]))


@dataclass(frozen=True, slots=True)
class Intake:
    """The files of a fit or an inspection.

    Args:
        pictures: that were taken in: those that are equal to another, or masks, left out of a fit.
        left_out: files with another ending than a picture's.
        unreadable: pictures left out because they cannot be read.
        equal: pictures whose pixels are those of another, which alone counts.
        masks: files beside a picture that look like masks of it; a fit leaves them out.
        same_stem: pictures beside another that differs in its ending alone.
        single_value: pictures of which all samples are the same.
        few_levels: pictures that use fewer than 32 of the 256 grey levels, and more than one.
        no_promise: why the fit set no limits though a rate was asked for; else "".
    """

    pictures: int
    left_out: Files = Files()
    unreadable: Files = Files()
    equal: Files = Files()
    masks: Files = Files()
    same_stem: Files = Files()
    single_value: Files = Files()
    few_levels: Files = Files()
    no_promise: str = ""


def find_masks(
    names: Sequence[str], is_mask: Callable[[int], bool] = lambda index: False
) -> tuple[list[int], list[int]]:
    """Find files that lie beside a picture as masks of it.

    Args:
        names: paths, with / between their parts.
        is_mask: tells whether the pixels of a file, by its number, are those of a mask.

    Returns:
        The numbers of masks: `NAME_mask` and `NAME_GT` beside `NAME`, and files of one stem with
        another whose pixels are a mask's while the other's are not. And the numbers of the others
        that share their stem with one before.

    Example: of a.png, a_mask.png and b_mask.png, the second alone is a mask.
    """
    stems: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        stems.setdefault(str(PurePosixPath(name).with_suffix("")), []).append(index)
    masks, doubles = set[int](), list[int]()
    for stem, indices in stems.items():
        if (match := _MASK_STEM.fullmatch(stem)) and match[1] in stems:
            masks.update(indices)
            continue
        if len(indices) > 1:
            drawn = [index for index in indices if is_mask(index)]
            drawn = drawn if len(drawn) < len(indices) else []
            masks.update(drawn)
            doubles += [index for index in indices if index not in drawn][1:]
    return sorted(masks), sorted(doubles)


def part_name(name: str) -> str:
    """Return what the names of a picture and of masks beside it begin with, see `find_masks`."""
    stem = str(PurePosixPath(name).with_suffix(""))
    match = _MASK_STEM.fullmatch(stem)
    return match[1] if match else stem


def choose_distinct(
    names: Sequence[str], facts: Sequence[PictureFacts], grey_range: GreyRange | None = None
) -> tuple[list[int], Intake]:
    """Choose the pictures to learn from: no mask, and none that is equal to one before.

    Args:
        names: of the pictures.
        facts: of each.
        grey_range: of deep pictures, see `PictureFacts.levels`.

    Returns:
        Their ascending numbers, and the intake without the files that were never decoded.
    """
    masks, doubles = find_masks(names, lambda k: facts[k].values <= MASK_LEVELS)
    chosen: dict[str, int] = {}
    equal: list[int] = []
    for index in sorted(set(range(len(names))) - set(masks)):
        if facts[index].digest in chosen:
            equal.append(index)
        else:
            chosen[facts[index].digest] = index
    kept = list(chosen.values())
    levels = {k: facts[k].levels(grey_range) if facts[k].span else 1 for k in kept}
    return kept, Intake(
        pictures=len(kept),
        equal=some(names[k] for k in equal),
        masks=some(names[k] for k in masks),
        same_stem=some(names[k] for k in doubles if k in levels),
        single_value=some(names[k] for k in kept if not facts[k].span),
        few_levels=some(names[k] for k in kept if facts[k].span and levels[k] < FEW_LEVELS),
    )

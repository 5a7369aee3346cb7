"""Write a rendered data set in MVTec layout."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from goldensample.demo.families import find_family, render
from goldensample.images.codec import encode_png
from goldensample.records import Notify
from goldensample.storage.atomic import write_atomic


def write_dataset(
    folder: Path,
    families: Sequence[str],
    train: int,
    test_good: int,
    per_defect: int,
    notify: Notify,
) -> None:
    """Write a data set in MVTec layout, the same bytes every time.

    Args:
        folder: gets a folder per family with train/good, test/<good or defect> and ground_truth.
        families: keys of `FAMILIES` or `LOGICAL`.
        train, test_good: good pictures to learn from and to test with, per family.
        per_defect: pictures of each defect, per family.
        notify: called for every picture, with the family as the stage.

    Raises:
        ValueError: a family is not known.
    """
    for family in [find_family(name) for name in families]:
        name = family.name
        jobs = [("train", "good", index) for index in range(train)]
        jobs += [("test", "good", index) for index in range(test_good)]
        for defect in family.defects:
            jobs += [("test", defect, index) for index in range(per_defect)]
        notify(name, 0, len(jobs))
        for number, (split, kind, index) in enumerate(jobs):
            _write_picture(folder / name, name, (split, kind, index))
            notify(name, number + 1, len(jobs))


def picture_seed(family: str, split: str, kind: str, index: int) -> int:
    """Return the seed of one picture of the data set; seeds are unique."""
    integers = [int.from_bytes(word.encode(), "big") for word in (family, split, kind)]
    low, high = np.random.SeedSequence([*integers, index]).generate_state(2, np.uint64)
    return int(low) << 64 | int(high)


def _write_picture(folder: Path, family: str, key: tuple[str, str, int]) -> None:
    split, kind, index = key
    part = render(family, picture_seed(family, *key), None if kind == "good" else kind)
    write_atomic(folder / split / kind / f"{index:03d}.png", encode_png(part.pixels))
    if kind != "good":
        mask = part.mask.astype(np.uint8) * np.uint8(255)
        path = folder / "ground_truth" / kind / f"{index:03d}_mask.png"
        write_atomic(path, encode_png(mask))

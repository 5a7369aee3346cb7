"""The demo's line on disk: a data set in MVTec layout, rendered."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from goldensample.demo.families import family_of, render
from goldensample.images.codec import encode_png
from goldensample.records import Notify
from goldensample.storage.atomic import write_atomic


def write_line(
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
        families: keys of `FAMILIES`.
        train, test_good: good pictures to learn from and to test with, per family.
        per_defect: pictures of each defect, per family.
        notify: told of every picture, with the family as the stage.

    Raises:
        ValueError: a family is not known.
    """
    for kinds in [family_of(family) for family in families]:
        family = kinds.name
        jobs = [("train", "good", index) for index in range(train)]
        jobs += [("test", "good", index) for index in range(test_good)]
        for defect in kinds.defects:
            jobs += [("test", defect, index) for index in range(per_defect)]
        notify(family, 0, len(jobs))
        for done, (split, kind, index) in enumerate(jobs):
            _write_part(folder / family, family, (split, kind, index))
            notify(family, done + 1, len(jobs))


def seed_of(family: str, split: str, kind: str, index: int) -> int:
    """Return the seed of one picture of the line; no two pictures share one."""
    words = [int.from_bytes(word.encode(), "big") for word in (family, split, kind)]
    low, high = np.random.SeedSequence([*words, index]).generate_state(2, np.uint64)
    return int(low) << 64 | int(high)


def _write_part(folder: Path, family: str, job: tuple[str, str, int]) -> None:
    split, kind, index = job
    part = render(family, seed_of(family, *job), None if kind == "good" else kind)
    write_atomic(folder / split / kind / f"{index:03d}.png", encode_png(part.pixels))
    if kind != "good":
        mask = part.mask.astype(np.uint8) * np.uint8(255)
        path = folder / "ground_truth" / kind / f"{index:03d}_mask.png"
        write_atomic(path, encode_png(mask))

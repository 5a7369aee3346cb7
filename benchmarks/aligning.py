"""Benefit of `--align` for moved and rotated parts: `python benchmarks/aligning.py`.

Good pictures to learn from are the middle 78 % of the first 70 % of those of each set; the others
are tests, too. Test pictures are cut out of the
same pictures turned at random by up to 10 degrees and shifted by up to 5 % of the sides (seed 0,
three times each), so that no pixel is made up; and once as they are. Good pictures are learned
straight, and askew like the tests. Parts: hazelnut and transistor
(small sets of MVTec AD), and three of the demo's, rendered anew. `--degrees 180 --crop-share 0.7
--sets transistor circuit cap` turns them any way, on square pictures. Measured with and without
alignment: image AUROC, and the share of good pictures called a defect at the limit for 5 %; the
error of the motion found, against that found in the same picture not moved; and the time of one
core (its own, as others may be at work).
"""

import argparse
import json
import tempfile
from itertools import product
from pathlib import Path
from time import process_time, thread_time
from typing import Any

import numpy as np
from scipy.ndimage import affine_transform

from goldensample import Preparation, fit, open_backbone, read_images
from goldensample.demo.line import write_dataset
from goldensample.evaluation.metrics import auroc
from goldensample.features.extraction import align_to
from goldensample.methods.padim import PaDiM
from goldensample.methods.patchcore import PatchCore
from goldensample.preparation.motion import Motion
from goldensample.preparation.preparation import choose_size
from goldensample.records import Array, silent

RESULTS = Path(__file__).parent / "results"
CROP_SHARE, DEGREES, MAX_SHIFT, REPEATS, TRAIN_SHARE = 0.78, 10, 0.05, 3, 0.7
FAMILIES = ("circuit", "washer", "screw")
RENDERED = (*FAMILIES, "cap")
METHODS = {"patchcore": PatchCore(), "padim": PaDiM()}
NO_MOTION = Motion(0.0, 0.0, 0.0)


def warp_crop(pixels: Array, motion: Motion, order: int = 1) -> Array:
    """Return the centre crop of a picture warped by a motion."""
    full_hw = pixels.shape[:2]
    shape = tuple(round(CROP_SHARE * side) for side in full_hw)
    matrix, offset = motion.inverse(shape)
    offset = offset + (np.asarray(full_hw) - shape) // 2
    channels = pixels.reshape(*full_hw, -1).astype(np.float32)
    warped = [
        affine_transform(channels[..., k], matrix, offset, output_shape=shape, order=order)
        for k in range(channels.shape[2])
    ]
    return np.rint(np.clip(np.stack(warped, axis=-1), 0, 255)).astype(np.uint8)


def random_motion(rng: np.random.Generator) -> Motion:
    """Return a random motion."""
    return Motion(
        float(rng.uniform(-DEGREES, DEGREES)), *rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2).tolist()
    )


def is_visible(root: Path, path: Path) -> bool:
    """Return whether at least half of a defect is within the crop."""
    mask = root / "ground_truth" / path.parent.name / f"{path.stem}_mask.png"
    pixels = read_images(mask)[0].pixels[..., :1]
    return bool((warp_crop(pixels, NO_MOTION, 0) > 127).sum() * 2 >= (pixels > 127).sum())


def corners(motion: Motion, shape: tuple[int, int]) -> Array:
    """Return four points around the centre transformed by a motion, (2, 4) in pixels."""
    matrix, offset = motion.forward(shape)
    points = [(y * shape[0], x * shape[1]) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    return matrix @ np.array(points).T + offset[:, None]


def motion_errors(
    aligned: Preparation, still: list[Array], moved: list[tuple[int, Motion, Array]]
) -> Any:
    """Return error statistics of the estimated motions of good pictures."""
    motions = [aligned.apply(pixels)[1].motion for pixels in still]
    errors_px, degrees, refused = [], [], motions.count(None)
    for index, motion, pixels in moved:
        reference_motion, estimate = motions[index], aligned.apply(pixels)[1].motion
        refused += estimate is None
        if reference_motion is None or estimate is None:
            continue
        shape = pixels.shape[:2]
        matrix, offset = motion.forward(shape)
        expected = matrix @ corners(reference_motion, shape) + offset[:, None]
        errors_px.append(float(np.abs(expected - corners(estimate, shape)).max()))
        turned = estimate.degrees - reference_motion.degrees - motion.degrees
        degrees.append(abs((turned + 180) % 360 - 180))
    if not errors_px:
        return {"not aligned": refused}
    return {
        "pictures": len(errors_px),
        "not aligned": refused,
        "px, median": round(float(np.median(errors_px)), 3),
        "px, 90 %": round(float(np.quantile(errors_px, 0.9)), 3),
        "degrees, 90 %": round(float(np.quantile(degrees, 0.9)), 3),
        "within 0.5 px": round(float(np.mean(np.array(errors_px) <= 0.5)), 3),
    }


def time_alignment(
    aligned: Preparation, plain: Preparation, pictures: list[Array], network: Any
) -> Any:
    """Return milliseconds per picture of one thread: alignment, and the network."""
    times = []
    for preparation in (plain, aligned):
        start = thread_time()
        canvases = [preparation.apply(pixels)[0] for pixels in pictures]
        times.append((thread_time() - start) / len(pictures))
    batch = np.stack(canvases[:8])
    network.extract(batch[:1])
    start = process_time()
    for canvas in batch:
        network.extract(canvas[None])
    return {
        "alignment": round(1e3 * (times[1] - times[0]), 1),
        "network": round(1e3 * (process_time() - start) / len(batch), 1),
        "canvas": list(canvases[0].shape[1:]),
        "picture": list(pictures[0].shape[:2]),
    }


def evaluate_set(root: Path, network: Any, note: Any) -> dict[str, Any]:
    """Return the figures of one set."""
    rng = np.random.default_rng(0)
    train_pictures = [one.pixels for one in read_images(root / "train/good")]
    fit_pictures = train_pictures[: round(TRAIN_SHARE * len(train_pictures))]
    good = [warp_crop(pixels, NO_MOTION) for pixels in fit_pictures]
    paths = [p for p in sorted((root / "test").glob("*/*")) if p.suffix in (".png", ".jpg")]
    visible_paths = [path for path in paths if path.parent.name == "good" or is_visible(root, path)]
    test_pictures = [read_images(path)[0].pixels for path in visible_paths] + train_pictures[
        len(fit_pictures) :
    ]
    is_defect = np.array(
        [path.parent.name != "good" for path in visible_paths]
        + [False] * (len(test_pictures) - len(visible_paths))
    )
    still, moved = [warp_crop(pixels, NO_MOTION) for pixels in test_pictures], []
    for index, pixels in enumerate(test_pictures):
        for _ in range(REPEATS):
            motion = random_motion(rng)
            moved.append((index, motion, warp_crop(pixels, motion)))
    plain = Preparation(choose_size([good[0].shape[:2]], network.network.stride))
    try:
        aligned = align_to(plain, good[0], good, range(len(good)), degrees=max(15, DEGREES))
    except ValueError as error:
        return {"refused": str(error)}
    figures: dict[str, Any] = {
        "good to learn from": len(good),
        "test pictures": {"good": int((~is_defect).sum()), "defect": int(is_defect.sum())},
        "left out, defect cut off": len(paths) - len(visible_paths),
        "least": round(aligned.reference.least, 3),
        "motion": motion_errors(aligned, still, [one for one in moved if not is_defect[one[0]]]),
        "milliseconds": time_alignment(aligned, plain, still, network),
    }
    test_sets = {
        "as they are": (still, is_defect),
        "moved": ([m[2] for m in moved], np.repeat(is_defect, REPEATS)),
    }
    moved_pictures = [warp_crop(pixels, random_motion(rng)) for pixels in fit_pictures]
    fits = product(METHODS, (("straight", good), ("askew", moved_pictures)), ("plain", "aligned"))
    for method, (learned_from, train), variant in fits:
        preparation = plain if variant == "plain" else aligned
        inspector = fit(
            train,
            backbone=network,
            method=METHODS[method],
            preparation=preparation,
            precision="fp32",
        )
        name = f"{method}, learned {learned_from}"
        for kind, (pictures, defect) in test_sets.items():
            inspections = list(inspector.inspect_many(pictures))
            scores = np.array([one.score for one in inspections])
            is_called = np.array([one.verdict == "defect" for one in inspections])
            figures.setdefault(name, {}).setdefault(kind, {})[variant] = {
                "image AUROC": round(auroc(scores, defect), 4),
                "good called defect": round(float(is_called[~defect].mean()), 4),
                "defects found": round(float(is_called[defect].mean()), 4),
                "not aligned": sum("aligned" in one.note for one in inspections),
            }
        note(figures)
    return figures


def main() -> None:
    """Run all sets and write the figures after each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--sets", nargs="*", default=["hazelnut", "transistor", *FAMILIES])
    parser.add_argument("--degrees", type=int, default=DEGREES)
    parser.add_argument("--crop-share", type=float, default=CROP_SHARE)
    parser.add_argument("--output", type=Path, default=RESULTS / "aligning.json")
    options = parser.parse_args()
    globals().update(DEGREES=options.degrees, CROP_SHARE=options.crop_share)
    network, figures = open_backbone("builtin"), {}
    with tempfile.TemporaryDirectory() as directory:
        for name in options.sets:
            root = options.shared.resolve() / "data/mvtec_ad_small" / name
            if name in RENDERED:
                write_dataset(Path(directory), [name], 60, 10, 3, silent)
                root = Path(directory) / name

            def note(set_figures: dict[str, Any], name: str = name) -> None:
                figures[name] = set_figures
                options.output.write_text(json.dumps(figures, indent=1) + "\n")

            note(evaluate_set(root, network, note))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""What `--align` is worth where parts lie askew: `python benchmarks/aligning.py`.

Good pictures to learn from are the middle 78 % of the first 70 % of those of each set; the others
are tests, too. Test pictures are cut out of the
same pictures turned at random by up to 10 degrees and shifted by up to 5 % of the sides (seed 0,
three times each), so that no pixel is made up; and once as they are. Good pictures are learned
straight, and askew like the tests. Parts: hazelnut and transistor
(small sets of MVTec AD), and three of the demo's, rendered anew. Measured with and without
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
from goldensample.demo.line import write_line
from goldensample.evaluation.metrics import auroc
from goldensample.features.extraction import align_to
from goldensample.methods.padim import PaDiM
from goldensample.methods.patchcore import PatchCore
from goldensample.preparation.motion import Motion
from goldensample.preparation.preparation import choose_size
from goldensample.records import Array, silent

RESULTS = Path(__file__).parent / "results"
KEPT, DEGREES, SHARE, TIMES, LEARNED = 0.78, 10, 0.05, 3, 0.7
FAMILIES = ("circuit", "washer", "screw")
METHODS = {"patchcore": PatchCore(), "padim": PaDiM()}
NONE = Motion(0.0, 0.0, 0.0)


def cut(pixels: Array, motion: Motion, order: int = 1) -> Array:
    """Return the middle of a picture whose part then lies as the motion says."""
    whole = pixels.shape[:2]
    shape = tuple(round(KEPT * side) for side in whole)
    matrix, offset = motion.back(shape)
    offset = offset + (np.asarray(whole) - shape) // 2
    planes = pixels.reshape(*whole, -1).astype(np.float32)
    layers = [
        affine_transform(planes[..., k], matrix, offset, output_shape=shape, order=order)
        for k in range(planes.shape[2])
    ]
    return np.rint(np.clip(np.stack(layers, axis=-1), 0, 255)).astype(np.uint8)


def drawn(rng: np.random.Generator) -> Motion:
    """Return a motion drawn at random."""
    return Motion(float(rng.uniform(-DEGREES, DEGREES)), *rng.uniform(-SHARE, SHARE, 2).tolist())


def visible(root: Path, path: Path) -> bool:
    """Tell whether half of a defect lies in the middle that is kept."""
    mask = root / "ground_truth" / path.parent.name / f"{path.stem}_mask.png"
    pixels = read_images(mask)[0].pixels[..., :1]
    return bool((cut(pixels, NONE, 0) > 127).sum() * 2 >= (pixels > 127).sum())


def corners(motion: Motion, shape: tuple[int, int]) -> Array:
    """Return where a motion brings four points around the middle, (2, 4) in pixels."""
    matrix, offset = motion.forth(shape)
    points = [(y * shape[0], x * shape[1]) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    return matrix @ np.array(points).T + offset[:, None]


def errors(aligned: Preparation, still: list[Array], moved: list[tuple[int, Motion, Array]]) -> Any:
    """Return figures of the motions found in good pictures, moved and not."""
    found = [aligned.apply(pixels)[1].motion for pixels in still]
    apart, degrees, refused = [], [], found.count(None)
    for index, motion, pixels in moved:
        own, new = found[index], aligned.apply(pixels)[1].motion
        refused += new is None
        if own is None or new is None:
            continue
        shape = pixels.shape[:2]
        matrix, offset = motion.forth(shape)
        wanted = matrix @ corners(own, shape) + offset[:, None]
        apart.append(float(np.abs(wanted - corners(new, shape)).max()))
        degrees.append(abs(new.degrees - own.degrees - motion.degrees))
    if not apart:
        return {"not aligned": refused}
    return {
        "pictures": len(apart),
        "not aligned": refused,
        "px, median": round(float(np.median(apart)), 3),
        "px, 90 %": round(float(np.quantile(apart, 0.9)), 3),
        "degrees, 90 %": round(float(np.quantile(degrees, 0.9)), 3),
        "within 0.5 px": round(float(np.mean(np.array(apart) <= 0.5)), 3),
    }


def clocked(aligned: Preparation, plain: Preparation, pictures: list[Array], network: Any) -> Any:
    """Return milliseconds per picture of one thread: alignment, and the network."""
    times = []
    for preparation in (plain, aligned):
        began = thread_time()
        canvases = [preparation.apply(pixels)[0] for pixels in pictures]
        times.append((thread_time() - began) / len(pictures))
    batch = np.stack(canvases[:8])
    network.extract(batch[:1])
    began = process_time()
    for canvas in batch:
        network.extract(canvas[None])
    return {
        "alignment": round(1e3 * (times[1] - times[0]), 1),
        "network": round(1e3 * (process_time() - began) / len(batch), 1),
        "canvas": list(canvases[0].shape[1:]),
        "picture": list(pictures[0].shape[:2]),
    }


def judged(root: Path, network: Any, note: Any) -> dict[str, Any]:
    """Return the figures of one set."""
    rng = np.random.default_rng(0)
    known = [one.pixels for one in read_images(root / "train/good")]
    learned = known[: round(LEARNED * len(known))]
    good = [cut(pixels, NONE) for pixels in learned]
    paths = [p for p in sorted((root / "test").glob("*/*")) if p.suffix in (".png", ".jpg")]
    seen = [path for path in paths if path.parent.name == "good" or visible(root, path)]
    tests = [read_images(path)[0].pixels for path in seen] + known[len(learned) :]
    bad = np.array(
        [path.parent.name != "good" for path in seen] + [False] * (len(tests) - len(seen))
    )
    still, moved = [cut(pixels, NONE) for pixels in tests], []
    for index, pixels in enumerate(tests):
        for _ in range(TIMES):
            motion = drawn(rng)
            moved.append((index, motion, cut(pixels, motion)))
    plain = Preparation(choose_size([good[0].shape[:2]], network.network.stride))
    try:
        aligned = align_to(plain, good[0], good, range(len(good)))
    except ValueError as error:
        return {"refused": str(error)}
    figures: dict[str, Any] = {
        "good to learn from": len(good),
        "test pictures": {"good": int((~bad).sum()), "defect": int(bad.sum())},
        "left out, defect cut off": len(paths) - len(seen),
        "least": round(aligned.reference.least, 3),
        "motion": errors(aligned, still, [one for one in moved if not bad[one[0]]]),
        "milliseconds": clocked(aligned, plain, still, network),
    }
    sets = {"as they are": (still, bad), "moved": ([m[2] for m in moved], np.repeat(bad, TIMES))}
    askew = [cut(pixels, drawn(rng)) for pixels in learned]
    fits = product(METHODS, (("straight", good), ("askew", askew)), ("plain", "aligned"))
    for method, (learned_from, shown), way in fits:
        preparation = plain if way == "plain" else aligned
        fitted = fit(shown, backbone=network, method=METHODS[method], preparation=preparation)
        name = f"{method}, learned {learned_from}"
        for kind, (pictures, defect) in sets.items():
            found = list(fitted.inspect_many(pictures))
            scores = np.array([one.score for one in found])
            alarms = np.array([one.verdict == "defect" for one in found])
            figures.setdefault(name, {}).setdefault(kind, {})[way] = {
                "image AUROC": round(auroc(scores, defect), 4),
                "good called defect": round(float(alarms[~defect].mean()), 4),
                "defects found": round(float(alarms[defect].mean()), 4),
                "not aligned": sum("aligned" in one.note for one in found),
            }
        note(figures)
    return figures


def main() -> None:
    """Run all sets and write the figures after each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--sets", nargs="*", default=["hazelnut", "transistor", *FAMILIES])
    parser.add_argument("--output", type=Path, default=RESULTS / "aligning.json")
    asked = parser.parse_args()
    network, figures = open_backbone("builtin"), {}
    with tempfile.TemporaryDirectory() as place:
        for name in asked.sets:
            root = asked.shared.resolve() / "data/mvtec_ad_small" / name
            if name in FAMILIES:
                write_line(Path(place), [name], 60, 10, 3, silent)
                root = Path(place) / name

            def note(own: dict[str, Any], name: str = name) -> None:
                figures[name] = own
                asked.output.write_text(json.dumps(figures, indent=1) + "\n")

            note(judged(root, network, note))
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

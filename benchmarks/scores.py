"""How distances become a score, compared by validation: `python benchmarks/scores.py`.

Good pictures alone: a part is fitted, and on the others, which the fit never saw, AUROC is that of
pictures with one synthetic defect against pictures as they are. Defects of five kinds, small ones
among them, lie at the edge of the picture or anywhere else; there, positions are told apart by how
large good pictures' distances are. No test picture is read. Seeds are fixed.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from goldensample import PatchCore
from goldensample.demo.families import render
from goldensample.demo.line import picture_seed
from goldensample.evaluation.metrics import auroc
from goldensample.features.extraction import as_picture, extract
from goldensample.fitting.fit import fit
from goldensample.graphs.open_backbone import open_backbone
from goldensample.images.folder import read_images
from goldensample.inspection.inspector import Inspector
from goldensample.methods.position_scale import split_positions
from goldensample.records import Array
from goldensample.storage.atomic import write_atomic
from goldensample.synthetic.defects import KINDS, paste_defect

RESULTS = Path(__file__).parent / "results/scores.json"
REAL = {
    "bottle": ("mvtec_ad/bottle", 140, 40),
    "hazelnut": ("mvtec_ad_small/hazelnut", 32, 18),
    "transistor": ("mvtec_ad_small/transistor", 32, 18),
    "magnetic_tile": ("magnetic_tile", 140, 40),
}
"""Folder, pictures that are fitted, and others."""
RENDERED = ("weave", "wood", "circuit", "screw")
FITTED, OTHERS = 60, 40
EDGE = 0.05
"""Of the shorter side, within which a defect lies at the edge."""


def scores_of(grids: Array) -> dict[str, Array]:
    """Return scores (n,) of distances (n, h, w), by how they are made."""
    flat = np.sort(grids.reshape(len(grids), -1), axis=1)
    peaks = ndimage.maximum_filter(grids, (1, 5, 5)) == grids
    apart = np.sort(np.where(peaks, grids, 0).reshape(len(grids), -1), axis=1)
    count = -(-flat.shape[1] // 100)
    return {
        "maximum": flat[:, -1],
        "mean of 4": flat[:, -4:].mean(axis=1),
        "top (1 %)": flat[:, -count:].mean(axis=1),
        "mean of 3 peaks": apart[:, -3:].mean(axis=1),
    }


def pictures(name: str, shared: Path) -> tuple[list[Array], list[Array]]:
    """Return good pictures to fit and others, in a fixed random order."""
    if name in RENDERED:
        seeds = [picture_seed(name, "train", "good", index) for index in range(FITTED)]
        others = [picture_seed(name, "validation", "good", index) for index in range(OTHERS)]
        return tuple([render(name, seed).pixels for seed in part] for part in (seeds, others))
    folder, fitted, others = REAL[name]
    images = read_images(shared / "data" / folder / "train/good")
    order = np.random.default_rng(0).permutation(len(images))[: fitted + others]
    pixels = [as_picture(images[int(index)], int(index)).pixels for index in order]
    return pixels[:fitted], pixels[fitted:]


def with_defects(pixels: Array, rng: np.random.Generator) -> Iterator[tuple[Array, bool, Array]]:
    """Yield the picture with a defect, whether it is at the edge, and its middle as shares."""
    size = np.array(pixels.shape[:2])
    for kind in KINDS:
        for at_edge in (True, False):
            while True:
                middle = rng.integers(size)
                distance = min(middle.min(), (size - 1 - middle).min()) / size.min()
                if (distance < EDGE) == at_edge:
                    break
            changed, mask = paste_defect(
                pixels,
                kind,
                rng,
                size_px=max(4.0, float(size.min() * np.exp(rng.uniform(*np.log((0.02, 0.1)))))),
                contrast=float(np.exp(rng.uniform(*np.log((20, 100))))),
                middle=(int(middle[0]), int(middle[1])),
            )
            if mask.any():
                yield changed, at_edge, middle / size


def rank(good: Array, defects: Array) -> float:
    """Return AUROC of two kinds of scores."""
    labels = np.repeat([False, True], [len(good), len(defects)])
    return auroc(np.concatenate([good, defects]), labels)


def judge(inspector: Inspector, pixels: Array) -> tuple[Array, float]:
    """Return distances (h, w), and the score."""
    scores = inspector.detector.score(
        extract([as_picture(pixels, 0)], inspector.preparation, inspector.backbone)[0]
    )
    return scores.grid[0], float(scores.image[0])


def compare(name: str, shared: Path) -> dict[str, object]:
    """Return AUROC in three regions, of all scores, with and without `by_position`."""
    good, others = pictures(name, shared)
    inspector = fit(good, backbone=open_backbone(), method=PatchCore(), false_alarms=None)
    rng = np.random.default_rng(1)
    made = [
        (judge(inspector, changed), *where)
        for pixels in others
        for changed, *where in with_defects(pixels, rng)
    ]
    plain = np.stack([judge(inspector, pixels)[0] for pixels in others])
    defects = np.stack([grid for (grid, _), *_ in made])
    scale = inspector.detector.position_scale
    divisor = np.ones(plain.shape[1:]) if scale is None else scale
    usual = (plain * divisor).mean(axis=0)
    _, large, small = split_positions(ndimage.gaussian_filter(usual, 2), np.isfinite(usual))
    cells = np.array([middle * usual.shape for *_, middle in made]).astype(int).T
    at_edge = np.array([edge for _, edge, _ in made])
    regions = {
        "edge": at_edge,
        "large": ~at_edge & large[tuple(cells)],
        "small": ~at_edge & small[tuple(cells)],
    }
    found: dict[str, dict[str, float]] = {}
    for label, factor in (("plain", divisor), ("by position", np.ones(divisor.shape))):
        pairs = scores_of(plain * factor), scores_of(defects * factor)
        for how in pairs[0]:
            found[f"{how}, {label}"] = {
                region: round(rank(pairs[0][how], pairs[1][how][mask]), 4)
                for region, mask in regions.items()
                if mask.any()
            }
    return {"scaled": scale is not None, "defects": len(made), "auroc": found}


def main() -> None:
    """Compare on every set, and write the raw figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--only", nargs="*", default=[*REAL, *RENDERED])
    options = parser.parse_args()
    results = json.loads(RESULTS.read_bytes()) if RESULTS.is_file() else {}
    for name in options.only:
        results[name] = compare(name, options.shared)
        write_atomic(RESULTS, json.dumps(results, indent=1).encode() + b"\n")
        print(name, results[name], flush=True)


if __name__ == "__main__":
    main()

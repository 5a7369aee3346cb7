"""Small defects on large pictures: `python benchmarks/tiling.py`.

Pictures of 3000x4000 pixels are laid out of magnetic tiles at native resolution, in rows of 240
pixels. The three good pictures of the fit are made of tiles of train/good; the test pictures of
those that are left there and of test/good, drawn anew for each picture, so that a tile can be on
several test pictures, but never on one of the fit. Every second test picture has one defective tile
in a random place: a blowhole, break or crack of at most 500 marked pixels. Compared are `--tile`
and resizing to the usual canvas and to a quarter of each side. Nothing was tuned on these
pictures; a pilot of four pictures of 750x1000 pixels served for debugging.

A defect counts as found by a region where the map, in the box around the mask and 16 pixels more,
is higher than anywhere on any good test picture. Seconds are processor seconds of one core.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from goldensample import PatchCore, Preparation, fit, load, open_backbone, save
from goldensample.evaluation.evaluate import Tally
from goldensample.features.tiling import native_preparation, run_tiled
from goldensample.images.codec import read_image
from goldensample.preparation.preparation import choose_size
from goldensample.records import Features
from goldensample.regions.heatmap import heat_map

RESULTS = Path(__file__).parent / "results"
ROW_PX, MARGIN_PX, LARGEST_PX = 240, 16, 500
KINDS = ("blowhole", "break", "crack")
ROWS = 5000
"""Of the bank, at most."""
SETTINGS = ("seams", "tiles", "256x256 of area", "quarter of each side")


class Tiles:
    """Good and defective tiles, cut to the height of a row."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.train = self._crop_tiles("train/good")
        self.test = self._crop_tiles("test/good")

    def _crop_tiles(self, folder: str) -> list[np.ndarray]:
        """Return the middle rows of the tiles of a folder that are high enough."""
        tiles = [read_image(path) for path in sorted((self._root / folder).iterdir())]
        return [cut(tile, tile.shape[0] / 2) for tile in tiles if tile.shape[0] >= ROW_PX]

    def defects(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """Return kind, tile and mask of small defects, cut around the defect."""
        defects = []
        for kind in KINDS:
            for path in sorted((self._root / "test" / kind).iterdir()):
                mask_path = self._root / "ground_truth" / kind / f"{path.stem}_mask.png"
                pixels, mask = read_image(path), read_image(mask_path)[:, :, 0] > 0
                rows = np.flatnonzero(mask.any(axis=1))
                if len(pixels) < ROW_PX or not 0 < mask.sum() <= LARGEST_PX:
                    continue
                if np.ptp(rows) < ROW_PX - 2 * MARGIN_PX:
                    middle = (rows[0] + rows[-1]) / 2
                    defects.append((kind, cut(pixels, middle), cut(mask, middle)))
        return defects


def cut(pixels: np.ndarray, middle: float) -> np.ndarray:
    """Return ROW_PX rows around a middle."""
    top = int(np.clip(middle - ROW_PX / 2, 0, len(pixels) - ROW_PX))
    return pixels[top : top + ROW_PX]


def lay_tiles(
    tiles: Iterator[np.ndarray], size_hw: tuple[int, int]
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Lay tiles side by side, row by row, until the picture is full; return where each lies."""
    height, width = size_hw
    picture, positions = np.zeros((height, width, 3), np.uint8), []
    for top in range(0, height, ROW_PX):
        left = 0
        while left < width:
            positions.append((top, left))
            tile = next(tiles)[: height - top, : width - left]
            picture[top : top + len(tile), left : left + tile.shape[1]] = tile
            left += tile.shape[1]
    return picture, positions


class Scenes:
    """The pictures of the benchmark, made when they are asked for."""

    def __init__(self, root: Path, size_hw: tuple[int, int], fits: int, tests: int) -> None:
        self._tiles, self._size_hw, self._tests = Tiles(root), size_hw, tests
        rng = np.random.default_rng(0)
        order = iter(rng.permutation(len(self._tiles.train)))
        self.good = []
        for _ in range(fits):
            self.good.append(lay_tiles((self._tiles.train[k] for k in order), size_hw)[0])
        remaining = [self._tiles.train[k] for k in order]
        self.pool = remaining + self._tiles.test

    def tests(self) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Give test pictures, good and defective in turn, with the mask of the defect."""
        defects = self._tiles.defects()
        chosen = np.random.default_rng(1).permutation(len(defects))
        for number in range(self._tests):
            rng = np.random.default_rng(100 + number)
            tiles = [self.pool[k] for k in rng.permutation(len(self.pool))]
            picture, places = lay_tiles(iter(tiles), self._size_hw)
            if number % 2 == 0:
                yield picture, None
                continue
            _, tile, mask = defects[chosen[number // 2]]
            height, width = self._size_hw
            complete = [
                k
                for k, (top, left) in enumerate(places)
                if top + ROW_PX <= height and left + tile.shape[1] <= width
            ]
            tiles[k := int(rng.choice(complete))] = tile
            top, left = places[k]
            full_mask = np.zeros(self._size_hw, bool)
            full_mask[top : top + ROW_PX, left : left + tile.shape[1]] = mask
            yield lay_tiles(iter(tiles), self._size_hw)[0], full_mask


def make_preparation(setting: str, size_hw: tuple[int, int], stride: int) -> Preparation:
    """Return how a setting prepares pictures."""
    if setting == "tiles":
        return native_preparation([size_hw], stride)
    quarter = setting == "quarter of each side"
    area = size_hw[0] * size_hw[1] // 16 if quarter else 256 * 256
    return Preparation(choose_size([size_hw], stride, area))


def fit_setting(setting: str, scenes: Scenes, file: Path) -> dict[str, object]:
    """Fit in a setting, write the file, and return what it took."""
    network = open_backbone("builtin")
    preparation = make_preparation(setting, scenes.good[0].shape[:2], network.network.stride)
    patches = len(scenes.good) * preparation.size_hw[0] * preparation.size_hw[1] // 64
    start, peak_before = time.process_time(), peak_mb()
    inspector = fit(
        scenes.good,
        backbone=network,
        method=PatchCore(coreset=1.0 if patches <= ROWS else ROWS),
        preparation=preparation,
        false_alarms=None,
    )
    save(inspector, file)
    return {
        "canvas": list(preparation.size_hw),
        "patches": patches,
        "bank rows": len(inspector.detector.bank),
        "seconds of the fit": round(time.process_time() - start, 1),
        "MB of the fit beyond the benchmark's own pictures": peak_mb() - peak_before,
    }


def seams(scenes: Scenes) -> dict[str, list[float]]:
    """Compare maps from tiles of 512 pixels with those of the whole, by margin, on good pictures.

    Returns:
        By margin in pixels: the largest error of a level's feature as a share of the mean feature's
        length, for each level; then that of the heat map as a share of its maximum.
    """
    network = open_backbone("builtin")
    preparation = Preparation(scenes.good[0].shape[:2])
    inspector = fit(
        scenes.good[:1],
        backbone=network,
        method=PatchCore(coreset=1000),
        preparation=preparation,
        false_alarms=None,
    )
    canvas, placement = preparation.apply(scenes.good[1])

    def mapped(maps: tuple[np.ndarray, ...]) -> np.ndarray:
        scores = inspector.detector.score(Features(maps, placement.valid(maps[0].shape[2:])[None]))
        return heat_map(scores.grid[0], scores.valid[0], scores.centres, placement, 4.0)

    full_maps, errors_by_margin = network.extract(canvas[None]), {}
    expected = mapped(full_maps)
    for margin in (0, 16, 32, 48, 64, 80, 96, 112, 144):
        tiled = run_tiled(network.extract, canvas[None], network.network.stride, 512, margin)
        errors = [
            float(np.linalg.norm(a - b, axis=1).max() / np.linalg.norm(b, axis=1).mean())
            for a, b in zip(tiled, full_maps, strict=True)
        ]
        errors.append(float(np.abs(mapped(tiled) - expected).max() / expected.max()))
        errors_by_margin[str(margin)] = [float(f"{error:.2g}") for error in errors]
    return errors_by_margin


def peak_mb() -> int:
    """Return the largest resident size of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def evaluate_file(scenes: Scenes, file: Path) -> dict[str, object]:
    """Inspect the test pictures and return the figures."""
    peak_before = peak_mb()
    inspector, tally = load(file), Tally()
    good_maxima, defect_maxima, outside_maxima, hits, seconds = [], [], [], 0, []
    for picture, mask in scenes.tests():
        start = time.process_time()
        inspection = inspector.inspect(picture)
        seconds.append(time.process_time() - start)
        values = inspection.heat_map
        if mask is None:
            tally.add(inspection, False, np.zeros(values.shape, bool))
            good_maxima.append(float(values.max()))
            report_progress(len(seconds), inspection.score, good_maxima[-1], seconds[-1])
            continue
        tally.add(inspection, True, mask, "defect")
        defect_maxima.append(float(values[dilated_box(mask)].max()))
        outside_maxima.append(float(values[~dilated_box(mask)].max()))
        hits += defect_maxima[-1] > outside_maxima[-1]
        report_progress(
            len(seconds), inspection.score, defect_maxima[-1], outside_maxima[-1], seconds[-1]
        )
    scores, defects = np.asarray(tally.scores), np.asarray(tally.defects)
    evaluation = tally.result()
    return {
        "image AUROC": round(evaluation.image_auroc, 4),
        "pixel AUROC": round(evaluation.pixel_auroc, 4),
        "PRO": round(evaluation.pro, 4),
        "PRO to 0.05": round(evaluation.pro_5, 4),
        "scores above all good pictures": int((scores[defects] > scores[~defects].max()).sum()),
        "regions above all good pictures": int(
            (np.asarray(defect_maxima) > max(good_maxima)).sum()
        ),
        "highest point of the map is the defect": int(hits),
        "defects": int(defects.sum()),
        "good pictures": int((~defects).sum()),
        "seconds a picture": round(float(np.median(seconds)), 2),
        "MB beyond the benchmark's own pictures": peak_mb() - peak_before,
        "scores": [round(float(score), 4) for score in scores],
    }


def report_progress(*values: float) -> None:
    """Show that the work goes on."""
    print(*(round(value, 4) for value in values), file=sys.stderr, flush=True)


def dilated_box(mask: np.ndarray) -> np.ndarray:
    """Return the box of a mask, MARGIN_PX larger to each side."""
    box = np.zeros_like(mask)
    sides = []
    for axis in (0, 1):
        indices = np.flatnonzero(mask.any(axis=1 - axis))
        sides.append(slice(max(0, indices[0] - MARGIN_PX), indices[-1] + 1 + MARGIN_PX))
    box[tuple(sides)] = True
    return box


def main() -> None:
    """Run each setting in processes of its own, and write the figures after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--settings", nargs="+", default=SETTINGS)
    parser.add_argument("--size", type=int, nargs=2, default=(3000, 4000), help="HEIGHT WIDTH")
    parser.add_argument("--fits", type=int, default=3)
    parser.add_argument("--tests", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RESULTS / "tiling.json")
    parser.add_argument("--stage", choices=["fit", "inspect"], help="of one setting, in-process")
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    root = options.shared.resolve() / "data/magnetic_tile"
    if options.stage:
        scenes = Scenes(root, tuple(options.size), options.fits, options.tests)
        fits = options.stage == "fit"
        setting = options.settings[0]
        stage_figures = (
            fit_setting(setting, scenes, options.file)
            if fits
            else evaluate_file(scenes, options.file)
        )
        print(json.dumps(stage_figures))
        return
    figures = json.loads(options.out.read_text()) if options.out.exists() else {}
    if "seams" in options.settings:
        figures["seams"] = seams(Scenes(root, (1024, 1024), 2, 0))
        options.out.write_text(json.dumps(figures, indent=1) + "\n")
    for setting in (name for name in options.settings if name != "seams"):
        with tempfile.TemporaryDirectory() as directory:
            figures[setting] = {}
            for stage in ("fit", "inspect"):
                command = [sys.executable, __file__, *sys.argv[1:], "--stage", stage]
                command += ["--settings", setting, "--file", f"{directory}/large.golden"]
                process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                figures[setting] |= json.loads(process.stdout)
        print(setting, json.dumps(figures[setting]), flush=True)
        options.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

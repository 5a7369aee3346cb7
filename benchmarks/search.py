"""Time the search for nearest rows: in full, in cells, compiled: `python benchmarks/search.py`.

The built-in network's patches of good bottles make banks of 1 %, 10 % and 100 %; the queries are
pictures of the test set, one a call. The searches take turns on the same pictures in one process,
and their answers must be equal. Times are the processor's: run it with OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1 for those of one core.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from goldensample import PatchCore, Preparation, open_backbone, read_images
from goldensample.coreset import greedy
from goldensample.features.extraction import extract
from goldensample.search import exact as neighbors
from goldensample.search.approximate import KINDS, ApproximateSearch
from goldensample.search.exact import NearestSearch

RESULTS = Path(__file__).parent / "results"
SHARES = (0.01, 0.1, 1.0)
PICTURE_STEP = 8
"""Step between the test pictures that are searched."""


def patches_of(folder: Path, step: int) -> list[np.ndarray]:
    """Return the patches (k, 128) float32 of each picture below a folder, as a fit sees them."""
    pictures, backbone, patches = read_images(folder), open_backbone(), []
    for index in range(0, len(pictures), step):
        features, _ = extract([pictures[index]], Preparation((256, 256)), backbone)
        patches.append(PatchCore().patches_of(features, 0)[0])
    return patches


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor's milliseconds, and the result."""
    start = process_time()
    result = call()
    return (process_time() - start) * 1000, result


def sorted_search(bank: np.ndarray, compiled: bool) -> NearestSearch:
    """Return the search over a sorted bank, by compiled code or by NumPy."""
    search, library = NearestSearch(bank), neighbors.library
    neighbors.library = library if compiled else lambda: None
    search.sort()
    neighbors.library = library
    return search


def compare(bank: np.ndarray, pictures: list[np.ndarray]) -> dict[str, object]:
    """Search for the pictures' patches in full, and in cells by NumPy and by compiled code."""
    if neighbors.library() is None:
        sys.exit("the package was built without a C compiler")
    numpy_sort_ms, clustered = timed(partial(sorted_search, bank, False))
    sort_ms, compiled = timed(partial(sorted_search, bank, True))
    searches = NearestSearch(bank), clustered, compiled
    rows: list[list[float]] = []
    for patches in pictures:
        rounds = [[timed(partial(s.find, patches)) for s in searches] for _ in range(3)]
        for (_, expected), *others in rounds:
            if not all(all(map(np.array_equal, expected, result)) for _, result in others):
                sys.exit("the searches disagree")
        times = [min(turn[k][0] for turn in rounds) for k in range(len(searches))]
        rows.append([*times, *(s.share for s in searches[1:])])
    full_ms, cells_ms, compiled_ms, cells_share, compiled_share = np.median(rows, axis=0)
    return {
        "bank": bank.shape,
        "queries": len(pictures[0]),
        "sort_ms": {"NumPy": numpy_sort_ms, "compiled": sort_ms},
        "full_ms": full_ms,
        "cells_ms": cells_ms,
        "compiled_ms": compiled_ms,
        "cells_times_faster_than_full": full_ms / cells_ms,
        "compiled_times_faster_than_cells": cells_ms / compiled_ms,
        "share_of_products": {"cells": cells_share, "compiled": compiled_share},
        "full_cells_compiled_shares_of_each_picture": rows,
    }


def approximate(bank: np.ndarray, pictures: list[np.ndarray]) -> dict[str, object]:
    """Return each approximation's milliseconds a picture, and how often it finds the nearest."""
    exact, figures = NearestSearch(bank), {}
    true_rows = [exact.find(patches)[1] for patches in pictures]
    for kind in KINDS:
        build_ms, search = timed(partial(ApproximateSearch, bank, kind))
        answers = [timed(partial(search.find, patches)) for patches in pictures]
        hits = [
            (rows == nearest).mean()
            for (_, (_, rows)), nearest in zip(answers, true_rows, strict=True)
        ]
        median_ms = float(np.median([ms for ms, _ in answers]))
        figures[kind] = {"build_ms": build_ms, "ms": median_ms, "recall": float(np.mean(hits))}
    return figures


def main() -> None:
    """Compare at every size of the bank, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    root = parser.parse_args().shared / "data/mvtec_ad/bottle"
    if not root.is_dir():
        sys.exit(f"the pictures are not at {root}: name the folder above data with --shared")
    neighbors.LEAST_ROWS = sys.maxsize  # no search sorts its bank by itself
    good = np.concatenate(patches_of(root / "train/good", 1))
    pictures = patches_of(root / "test", PICTURE_STEP)
    picks = greedy.greedy(good, round(max(s for s in SHARES if s < 1) * len(good))).picks
    runs = []
    for share in SHARES:
        rows = good if share == 1 else good[picks[: round(share * len(good))]]
        bank = rows.astype(np.float16).astype(np.float32)  # as a file keeps it
        runs.append({"coreset": share, **compare(bank, pictures)})
        if share < 1:
            runs[-1] |= approximate(bank, pictures)
        print(json.dumps({k: v for k, v in runs[-1].items() if "each" not in k}), flush=True)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "all")
    report = {"machine": machine, "threads": threads, "pictures": len(pictures), "runs": runs}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "search.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""One coreset implementation, timed in a separate process by `coreset_peers.py`.

`python coreset_peer.py WHO PATCHES.npy ROWS PICKS [DEPTH]` prints one JSON object. WHO is ours or
loop (our environment), authors (a stand-in, torch) or anomalib (its environment). Only PICKS of
ROWS are made where each costs the same.
"""

import json
import resource
import sys
from time import perf_counter

import numpy as np


def ours(patches: np.ndarray, rows: int, picks: int, depth: int) -> dict[str, object]:
    """Our projection and greedy coreset, all rows."""
    from goldensample.coreset import greedy, projection

    start = perf_counter()
    points = projection.project(patches, depth, 0)
    coreset = greedy.greedy(points, rows, overwrite=True)
    return {"setup_s": 0.0, "loop_s": perf_counter() - start, "picks": coreset.picks.tolist()}


def loop(patches: np.ndarray, rows: int, picks: int, depth: int) -> dict[str, object]:
    """The plain loop on the same integer points as ours: one pass over all rows for each pick."""
    from goldensample.coreset import projection

    points, _ = projection.to_integers(projection.project(patches, depth, 0))
    start = perf_counter()
    picked = pick_by_loop(points, picks)
    return {"setup_s": 0.0, "loop_s": perf_counter() - start, "picks": picked}


def pick_by_loop(points: np.ndarray, count: int) -> list[int]:
    """The plain greedy loop, optimised: one matrix-vector product a pick."""
    norms = (points**2).sum(axis=1)
    distances, picks = norms, []
    for _ in range(count):
        best = int(np.argmax(distances))
        to_best = norms + norms[best] - 2 * (points @ points[best])
        distances = np.minimum(distances, to_best) if picks else to_best
        picks.append(best)
    return picks


def authors(patches: np.ndarray, rows: int, picks: int, depth: int) -> dict[str, object]:
    """A stand-in for the authors' approximate greedy coreset, as their code was read.

    In their favour: squared lengths are computed once, not in every pass.
    """
    import torch

    torch.manual_seed(0)
    start = perf_counter()
    features = torch.from_numpy(patches).float()
    mapper = torch.nn.Linear(features.shape[1], depth, bias=False)
    with torch.no_grad():
        reduced = mapper(features)
        starts = torch.randperm(len(reduced))[:10]
        distances = torch.cdist(reduced, reduced[starts]).mean(dim=1, keepdim=True)
        lengths = (reduced * reduced).sum(dim=1, keepdim=True)
        setup_s, start, picked = perf_counter() - start, perf_counter(), []
        for _ in range(picks):
            best = int(torch.argmax(distances))
            picked.append(best)
            product = reduced @ reduced[best : best + 1].T
            to_best = (lengths - 2 * product + lengths[best]).clamp(min=0).sqrt()
            distances = torch.minimum(distances, to_best)
    return {"setup_s": setup_s, "loop_s": perf_counter() - start, "picks": picked}


def anomalib(patches: np.ndarray, rows: int, picks: int, depth: int) -> dict[str, object]:
    """anomalib's KCenterGreedy, its own projection; the depth is what that gives."""
    import torch
    from anomalib.models.components import KCenterGreedy

    torch.manual_seed(0)
    features = torch.from_numpy(patches).float()
    sampler = KCenterGreedy(features, picks / len(features) + 1e-9)
    start = perf_counter()
    sampler.model.fit(features)
    reduced = sampler.model.transform(features)
    setup_s = perf_counter() - start
    start = perf_counter()
    picked = sampler.select_coreset_idxs()  # projects again: taken off
    second_run_s = perf_counter() - start - setup_s
    return {
        "setup_s": setup_s, "loop_s": second_run_s, "picks": picked, "depth": reduced.shape[1],
        "of": len(picked),
    }  # fmt: skip


def main() -> None:
    """Run one and print what it took."""
    implementation, path, rows, picks = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    depth = int(sys.argv[5]) if len(sys.argv) > 5 else 128
    patches = np.load(path)
    implementations = {"ours": ours, "loop": loop, "authors": authors, "anomalib": anomalib}
    result = {"depth": depth} | implementations[implementation](patches, rows, picks, depth)
    pick_count = rows if implementation == "ours" else len(result["picks"])
    seconds = result["setup_s"] + result["loop_s"] * rows / pick_count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        json.dumps(
            result
            | {"who": implementation, "made": pick_count, "seconds": seconds, "peak_bytes": peak}
        )
    )


if __name__ == "__main__":
    main()

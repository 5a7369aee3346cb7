"""One way to choose a coreset, timed in a process of its own; `coreset_peers.py` runs them.

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

    began = perf_counter()
    points = projection.project(patches, depth, 0)
    chosen = greedy.greedy(points, rows, overwrite=True)
    return {"setup_s": 0.0, "loop_s": perf_counter() - began, "picks": chosen.picks.tolist()}


def loop(patches: np.ndarray, rows: int, picks: int, depth: int) -> dict[str, object]:
    """The plain loop on the very numbers that ours sees: one pass over all rows for each pick."""
    from goldensample.coreset import projection

    whole, _ = projection.to_whole_numbers(projection.project(patches, depth, 0))
    began = perf_counter()
    norms = (whole**2).sum(axis=1)
    distances, made = norms, []
    for _ in range(picks):
        best = int(np.argmax(distances))
        to_best = norms + norms[best] - 2 * (whole @ whole[best])
        distances = np.minimum(distances, to_best) if made else to_best
        made.append(best)
    return {"setup_s": 0.0, "loop_s": perf_counter() - began, "picks": made}


def authors(patches: np.ndarray, rows: int, picks: int, depth: int) -> dict[str, object]:
    """A stand-in for the authors' approximate greedy coreset, as their code was read.

    In their favour: squared lengths are computed once, not in every pass.
    """
    import torch

    torch.manual_seed(0)
    began = perf_counter()
    features = torch.from_numpy(patches).float()
    mapper = torch.nn.Linear(features.shape[1], depth, bias=False)
    with torch.no_grad():
        reduced = mapper(features)
        starts = torch.randperm(len(reduced))[:10]
        distances = torch.cdist(reduced, reduced[starts]).mean(dim=1, keepdim=True)
        lengths = (reduced * reduced).sum(dim=1, keepdim=True)
        setup_s, began, made = perf_counter() - began, perf_counter(), []
        for _ in range(picks):
            best = int(torch.argmax(distances))
            made.append(best)
            product = reduced @ reduced[best : best + 1].T
            to_best = (lengths - 2 * product + lengths[best]).clamp(min=0).sqrt()
            distances = torch.minimum(distances, to_best)
    return {"setup_s": setup_s, "loop_s": perf_counter() - began, "picks": made}


def anomalib(patches: np.ndarray, rows: int, picks: int, depth: int) -> dict[str, object]:
    """anomalib's KCenterGreedy, its own projection; the depth is what that gives."""
    import torch
    from anomalib.models.components import KCenterGreedy

    torch.manual_seed(0)
    features = torch.from_numpy(patches).float()
    sampler = KCenterGreedy(features, picks / len(features) + 1e-9)
    began = perf_counter()
    sampler.model.fit(features)
    reduced = sampler.model.transform(features)
    setup_s = perf_counter() - began
    began = perf_counter()
    made = sampler.select_coreset_idxs()  # projects again: taken off
    again_s = perf_counter() - began - setup_s
    return {
        "setup_s": setup_s, "loop_s": again_s, "picks": made, "depth": reduced.shape[1],
        "of": len(made),
    }  # fmt: skip


def main() -> None:
    """Run one and print what it took."""
    who, path, rows, picks = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    depth = int(sys.argv[5]) if len(sys.argv) > 5 else 128
    patches = np.load(path)
    kinds = {"ours": ours, "loop": loop, "authors": authors, "anomalib": anomalib}
    found = {"depth": depth} | kinds[who](patches, rows, picks, depth)
    made = rows if who == "ours" else len(found["picks"])
    seconds = found["setup_s"] + found["loop_s"] * rows / made
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(found | {"who": who, "made": made, "seconds": seconds, "peak_bytes": peak}))


if __name__ == "__main__":
    main()

"""Approximate nearest neighbours: FAISS's IVFPQ (the paper's Table 5) and HNSW."""

from math import isqrt, log2
from typing import Any

import numpy as np

from goldensample.records import Array

KINDS = ("ivfpq", "hnsw")
SEED = 0
"""Of the lists and codes that are trained on the bank."""


class ApproximateSearch:
    """Approximate search in a bank; the distances of the rows returned are exact.

    `ivfpq`: about √m lists, a quarter of them searched, and product codes of 8 bits; `hnsw`: a
    graph of 32 links a row, 128 candidates a query.

    Args:
        bank: (m, d) float32 NumPy array, m >= 1; not changed.
        kind: one of KINDS.

    Raises:
        ValueError: FAISS is not installed.

    Cost: building takes seconds for tens of thousands of rows.

    Source: Jégou et al., Product Quantization for Nearest Neighbor Search, 2011; Malkov and
    Yashunin, Efficient and Robust Approximate Nearest Neighbor Search Using HNSW, 2018.
    """

    def __init__(self, bank: Array, kind: str) -> None:
        self.bank = bank = np.ascontiguousarray(bank)
        faiss = _import_faiss()
        count, depth = bank.shape
        if kind == "hnsw":
            self._index = faiss.IndexHNSWFlat(depth, 32)
            self._index.hnsw.efSearch = 128
        else:
            lists = max(1, isqrt(count) // 2)
            parts = next(part for part in (64, 32, 16, 8, 4, 2, 1) if depth % part == 0)
            bits = max(1, min(8, int(log2(count))))
            self._lists = faiss.IndexFlatL2(depth)
            self._index = faiss.IndexIVFPQ(self._lists, depth, lists, parts, bits)
            self._index.nprobe = max(1, lists // 4)
            self._index.cp.seed = self._index.pq.cp.seed = SEED
            self._index.cp.min_points_per_centroid = 1  # without a warning for few points
            self._index.pq.cp.min_points_per_centroid = 1
            self._index.train(np.repeat(bank, 2, axis=0) if count == 1 else bank)
        self._index.add(bank)

    def find(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find approximate neighbours; see `NearestSearch.find`."""
        _, rows = self._index.search(np.ascontiguousarray(queries), count)
        rows = np.where(rows < 0, rows[:, :1], rows)  # fewer than `count` found
        differences = queries[:, None].astype(np.float64) - self.bank[rows]
        distances = np.sqrt(np.einsum("qkd,qkd->qk", differences, differences))
        order = np.argsort(distances, axis=1, kind="stable")
        ascending = np.take_along_axis(distances, order, 1).astype(np.float32)
        return ascending, np.take_along_axis(rows, order, 1)


def _import_faiss() -> Any:
    """Import FAISS, or raise with how to install it."""
    try:
        import faiss
    except ImportError as error:
        raise ValueError(
            "search ivfpq and hnsw must have FAISS; it is not installed; "
            'pip install "goldensample[faiss]", or take search exact'
        ) from error
    return faiss

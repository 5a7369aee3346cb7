"""The true nearest neighbours. The only room that imports FAISS."""

import numpy as np
from array_api_compat import array_namespace, is_numpy_array

from goldensample.records import Array

CANDIDATES = 4
BLOCK = 1024


def nearest(bank: Array, queries: Array, count: int = 1) -> tuple[Array, Array]:
    """Find the nearest bank rows of each query, exactly; ties go to the lower row.

    FAISS (or a matrix product, for torch tensors) proposes candidates in float32; their distances
    are computed anew in float64. A query keeps its answer only if no row outside the candidates
    can be nearer, given the rounding error that the proposal can have; otherwise more candidates
    are tried, at last all rows.

    Args:
        bank: (m, d) floats, m >= 1; not changed.
        queries: (q, d) floats of the same kind; not changed.
        count: neighbours wanted; at most m.

    Returns:
        (q, count) float32 distances, ascending, and (q, count) int64 rows, as NumPy arrays.

    Cost: q·m·d multiplications.
    """
    m, q = bank.shape[0], queries.shape[0]
    distances = np.empty((q, count), np.float32)
    rows = np.empty((q, count), np.int64)
    open_queries = np.arange(q)
    candidates = min(m, count + CANDIDATES - 1)
    error = _largest_error(bank, queries)
    while len(open_queries):
        asked = queries[open_queries] if len(open_queries) < q else queries
        found = np.arange(m)[None].repeat(len(asked), 0) if candidates == m else None
        squared_far = np.full(len(asked), np.inf)
        if found is None:
            found, squared_far = _propose(bank, asked, candidates)
        best, best_rows = _measure(bank, asked, found, count)
        certain = best[:, -1] + error < squared_far
        done = open_queries[certain]
        distances[done] = np.sqrt(best[certain])
        rows[done] = best_rows[certain]
        open_queries = open_queries[~certain]
        candidates = min(m, candidates * 8)
    return distances, rows


def _largest_error(bank: Array, queries: Array) -> float:
    """Return a bound on the float32 error of |q|^2 + |b|^2 - 2 q·b (Higham: gamma_d on each sum)."""
    xp = array_namespace(bank)
    unit = 2.0**-24 * (bank.shape[1] + 4)
    gamma = unit / (1 - unit)
    lengths = [float(xp.max(xp.sum(a * a, axis=1))) ** 0.5 for a in (bank, queries)]
    return gamma * (lengths[0] + lengths[1]) ** 2


def _propose(bank: Array, queries: Array, candidates: int) -> tuple[Array, Array]:
    """Return (q, candidates) rows and the float32 squared distance of the last of them."""
    if is_numpy_array(bank):
        import faiss

        squared, rows = faiss.knn(
            np.ascontiguousarray(queries, np.float32), np.ascontiguousarray(bank, np.float32), candidates
        )
        return rows, squared[:, -1].astype(np.float64)
    return _propose_on_device(bank, queries, candidates)


def _propose_on_device(bank: Array, queries: Array, candidates: int) -> tuple[Array, Array]:
    """Do the same for arrays that live elsewhere, such as torch tensors."""
    xp = array_namespace(bank)
    bank32, queries32 = xp.astype(bank, xp.float32), xp.astype(queries, xp.float32)
    norms = xp.sum(bank32 * bank32, axis=1)
    rows, far = [], []
    for at in range(0, queries.shape[0], BLOCK):
        part = queries32[at : at + BLOCK]
        product = xp.matmul(part, xp.permute_dims(bank32, (1, 0)))
        squared = xp.sum(part * part, axis=1)[:, None] + norms - 2 * product
        values, order = xp.topk(squared, candidates, largest=False)
        rows.append(np.asarray(order.cpu()))
        far.append(np.asarray(values[:, -1].cpu(), np.float64))
    return np.concatenate(rows), np.concatenate(far)


def _measure(bank: Array, queries: Array, found: Array, count: int) -> tuple[Array, Array]:
    """Return the first `count` of the candidates by (squared distance in float64, row)."""
    best = np.empty((len(found), count))
    best_rows = np.empty((len(found), count), np.int64)
    step = max(1, BLOCK * CANDIDATES // found.shape[1])
    for at in range(0, len(found), step):
        part = found[at : at + step]
        near, asked = bank[part], queries[at : at + step]
        if not is_numpy_array(near):
            near, asked = near.cpu().numpy(), asked.cpu().numpy()
        difference = near.astype(np.float64) - asked[:, None, :].astype(np.float64)
        squared = np.einsum("qcd,qcd->qc", difference, difference)
        order = np.lexsort((part, squared), axis=1)[:, :count]
        best[at : at + step] = np.take_along_axis(squared, order, 1)
        best_rows[at : at + step] = np.take_along_axis(part, order, 1)
    return best, best_rows

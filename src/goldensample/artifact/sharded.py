"""Inspect with a bank that is larger than one machine's memory: each worker reads its own rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.artifact.container import check_array, read_parts, read_rows
from goldensample.artifact.journal_parts import JOURNAL, pop_arrays
from goldensample.artifact.store import assemble
from goldensample.errors import ArtifactError
from goldensample.inspection.inspector import Inspector
from goldensample.records import Array
from goldensample.runners import Runner
from goldensample.search.sharded import BankShard, ShardedBank, make_shard, shard_bounds

BANK, KINDS = "bank", "composition_kinds"
"""Arrays with a row, or a number, for each row of the bank, besides its origins."""
"""The array that stays in shards."""


@contextmanager
def load_sharded(path: str | Path, runner: Runner, shards: int = 0) -> Iterator[Inspector]:
    """Give the inspector of a file whose bank is in shards on a runner, until the context ends.

    It inspects as the one that `load` reads, bit for bit. It can be neither updated nor saved, and
    has no journal.

    Args:
        path: a `.golden` file of PatchCore, at the same path on all workers; it must not change.
        runner: holds the shards.
        shards: their number, at most one per row; 0 for one per worker.

    Raises:
        ValueError: the file is of another method, or the search is not exact.
        ArtifactError: see `load`.

    Cost: the bank is read twice, here in chunks to be checked, and by the workers.
    """
    path = Path(path)
    header, arrays = read_parts(path, skip=BANK)
    if header["method"] != "patchcore" or header["knobs"].get("search") != "exact":
        raise ValueError(
            f"a bank in shards must be of patchcore, with search exact; {path.name} is of "
            f"{header['method']}, with search {header['knobs'].get('search', 'of its own')}"
        )
    rows, _ = check_array(path, BANK, header["sha256"])
    pop_arrays(arrays)
    header.pop(JOURNAL, None)
    inspector, origins = _without_bank(path, header, arrays)
    kinds = arrays.get(KINDS, origins)
    if (
        not len(kinds) == len(origins) == rows
        or not np.isin(origins[:, 0], range(len(inspector.pictures))).all()
    ):
        raise ArtifactError(f"{path.name}: every bank row must come from one of the pictures")
    with runner.create_states(
        _read_shard, path, shard_bounds(rows, shards or runner.workers)
    ) as states:
        patchcore: Any = inspector.detector
        detector = replace(patchcore, bank=ShardedBank(states), origins=origins)
        if patchcore.composition is not None:
            whole = replace(patchcore.composition, kinds=kinds)
            detector = detector.with_composition(whole)
        yield replace(inspector, detector=detector)


def _without_bank(
    path: Path, header: dict[str, Any], arrays: dict[str, Array]
) -> tuple[Inspector, Array]:
    """Return an inspector that has the bank's first row alone, and the origins of all rows."""
    first = {BANK: read_rows(path, BANK, slice(0, 1))}
    for name in ("origins", KINDS):
        if name in arrays:
            first[name] = arrays[name][:1]
    inspector = assemble(path.name, header, {**arrays, **first})
    return inspector, arrays["origins"]


def _read_shard(path: Path, cut: tuple[int, int]) -> BankShard:
    return make_shard(cut[0], read_rows(path, BANK, slice(*cut)))

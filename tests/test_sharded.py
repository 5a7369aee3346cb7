"""A bank in shards gives what one bank gives, bit for bit."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from conftest import check_same, part, read_writable_parts

import goldensample as golden
from goldensample.artifact.container import read_parts, write_parts
from goldensample.artifact.sharded import load_sharded
from goldensample.errors import ArtifactError
from goldensample.runners import local_runner
from goldensample.search.exact import LEAST_ROWS, NearestSearch
from goldensample.search.sharded import ShardedBank, make_shard, shard_bounds


def made(shared, cut):
    return make_shard(cut[0], shared[slice(*cut)])


def whole_steps(seed: int, rows: int, depth: int) -> np.ndarray:
    """Return rows of few whole numbers, far from the origin: many are equally near to others."""
    return np.random.default_rng(seed).integers(40, 43, (rows, depth)).astype(np.float32)


def close_calls(seed: int, rows: int, depth: int) -> np.ndarray:
    """Return rows of two groups; distances between the groups are often the same in float32."""
    rng = np.random.default_rng(seed)
    group = 1000 * rng.integers(0, 2, (rows, 1))
    return (group + rng.normal(0, 1e-4, (rows, depth))).astype(np.float32)


@pytest.mark.parametrize("kind", [whole_steps, close_calls])
@pytest.mark.parametrize("seed", range(4))
def test_the_neighbours_of_one_search(kind, seed):
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(1, 40))
    bank = kind(seed, 2 * LEAST_ROWS, depth)
    bank[rng.permutation(len(bank))[:300]] = bank[rng.integers(0, len(bank), 300)]  # copies
    queries = np.concatenate([bank[rng.integers(0, len(bank), 40)], kind(seed + 9, 40, depth)])
    edges = [0, *sorted(rng.choice(np.arange(1, len(bank)), 3, replace=False)), len(bank)]
    single = NearestSearch(bank)
    with local_runner.create_states(made, bank, pairwise(edges)) as states:
        sharded = ShardedBank(states)
        for count in (1, 2, 9, len(bank)):
            asked = queries if count < 10 else queries[:3]
            theirs, ours = single.find(asked, count), sharded.find(asked, count)
            assert [array.dtype for array in theirs] == [array.dtype for array in ours]
            assert np.array_equal(theirs[0], ours[0])
            assert np.array_equal(theirs[1], ours[1])


def test_the_last_bit_of_distances_is_no_tie():
    bank, queries = close_calls(1, 400, 30), close_calls(2, 50, 30)
    squared, _ = NearestSearch(bank).find_squared(queries, 400)
    distances, _ = NearestSearch(bank).find(queries, 400)
    same = np.diff(distances, axis=1) == 0
    assert (same & (np.diff(squared, axis=1) > 0)).any()  # what makes the test above one


def test_rows_by_number():
    bank = whole_steps(0, 30, 4)
    with local_runner.create_states(made, bank, shard_bounds(30, 4)) as states:
        sharded = ShardedBank(states)
        assert (len(sharded), sharded.shape) == (30, (30, 4))
        assert np.array_equal(sharded[5:21], bank[5:21])
        assert np.array_equal(sharded[np.array([29, 0, 7, 7])], bank[[29, 0, 7, 7]])


def test_cuts_leave_out_no_row():
    assert shard_bounds(10, 3) == [(0, 3), (3, 6), (6, 10)]
    assert shard_bounds(2, 5) == [(0, 1), (1, 2)]


def test_shards_must_be_in_order():
    bank = whole_steps(0, 30, 4)
    with (
        local_runner.create_states(made, bank, [(10, 30), (0, 10)]) as states,
        pytest.raises(ValueError, match=r"go on where the last ended; got \[10, 0\]"),
    ):
        ShardedBank(states)


@pytest.fixture(scope="module")
def fitted(tiny, good_parts) -> golden.Inspector:
    method = golden.PatchCore(coreset=0.5)
    return golden.fit(good_parts[:24], backbone=tiny, method=method, calibration="split")


@pytest.fixture(scope="module")
def file(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "part.golden"
    golden.save(fitted, path)
    return path


@pytest.mark.parametrize("image_score", ["maximum", "top"])
def test_an_inspector_inspects_as_with_one_bank(fitted, file, image_score):
    plain = golden.load(file)
    pictures = [part(100), part(101, defect=True), part(102)]
    with load_sharded(file, local_runner, 3) as sharded:
        both = [
            replace(one, detector=replace(one.detector, settings=knobs))
            for one in (plain, sharded)
            for knobs in [replace(one.detector.settings, image_score=image_score)]
        ]
        found = [list(one.inspect_many(pictures)) for one in both]
        assert sharded.detector.facts() == plain.detector.facts()
    assert len(plain.detector.bank) >= 3 * 100
    for one, other in zip(*found, strict=True):
        check_same(one, other)
        assert one == replace(other, heat_map=one.heat_map)


def test_what_shards_cannot_do_is_said(file, tmp_path):
    with (
        pytest.raises(ValueError, match="must stay there"),
        load_sharded(file, local_runner, 2) as sharded,
    ):
        golden.save(sharded, tmp_path / "again.golden")
    header, arrays = read_writable_parts(file)
    header["knobs"]["search"] = "hnsw"
    write_parts(tmp_path / "hnsw.golden", header, arrays)
    with (
        pytest.raises(ValueError, match=r"search exact; hnsw\.golden is of patchcore"),
        load_sharded(tmp_path / "hnsw.golden", local_runner),
    ):
        pass


def test_a_damaged_bank_is_refused(file, tmp_path):
    damaged = tmp_path / "damaged.golden"
    content = bytearray(file.read_bytes())
    bank = read_parts(file)[1]["bank"].tobytes()
    content[content.index(bank) + len(bank) // 2] ^= 1
    damaged.write_bytes(content)
    with (
        pytest.raises(ArtifactError, match="checksum of 'bank' does not match"),
        load_sharded(damaged, local_runner),
    ):
        pass


@pytest.mark.parametrize("name", ["bank", "origins"])
def test_a_file_whose_parts_do_not_fit_is_refused(file, tmp_path, name):
    header, arrays = read_writable_parts(file)
    write_parts(tmp_path / "short.golden", header, {**arrays, name: arrays[name][:-1]})
    with (
        pytest.raises(ArtifactError, match="every bank row must come from one"),
        load_sharded(tmp_path / "short.golden", local_runner),
    ):
        pass
    del arrays[name]
    write_parts(tmp_path / "less.golden", header, arrays)
    with (
        pytest.raises(ArtifactError, match=name),
        load_sharded(tmp_path / "less.golden", local_runner),
    ):
        pass

"""Features on disk: read as written, whatever happens to the process that writes."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from goldensample.errors import ArtifactError, WeightsError
from goldensample.features.store import InMemoryFeatureStore
from goldensample.fitting.spool import open_spool, record_bytes
from goldensample.records import Features

SHAPES = ((3, 4, 5), (2, 2, 3))
OF, SIZE = {"pictures": ["a", "b"], "network": "x"}, (20, 7)


def features(n: int, first: int = 0) -> Features:
    rng = np.random.default_rng(first)
    maps = tuple(rng.normal(0, 3, (n, *shape)).astype(np.float32) for shape in SHAPES)
    return Features(maps, rng.random((n, 4, 5)) > 0.3, first)


def same(one: Features, two: Features) -> bool:
    return all(
        np.array_equal(a, b)
        for a, b in zip((*one.maps, one.valid), (*two.maps, two.valid), strict=True)
    )


def joined(parts) -> Features:
    parts = list(parts)
    maps = tuple(np.concatenate(level) for level in zip(*(p.maps for p in parts), strict=True))
    return Features(maps, np.concatenate([part.valid for part in parts]), parts[0].first)


def test_it_gives_what_memory_gives_as_often_as_asked(tmp_path):
    spool, memory = (
        open_spool(tmp_path / "x.partial", OF, SHAPES, SIZE, False),
        InMemoryFeatureStore(),
    )
    for first in (7, 14, 0):  # in any order
        assert not spool.has(first)
        for store in (spool, memory):
            store.put(features(min(7, 20 - first), first))
            assert store.has(first)
        assert len(spool) == len(memory)
    assert len(spool) == 20
    assert not spool.has(1)
    for _ in range(2):
        assert same(joined(spool), joined(memory))
    assert [part.first for part in spool] == [part.first for part in memory] == [0, 7, 14]
    for chosen in ((0, 20), (6, 8), (7, 14), (13, 14), (19, 99), (20, 22), (3, 3)):
        touched = sorted({number // 7 * 7 for number in range(*chosen) if number < 20})
        for store in (spool, memory):
            assert [part.first for part in store.read_range(*chosen)] == touched
    spool.remove()
    assert not (tmp_path / "x.partial").exists()


def test_a_part_written_twice_is_there_once(tmp_path):
    spool = open_spool(tmp_path / "x.partial", OF, SHAPES, SIZE, False)
    for _ in range(2):
        spool.put(features(7))
    assert len(spool) == 7


def test_size_is_as_planned(tmp_path):
    spool = open_spool(tmp_path / "x.partial", OF, SHAPES, SIZE, False)
    spool.put(features(3))
    (part,) = spool.path.glob("*.features")
    assert 2 * record_bytes(SHAPES) < part.stat().st_size <= 3 * record_bytes(SHAPES)


@pytest.mark.parametrize("lost", [1, 60, 200])
def test_a_damaged_part_is_told(tmp_path, lost):
    spool = open_spool(tmp_path / "x.partial", OF, SHAPES, SIZE, False)
    spool.put(features(7))
    (part,) = spool.path.glob("*.features")
    data = bytearray(part.read_bytes())
    data[-lost] ^= 255
    for bad in (data, data[:-lost], b""):
        part.write_bytes(bad)
        with pytest.raises(ArtifactError, match=r"-000000000.features is damaged; remove it"):
            list(spool)
    part.unlink()
    assert len(open_spool(tmp_path / "x.partial", OF, SHAPES, SIZE, True)) == 0


def test_a_part_that_went_away_is_told(tmp_path):
    spool = open_spool(tmp_path / "x.partial", OF, SHAPES, SIZE, False)
    spool.put(features(7))
    spool.put(features(7, 7))
    read = iter(spool)
    next(read)
    (part,) = spool.path.glob("*-000000007.features")
    part.unlink()
    with pytest.raises(ArtifactError, match="go on with --resume"):
        next(read)


def test_a_folder_of_something_else_is_refused(tmp_path):
    path = tmp_path / "x.partial"
    open_spool(path, OF, SHAPES, SIZE, False).put(features(7))
    for other in ((OF | {"network": "y"}, SHAPES, SIZE), (OF, SHAPES, (20, 8))):
        with pytest.raises(ArtifactError, match="same pictures"):
            open_spool(path, *other, True)
    assert len(open_spool(path, OF, SHAPES, SIZE, True)) == 7
    assert len(open_spool(path, OF | {"network": "y"}, SHAPES, SIZE, False)) == 0
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArtifactError, match="must be a folder"):
        open_spool(tmp_path / "file", OF, SHAPES, SIZE, False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "my.npz").write_bytes(b"")
    for resume in (False, True):
        with pytest.raises(ArtifactError, match=r"must be of a stopped fit; it has no of.json"):
            open_spool(tmp_path / "mine", OF, SHAPES, SIZE, resume)
    assert (tmp_path / "mine" / "my.npz").exists()


def test_another_fit_writes_nothing_among_the_parts(tmp_path):
    path = tmp_path / "x.partial"
    late = open_spool(path, OF, SHAPES, SIZE, False)
    anew = open_spool(path, OF | {"network": "y"}, SHAPES, SIZE, False)
    late.put(features(7))
    late.array_store("a").put("0", {"x": np.ones(3)})
    assert not anew.has(0)
    assert not anew.array_store("a").has("0")
    anew.remove()
    assert not path.exists()
    for put in (lambda: late.put(features(7)), lambda: late.array_store("a").put("0", {})):
        with pytest.raises(ArtifactError, match="until the fit is done"):
            put()
    assert not path.exists()


def test_what_is_not_ours_is_left_in_the_folder(tmp_path):
    spool = open_spool(tmp_path / "x.partial", OF, SHAPES, SIZE, False)
    for name in ("notes.txt", "mine.npz"):
        (spool.path / name).write_text("mine")
    spool.array_store("a").put("0", {"x": np.ones(3)})
    spool.remove()
    assert sorted(path.name for path in spool.path.iterdir()) == ["mine.npz", "notes.txt"]


def test_what_does_not_fit_half_precision_is_refused(tmp_path):
    given = features(1)
    huge = Features((given.maps[0] * 1e6, given.maps[1]), given.valid)
    for store in (
        open_spool(tmp_path / "x.partial", OF, SHAPES, SIZE, False),
        InMemoryFeatureStore(),
    ):
        with pytest.raises(WeightsError, match="half precision"):
            store.put(huge)
        assert len(store) == 0


def test_arrays_aside_are_those_put_there(tmp_path):
    given = {"points": np.ones((3, 2), np.float32), "picks": np.arange(3)}
    for store in (
        open_spool(tmp_path / "x.partial", OF, SHAPES, SIZE, False),
        InMemoryFeatureStore(),
    ):
        assert not store.array_store("a").has("0-1")
        store.array_store("a").put("0-1", given)
        assert store.array_store("a").has("0-1")
        assert not store.array_store("b").has("0-1")
        found = store.array_store("a").get("0-1")
        assert found.keys() == given.keys()
        for name, array in given.items():
            assert np.array_equal(found[name], array)
            assert found[name].dtype == array.dtype
    (path,) = (tmp_path / "x.partial").glob("*-a-0-1.npz")
    for data in (path.read_bytes()[:-40], b"", b"no arrays at all"):
        path.write_bytes(data)
        arrays = open_spool(tmp_path / "x.partial", OF, SHAPES, SIZE, True).array_store("a")
        with pytest.raises(ArtifactError, match="must be whole"):
            arrays.get("0-1")


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_spool import OF, SHAPES, features, open_spool
spool = open_spool(Path({path!r}), OF, SHAPES, (100_000, 1), False)
for first in range(100_000):
    spool.put(features(1, first))
    print(first, flush=True)
"""


def test_a_killed_writer_leaves_whole_parts(tmp_path):
    path = tmp_path / "x.partial"
    code = WRITER.format(tests=str(Path(__file__).parent), path=str(path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
        for line in writer.stdout:
            if int(line) == 20:
                writer.send_signal(signal.SIGKILL)
                break
        writer.wait()
    found = open_spool(path, OF, SHAPES, (100_000, 1), True)
    assert len(found) >= 21
    memory = InMemoryFeatureStore()
    for first in range(len(found)):
        memory.put(features(1, first))
    assert same(joined(found.read_range(0, len(found))), joined(memory))
    found.remove()
    assert not path.exists()

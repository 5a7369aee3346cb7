"""Features on disk: read as written, whatever happens to the process that writes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from goldensample.errors import ArtifactError, WeightsError
from goldensample.fitting import InMemory
from goldensample.records import Features
from goldensample.spool import Spool, record_bytes

SHAPES = ((3, 4, 5), (2, 2, 3))
OF = {"pictures": ["a", "b"], "network": "x"}


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
    spool, memory = Spool(tmp_path / "x.partial", OF, SHAPES, False), InMemory()
    for first in (0, 7):
        spool.append(features(7, first))
        memory.append(features(7, first))
    assert len(spool) == len(memory) == 14
    for _ in range(2):
        assert same(joined(spool), joined(memory))
    assert [part.first for part in spool] == [0, 8]
    spool.remove()
    assert not (tmp_path / "x.partial").exists()


def test_size_is_as_planned(tmp_path):
    spool = Spool(tmp_path / "x.partial", OF, SHAPES, False)
    before = spool.path.stat().st_size
    spool.append(features(3))
    assert spool.path.stat().st_size - before == 3 * record_bytes(SHAPES)


@pytest.mark.parametrize("lost", [0, 1, 60, 200, 10_000])
def test_it_goes_on_after_any_cut(tmp_path, lost):
    path = tmp_path / "x.partial"
    Spool(path, OF, SHAPES, False).append(features(6))
    whole = path.read_bytes()
    head = whole.index(b"\n") + 1
    path.write_bytes(whole[: max(head, len(whole) - lost)])
    again = Spool(path, OF, SHAPES, True)
    kept = len(again)
    assert kept == max(0, 6 - -(-lost // record_bytes(SHAPES)))
    rest = features(6)
    again.append(Features(tuple(m[kept:] for m in rest.maps), rest.valid[kept:], kept))
    memory = InMemory()
    memory.append(features(6))
    assert same(joined(again), joined(memory))


def test_a_damaged_last_record_is_made_again_and_damage_later_is_told(tmp_path):
    path = tmp_path / "x.partial"
    Spool(path, OF, SHAPES, False).append(features(3))
    data = bytearray(path.read_bytes())
    data[-5] ^= 255
    path.write_bytes(data)
    again = Spool(path, OF, SHAPES, True)
    assert len(again) == 2
    with open(path, "r+b") as file:
        file.seek(-20, os.SEEK_END)
        file.write(b"!")
    with pytest.raises(ArtifactError, match="picture 1 is damaged"):
        list(again)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "x.partial"
    Spool(path, OF, SHAPES, False).append(features(2))
    with pytest.raises(ArtifactError, match="same pictures"):
        Spool(path, OF | {"network": "y"}, SHAPES, True)
    assert len(Spool(path, OF | {"network": "y"}, SHAPES, False)) == 0


def test_what_does_not_fit_half_precision_is_refused(tmp_path):
    given = features(1)
    huge = Features((given.maps[0] * 1e6, given.maps[1]), given.valid)
    for store in (Spool(tmp_path / "x.partial", OF, SHAPES, False), InMemory()):
        with pytest.raises(WeightsError, match="half precision"):
            store.append(huge)
        assert len(store) == 0


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_spool import OF, SHAPES, Spool, features
spool = Spool(Path({path!r}), OF, SHAPES, False)
for first in range(100_000):
    spool.append(features(1, first))
    print(first, flush=True)
"""


def test_a_killed_writer_leaves_whole_records(tmp_path):
    path = tmp_path / "x.partial"
    code = WRITER.format(tests=str(Path(__file__).parent), path=str(path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
        for line in writer.stdout:
            if int(line) == 20:
                writer.send_signal(signal.SIGKILL)
                break
        writer.wait()
    found = Spool(path, OF, SHAPES, True)
    assert len(found) >= 21
    for number, part in zip(range(3), (f for f in found), strict=False):
        memory = InMemory()
        memory.append(joined(features(1, first) for first in range(8 * number, 8 * number + 8)))
        if len(part) == 8:
            assert same(part, joined(memory))

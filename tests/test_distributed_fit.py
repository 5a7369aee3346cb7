"""A fit cut into pieces is the fit."""

import numpy as np
import pytest
from travelling import PicklingRunner

from goldensample.features.store import InMemoryFeatureStore, SequentialReader
from goldensample.fitting.spool import open_spool
from goldensample.methods.bank import CHUNK, PatchSource
from goldensample.methods.cross_fitted import Crossed, WithoutFold, check_distributable
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.spade import SPADE
from goldensample.records import Features, silent
from goldensample.runners import local_runner

PICTURES, SHAPES = 83, ((96, 8, 8), (64, 4, 4))


class Told:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.steps = []

    def __call__(self, *step) -> None:
        self.steps.append(step)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Features of pictures, on disk, where every runner reaches them; some patches alike."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("store") / "x.partial"
    made = open_spool(folder, {}, SHAPES, (PICTURES, 8), False)
    for first in range(0, PICTURES, 8):
        n = min(8, PICTURES - first)
        fine, coarse = (rng.normal(0, 3, (n, *shape)).astype(np.float32) for shape in SHAPES)
        fine[n // 2 :], coarse[n // 2 :] = 1, 2
        valid = rng.random((n, 8, 8)) > 0.2
        made.put(Features((fine, coarse), valid, first))
    return made


METHODS = {
    "exact": PatchCore(coreset=0.05),
    "stride, no projection": PatchCore(coreset=60, stride=2, projection=0),
    "streaming": PatchCore(coreset=20, greedy="streaming"),
    "all rows": PatchCore(coreset=1),
    "statistics": PatchCore(coreset=100, image_score="statistics"),
    "crossed": Crossed(patchcore=PatchCore(coreset=30)),
    "crossed, streaming": Crossed(patchcore=PatchCore(coreset=12, greedy="streaming")),
}


@pytest.mark.parametrize("name", METHODS)
def test_it_is_the_fit_bit_for_bit(store, name):
    whole = METHODS[name].fit(list(store), silent).arrays()
    for runner in (PicklingRunner(lose_states=True), local_runner):
        notify = Told()
        found = METHODS[name].fit(store, notify, runner).arrays()
        assert found.keys() == whole.keys()
        for key, array in whole.items():
            assert array.dtype == found[key].dtype
            assert np.array_equal(array, found[key]), key
        assert all(0 <= done <= total for _, done, total in notify.steps)
        stages = {stage for stage, _, _ in notify.steps}
        assert name == "all rows" or stages >= {"patches", "coverage"}


def test_here_it_tells_of_every_few_pictures(store):
    notify = Told()
    PatchCore(coreset=20, greedy="streaming").fit(store, notify)
    for stage in ("patches", "coverage"):
        done = sorted({done for name, done, _ in notify.steps if name == stage})
        assert done[-1] == PICTURES
        assert max(np.diff([0, *done])) <= 8
    assert ("coreset", 20, 20) in notify.steps


@pytest.mark.parametrize("is_sequential", [True, False])
@pytest.mark.parametrize("fold", [None, 0, 3, 4])
def test_chunks_are_all_pictures_once(store, fold, is_sequential):
    kept = [number for number in range(PICTURES) if fold is None or number % 5 != fold]
    features = store if fold is None else WithoutFold(store, fold)
    assert features.total == len(kept)
    reader = SequentialReader(features) if is_sequential else features
    source = PatchSource(PatchCore(), reader, CHUNK, counts=(1,) * len(kept))
    whole = np.concatenate([batch.valid for batch in features])
    for count in (0, 1, 3, 7, 999):
        chunks = source.chunks(count)
        numbers = [number for chunk in chunks for number in chunk]
        assert numbers == list(range(len(kept)))
        assert len(chunks) == (min(count, len(kept)) or -(-len(kept) // CHUNK))
        for chunk in [*chunks[:: max(1, len(chunks) // 5)], chunks[0]]:
            batches = list(source.batches(chunk))
            assert batches[0].first == chunk.start
            valid = np.concatenate([batch.valid for batch in batches])
            assert np.array_equal(valid, whole[chunk.start : chunk.stop])


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (SPADE(), "got another method"),
        (PatchCore(subsampler="random"), "got subsampler random"),
        (PatchCore(coreset=0), "got coreset auto"),
        (PatchCore(denoise=True), "got denoise"),
        (Crossed(patchcore=PatchCore(coreset=0)), "got coreset auto"),
    ],
)
def test_what_needs_all_in_one_place_is_refused(method, words):
    with pytest.raises(ValueError, match=words):
        check_distributable(method)


def test_another_runner_needs_a_store(store):
    for method in (PatchCore(), Crossed()):
        assert check_distributable(method) is method
        with pytest.raises(ValueError, match="kept in a store"):
            method.fit(list(store), silent, PicklingRunner())


@pytest.mark.parametrize("runner", [local_runner, PicklingRunner()])
def test_no_picture_is_refused(runner):
    with pytest.raises(ValueError, match="at least one picture"):
        PatchCore().fit(InMemoryFeatureStore(), silent, runner)
    empty = InMemoryFeatureStore()
    empty.put(Features((np.ones((1, 2, 4, 4), np.float32),), np.zeros((1, 4, 4), bool)))
    with pytest.raises(ValueError, match="leave a patch on every picture"):
        PatchCore().fit(empty, silent, runner)

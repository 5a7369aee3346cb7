"""A fit cut into pieces is the fit."""

import numpy as np
import pytest
from travelling import Travelling

from goldensample.features.store import InMemory
from goldensample.fitting.spool import open_spool
from goldensample.methods.cross_fitted import Crossed
from goldensample.methods.distributed import PIECE, Source, fit_over
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.spade import SPADE
from goldensample.records import Features, silent
from goldensample.runners import here

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
    whole = METHODS[name].fit(store, silent).arrays()
    for runner in (here, Travelling(forgetful=True)):
        notify = Told()
        found = fit_over(METHODS[name], store, notify, runner).arrays()
        assert found.keys() == whole.keys()
        for key, array in whole.items():
            assert array.dtype == found[key].dtype
            assert np.array_equal(array, found[key]), key
        assert all(0 <= done <= total for _, done, total in notify.steps)
        stages = {stage for stage, _, _ in notify.steps}
        assert name == "all rows" or stages >= {"patches", "coverage"}


@pytest.mark.parametrize("fold", [None, 0, 3, 4])
def test_pieces_are_all_pictures_once(store, fold):
    kept = [number for number in range(PICTURES) if fold is None or number % 5 != fold]
    source = Source(PatchCore(), store, fold)
    assert source.pictures == len(kept)
    for count in (0, 1, 3, 7, 999):
        pieces = source.pieces(count)
        numbers = [number for piece in pieces for number in piece]
        assert numbers == list(range(len(kept)))
        assert len(pieces) == (min(count, len(kept)) or -(-len(kept) // PIECE))
        for piece in pieces[:: max(1, len(pieces) // 5)]:
            firsts = [batch.first for batch in source.features_of(piece)]
            sizes = [len(batch) for batch in source.features_of(piece)]
            assert firsts[0] == piece.start
            assert sum(sizes) == len(piece)


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
def test_what_needs_all_in_one_place_is_refused(store, method, words):
    with pytest.raises(ValueError, match=words):
        fit_over(method, store, silent, here)
    with pytest.raises(ValueError, match="kept in a store"):
        fit_over(method, list(store), silent, here)


def test_no_picture_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        fit_over(PatchCore(), InMemory(), silent, here)
    empty = InMemory()
    empty.put(Features((np.ones((1, 2, 4, 4), np.float32),), np.zeros((1, 4, 4), bool)))
    with pytest.raises(ValueError, match="leave a patch on every picture"):
        fit_over(PatchCore(), empty, silent, here)

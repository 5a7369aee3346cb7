"""What every trained method promises, on tiny pictures and with two epochs."""

import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
from conftest import part

import goldensample
from goldensample import Preparation
from goldensample.errors import TrainingError
from goldensample.features.store import InMemoryFeatureStore
from goldensample.methods.registry import METHODS, default_backbone
from goldensample.methods.trained.exporting import torch_outputs
from goldensample.methods.trained.inputs import average, gather_levels, gather_pixels
from goldensample.methods.trained.training import fit_networks
from goldensample.records import Features, silent
from test_method_contract import TRAINED

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")
pytestmark = pytest.mark.usefixtures("one_torch_thread")

SMALL = {
    "ae_ssim": {"side": 32, "window": 7},
    "cavga": {"side": 32, "latent": 8},
    "differnet": {"blocks": 2, "hidden": 16},
    "dsebm": {"side": 16},
    "ganomaly": {"side": 16, "latent": 8},
    "geotrans": {"side": 16, "width": 1},
    "itae": {"side": 32, "width": 4},
    "patch_svdd": {"crop": 256, "width": 4, "latent": 8, "stride": 16},
    "students": {"patch": 17, "students": 2, "width": 4},
    "vae_grad": {"side": 16, "latent": 8, "steps": 5},
}
"""Knobs with which a method trains on tiny pictures in a fraction of a second."""
TURNED = {
    "ae_ssim": {"side": 16, "latent": 4, "loss": "l2", "window": 5},
    "cavga": {"side": 64, "latent": 4},
    "differnet": {"blocks": 1, "hidden": 8},
    "dsebm": {"side": 32, "criterion": "reconstruction", "noise": 0.3},
    "ganomaly": {"side": 32, "latent": 4},
    "geotrans": {"side": 32, "width": 2},
    "itae": {"side": 64, "width": 8},
    "patch_svdd": {
        "side": 128,
        "width": 8,
        "latent": 4,
        "stride": 8,
        "svdd_weight": 0.0,
        "crop": 128,
    },
    "students": {"patch": 33, "students": 1, "width": 8},
    "vae_grad": {"side": 32, "latent": 4, "steps": 10, "step_size": 0.1, "l1_weight": 0.5},
}
"""What the knobs that only some methods have are turned to."""
COMMON = {"budget", "epochs", "patience", "device", "seed", "sigma_px"}
"""Those that tests/test_training_networks.py tries on one method, besides the seed."""
WRONG = {
    "loss": ["l1", None],
    "window": [1, 4, 2.5],
    "side": [-1, 20, 2.5],
    "latent": [0, 10**6],
    "criterion": ["entropy", None],
    "noise": [0.0, float("nan"), True],
    "width": [-1, 2001, 1.5],
    "crop": [0, 127, 2.5],
    "stride": [-1, 5, 32, 2.5],
    "svdd_weight": [-1.0, float("nan"), True],
    "blocks": [0, 2.5],
    "hidden": [-1, None],
    "patch": [16, 64, 33.5],
    "students": [0, 65, 1.5],
    "steps": [0, 2.5],
    "step_size": [0.0, float("nan"), True],
    "l1_weight": [-1.0, float("inf"), None],
    "sigma_px": [-1.0, float("inf"), None],
    "budget": ["long", None],
    "epochs": [-1, True],
    "patience": [-1, 0.5],
    "device": ["tpu", 0],
    "seed": [-1, 1.5],
}


def pictures(n: int, seed: int, planted: tuple[int, int] | None = None) -> Features:
    """Pixels of 64 x 64 with a pattern and noise, which half precision holds as they are.

    `planted` is the corner of a white square.
    """
    rng, places = np.random.default_rng(seed), np.random.default_rng(99)
    pattern = places.uniform(0.1, 0.6, (1, 3, 8, 8)).repeat(8, 2).repeat(8, 3)
    pixels = (pattern + 0.05 * rng.random((n, 3, 64, 64))).astype(np.float16).astype(np.float32)
    if planted:
        pixels[:, :, planted[0] : planted[0] + 16, planted[1] : planted[1] + 16] = 1
    return Features((pixels,), np.ones((n, 64, 64), bool))


def seen(name: str, given: Features) -> Features:
    """What a method sees of pictures: pixels, two levels that depend on them, or all three."""
    if on_pixels(name):
        return given
    levels = []
    for depth, cells in ((5, 16), (7, 8)):
        mix = np.random.default_rng(depth).normal(size=(depth, 3)).astype(np.float32)
        means = average(given.maps[0], (cells, cells))
        level = np.maximum(np.einsum("dc,nchw->ndhw", mix, means), 0)
        levels.append(level.astype(np.float16).astype(np.float32))
    if name == "students":
        return Features((*given.maps, *levels), given.valid, given.first)
    valid = np.stack([average(one, (16, 16)) >= 0.5 for one in given.valid])
    return Features(tuple(levels), valid, given.first)


def on_pixels(name: str) -> bool:
    return default_backbone(METHODS[name]) == "pixels"


def small(name: str, **knobs):
    return METHODS[name](**{"budget": "hand", "epochs": 2, **SMALL[name], **knobs})


@pytest.fixture(scope="module", params=TRAINED)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def given(name):
    """The pictures of the fit."""
    return seen(name, pictures(12, 0))


@pytest.fixture(scope="module")
def detector(name, given):
    return small(name, patience=5).fit([given], silent)


def halves(whole: Features) -> list[Features]:
    parts = (slice(0, 5), slice(5, len(whole)))
    return [
        Features(tuple(level[p] for level in whole.maps), whole.valid[p], p.start) for p in parts
    ]


def answer(name: str, given: Features, query: Features, **knobs) -> dict[str, np.ndarray]:
    """What torch answers after an epoch: a fit checks that its export answers the same."""
    method = small(name, epochs=1, **knobs)
    recipe, side = method.recipe(), getattr(method, "side", 0)
    inputs, asked = (
        gather_pixels([seen(name, one)], side) if side else gather_levels([seen(name, one)])
        for one in (given, query)
    )
    networks, _ = fit_networks(method, inputs, [given], recipe, silent)
    return torch_outputs(networks, recipe.score, asked)


def test_a_stopped_training_on_other_batches_ends_as_one_that_was_not(name, given, detector):
    """It takes up where it was, whatever the batches, and leaves torch's random numbers alone."""
    store, told, before = InMemoryFeatureStore(), [], torch.get_rng_state()
    for batch in halves(given):
        store.put(batch)

    def interrupt(stage: str, done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small(name, patience=5).fit(store, interrupt)
    again = small(name, patience=5).fit(store, lambda *step: told.append(step)).arrays()
    assert told[0] == told[-1] == ("training", 2, 2)  # the first epoch was not trained again
    assert torch.equal(before, torch.get_rng_state())
    assert again["losses"].shape[0] == 3
    for key, array in detector.arrays().items():
        assert np.array_equal(array, again[key]), key


def test_a_training_leaves_its_pictures_as_they_are(name, given, detector):
    for level, fresh in zip(given.maps, seen(name, pictures(12, 0)).maps, strict=True):
        assert np.array_equal(level, fresh)


def test_scores_have_the_shapes_and_the_order_they_must(name, detector):
    scores = detector.score(seen(name, pictures(3, 1)))
    assert (scores.image.shape, scores.image.dtype) == ((3,), np.float32)
    assert np.isfinite(scores.image).all()
    assert scores.image.min() >= 0
    h, w = scores.grid.shape[1:]
    assert scores.grid.shape == scores.nearest.shape == scores.valid.shape == (3, h, w)
    assert (scores.grid.dtype, scores.nearest.dtype) == (np.float32, np.int32)
    assert tuple(map(len, scores.centres)) == (h, w)
    assert [list(axis) for axis in scores.centres] == [sorted(axis) for axis in scores.centres]
    if not h:
        assert detector.sigma_px == 0


def test_a_planted_defect_is_where_the_map_changes_most(name, detector):
    before, after = (
        detector.score(seen(name, pictures(1, 2, place))).grid[0] for place in (None, (40, 8))
    )
    grid = np.abs(after - before)
    if grid.size:
        row, column = (np.argwhere(grid == grid.max())[0] + 0.5) / grid.shape
        assert 40 / 64 - 0.1 <= row <= 56 / 64 + 0.1
        assert 8 / 64 - 0.1 <= column <= 24 / 64 + 0.1


def test_alone_is_as_in_a_batch(name, detector):
    several = [pictures(1, seed, planted=(8 * seed, 8)) for seed in range(3)]
    maps = (np.concatenate([one.maps[0] for one in several]),)
    batch = detector.score(seen(name, Features(maps, np.ones((3, 64, 64), bool))))
    for index, one in enumerate(several):
        alone = detector.score(seen(name, one))
        assert alone.image[0] == batch.image[index]
        assert np.array_equal(alone.grid[0], batch.grid[index])


def test_arrays_rebuild_an_equal_detector_and_wrong_ones_are_refused(name, detector):
    arrays = detector.arrays()
    again = small(name).restore(arrays)
    query = seen(name, pictures(2, 3))
    assert np.array_equal(again.score(query).image, detector.score(query).image)
    assert (again.facts(), again.sigma_px) == (detector.facts(), detector.sigma_px)
    for key, array in arrays.items():
        for wrong in (array[None], array.astype(np.complex64), array[:0]):
            with pytest.raises(ValueError, match=r"must .*; got"):
                small(name).restore(arrays | {key: wrong})


def test_what_is_not_looked_at_changes_nothing(name, detector):
    given = pictures(1, 4)
    valid = given.valid.copy()
    valid[:, :16] = False
    masked = replace(given, valid=valid)
    other = given.maps[0].copy()
    other[:, :, :16] = 0.9
    both = (masked, replace(masked, maps=(other,)))
    ours, theirs = (detector.score(seen(name, one)) for one in both)
    assert ours.image[0] == theirs.image[0]
    assert np.array_equal(ours.grid, theirs.grid)
    if ours.grid.size:
        rows = ours.grid.shape[1] // 4
        assert not ours.valid[:, :rows].any()
        assert ours.valid[:, rows:].all()
        assert (ours.grid[~ours.valid] == 0).all()


@pytest.mark.parametrize("count", [1, 3])
def test_few_pictures_all_alike_give_finite_scores(name, count):
    alike = Features((pictures(1, 0).maps[0].repeat(count, 0),), np.ones((count, 64, 64), bool))
    for values in answer(name, alike, pictures(1, 1)).values():
        assert np.isfinite(values).all()


def test_what_cannot_be_trained_on_is_refused(name):
    with pytest.raises(ValueError, match="fit must have at least one picture; got none"):
        small(name).fit([], silent)
    levels = seen("differnet", pictures(1, 0))
    if name != "differnet":
        with pytest.raises(ValueError, match=r"must .* --(backbone|levels) pixels.*; got .* 5, 7"):
            small(name).fit([levels], silent)


def test_other_shapes_than_at_the_fit_are_refused_or_brought_to_it(name, detector):
    wide = Features((np.zeros((1, 3, 48, 96), np.float32),), np.ones((1, 48, 96), bool))
    if on_pixels(name):
        assert np.isfinite(detector.score(wide).image).all()
        return
    given = seen(name, pictures(1, 0))
    wider = replace(given, maps=tuple(level.repeat(2, axis=3) for level in given.maps))
    with pytest.raises(ValueError, match=r"inputs must be as at the fit, .*; got"):
        detector.score(replace(wider, valid=given.valid.repeat(2, axis=2)))


def test_every_knob_changes_the_answer(name):
    own = {field.name for field in fields(METHODS[name])}
    assert set(TURNED[name]) == own - COMMON
    given, query = pictures(3, 0), pictures(1, 3, (16, 16))
    ours = answer(name, given, query)
    assert all(
        np.array_equal(ours[key], array) for key, array in answer(name, given, query).items()
    )
    for knob, turned in ({"seed": 1} | TURNED[name]).items():
        theirs = answer(name, given, query, **{knob: turned})
        assert any(not np.array_equal(ours[key], array) for key, array in theirs.items()), knob


def test_bad_values_name_the_knob(name):
    for field in fields(METHODS[name]):
        for value in WRONG[field.name]:
            with pytest.raises(ValueError, match=f"{field.name} must be .*; got"):
                METHODS[name](**{"budget": "hand", field.name: value})


def test_a_loss_that_is_not_finite_is_an_error(name):
    broken = pictures(12, 0)
    broken.maps[0][3, 0, 5] = np.nan
    with pytest.raises(TrainingError, match="must stay finite; it was nan in epoch 1; train"):
        small(name).fit([seen(name, broken)], silent)


def test_a_file_is_inspected_without_torch(tmp_path):
    np.save(tmp_path / "picture.npy", part(50, defect=True))
    scores = []
    for name in SMALL:
        good = [part(seed) for seed in range(3)]
        fitted = goldensample.fit(
            good, method=small(name), preparation=Preparation((64, 64)), false_alarms=None
        )
        goldensample.save(fitted, tmp_path / f"{name}.golden")
        scores.append(fitted.inspect(part(50, defect=True)).score)
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np, goldensample as golden\n"
        "picture = np.load(sys.argv[1] + '/picture.npy')\n"
        "for name in sys.argv[2:]:\n"
        "    print(golden.load(f'{sys.argv[1]}/{name}.golden').inspect(picture).score)\n"
    )
    words = [sys.executable, "-W", "error", "-c", code, str(tmp_path), *SMALL]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == scores


@pytest.fixture(scope="module")
def bottles(shared):
    """Twenty good bottles."""
    paths = sorted((shared / "data/mvtec_ad/bottle/train/good").iterdir())[:20]
    return goldensample.read_images([str(path) for path in paths])


@pytest.mark.real
def test_it_learns_real_bottles(name, bottles, shared):
    """Figures of whole trainings are in docs/benchmarks."""
    few_steps = METHODS[name](budget="quick").recipe().schedule.batch > 4
    fitted = goldensample.fit(
        bottles,
        method=small(name, epochs=10 if few_steps else 2),
        preparation=Preparation((64, 64)),
        false_alarms=None,
    )
    before, after = fitted.detector.losses[[0, -1]]
    assert (after < before).any()  # a generator and its discriminator gain at each other's cost
    odd = shared / "data/mvtec_ad/bottle/test/broken_large/000.png"
    inspection = fitted.inspect(goldensample.read_images([str(odd)])[0])
    assert np.isfinite(inspection.score)
    assert inspection.heat_map is None or inspection.heat_map.max() > 0

"""Metrics equal slow references, and scikit-learn where it has them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import auroc_loop, average_precision_loop, best_f1_loop, bootstrap_loop, pro_loop

from goldensample.evaluation import metrics
from goldensample.evaluation.pixel_metrics import PixelCurve, PixelTally

few = settings(max_examples=30, derandomize=True, deadline=None, database=None)
slow = settings(few, max_examples=6)  # the exact PRO goes through every score


@st.composite
def labelled_scores(draw) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties, negative ones too, in which both kinds occur."""
    pairs = draw(st.lists(st.tuples(st.integers(-5, 9), st.booleans()), min_size=1, max_size=40))
    pairs += [(draw(st.integers(-5, 9)), kind) for kind in (False, True)]
    scores, labels = zip(*pairs, strict=True)
    return np.array(scores) / draw(st.sampled_from([1.0, 3.0, 1e6])), np.array(labels)


@few
@given(labelled_scores())
def test_image_figures(case):
    known = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    scores, labels = case
    area = metrics.auroc(scores, labels)
    assert area == pytest.approx(auroc_loop(scores, labels), abs=1e-12)
    assert area == pytest.approx(known.roc_auc_score(labels, scores), abs=1e-12)
    false, true = metrics.roc(scores, labels)
    assert np.trapezoid(true, false) == pytest.approx(area)
    average = metrics.average_precision(scores, labels)
    assert average == pytest.approx(average_precision_loop(scores, labels), abs=1e-12)
    assert average == pytest.approx(known.average_precision_score(labels, scores), abs=1e-12)
    best = metrics.best_f1(scores, labels)
    assert (best.f1, best.threshold) == pytest.approx(best_f1_loop(scores, labels))
    precision, recall, _ = known.precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    assert best.f1 == pytest.approx(f1.max(), abs=1e-9)
    called = scores >= best.threshold
    assert best.false_positive == (called & ~labels).sum()
    assert best.false_negative == (~called & labels).sum()


def test_image_figures_by_hand():
    assert metrics.auroc(np.array([1, 2, 2, 3]), np.array([0, 0, 1, 1])) == 0.875
    assert metrics.average_precision(np.array([1, 2, 3, 4]), np.array([1, 0, 0, 1])) == 0.75
    # ties are called together: both at precision 1/2
    assert metrics.average_precision(np.array([1, 1]), np.array([0, 1])) == 0.5


def test_one_kind_alone_is_refused():
    one = np.array([True, True])
    for figure in (metrics.auroc, metrics.average_precision, metrics.best_f1, metrics.roc):
        with pytest.raises(ValueError, match="both good and defect pictures"):
            figure(np.array([1.0, 2.0]), one)
    with pytest.raises(ValueError, match="both good and defect pictures"):
        metrics.bootstrap(np.array([1.0, 2.0]), one, metrics.auroc)


def scored(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.random(n) < 0.4
    return rng.normal(labels * 1.0, 1), labels


@pytest.mark.parametrize("figure", [metrics.auroc, metrics.average_precision])
def test_bootstrap_agrees_with_other_draws(figure):
    scores, labels = scored(60)
    low, high = metrics.bootstrap(scores, labels, figure, level=0.8)
    assert (low, high) == pytest.approx(bootstrap_loop(scores, labels, figure, 1000, 0.8), abs=0.02)
    assert low < figure(scores, labels) < high


def test_bootstrap_hangs_on_the_seed_alone():
    scores, labels = scored(60)
    first, again, other = (
        metrics.bootstrap(scores, labels, metrics.auroc, seed, draws=50) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_bootstrap_by_hand():
    # told apart in every draw, whichever pictures are drawn
    assert metrics.bootstrap(np.arange(4), np.arange(4) > 1, metrics.auroc, draws=20) == (1, 1)


@pytest.mark.parametrize("wrong", [{"draws": 0}, {"level": 1.0}, {"level": 0.0}])
def test_bootstrap_refuses_other_settings(wrong):
    with pytest.raises(ValueError, match="draws must be at least 1 and level in"):
        metrics.bootstrap(np.arange(4), np.arange(4) > 1, metrics.auroc, **wrong)


def made_maps(
    seed: int, negative: bool = False, ties: bool = False
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Four maps whose range grows, so that bins are merged; masks of 0 to 3 regions."""
    rng = np.random.default_rng(seed)
    maps, masks = [], []
    for k in range(4):
        size_hw = (int(rng.integers(8, 16)), int(rng.integers(8, 16)))
        mask = rng.random(size_hw) < k * 0.05  # some touch by a corner: one region
        if k == 3:
            mask[2:6, 3:7] = True
        values = rng.random(size_hw) + mask * rng.random() * 0.8
        values = np.round(values, 1) if ties else values
        maps.append((values - negative * 0.4).astype(np.float32) * (1 + k))
        masks.append(mask)
    return maps, masks


def counted(maps: list[np.ndarray], masks: list[np.ndarray]) -> PixelCurve:
    tally = PixelTally()
    for values, mask in zip(maps, masks, strict=True):
        tally.add(values, mask)
    return tally.curve()


@slow
@given(st.integers(0, 10**6), st.booleans(), st.booleans(), st.sampled_from([0.05, 0.3, 1.0]))
def test_pixel_figures_are_within_their_bounds(seed, negative, ties, limit):
    known = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    maps, masks = made_maps(seed, negative, ties)
    curve = counted(maps, masks)
    scores = np.concatenate([m.ravel() for m in maps])
    labels = np.concatenate([m.ravel() for m in masks])
    precision, recall, _ = known.precision_recall_curve(labels, scores)
    exact = [
        (curve.auroc(), known.roc_auc_score(labels, scores)),
        (curve.average_precision(), known.average_precision_score(labels, scores)),
        (curve.best_f1(), (2 * precision * recall / (precision + recall + 1e-12)).max()),
        (curve.pro(limit), pro_loop(maps, masks, limit)),
    ]
    for found, value in exact:
        assert abs(found.value - value) <= found.error + 1e-9
        assert found.error < 2e-3 or ties  # the bound cannot know which ties are true ones


@slow
@given(st.integers(0, 10**6))
def test_bounds_hold_where_nearly_all_scores_share_a_bin(seed):
    known = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    maps, masks = made_maps(seed)
    maps[3][0, 0] = 1e5  # one pixel takes all the range: some ten bins are left for the others
    curve = counted(maps, masks)
    scores = np.concatenate([m.ravel() for m in maps])
    labels = np.concatenate([m.ravel() for m in masks])
    exact = [
        (curve.auroc(), known.roc_auc_score(labels, scores)),
        (curve.average_precision(), known.average_precision_score(labels, scores)),
        (curve.best_f1(), best_f1_loop(scores, labels)[0]),
        (curve.pro(0.3), pro_loop(maps, masks, 0.3)),
        (curve.pro(0.05), pro_loop(maps, masks, 0.05)),
    ]
    for found, value in exact:
        assert abs(found.value - value) <= found.error + 1e-9
        assert found.error > 1e-3


@slow
@given(st.integers(0, 10**6), st.sampled_from([1e4, -3e4]), st.sampled_from([0.01, 1e-6]))
def test_scores_far_from_0_with_little_spread(seed, middle, spread):
    known = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    maps, masks = made_maps(seed)
    maps = [middle + spread * values.astype(np.float64) for values in maps]
    curve = counted(maps, masks)
    scores = np.concatenate([m.ravel() for m in maps])
    labels = np.concatenate([m.ravel() for m in masks])
    exact = [
        (curve.auroc(), known.roc_auc_score(labels, scores)),
        (curve.pro(0.3), pro_loop(maps, masks, 0.3)),
    ]
    for found, value in exact:
        assert abs(found.value - value) <= found.error + 1e-9
        assert found.error < 2e-3


@few
@given(st.integers(0, 10**6), st.booleans(), st.permutations(range(4)))
def test_the_order_of_pictures_does_not_matter(seed, negative, order):
    maps, masks = made_maps(seed, negative)
    maps[0] = np.abs(maps[0])  # with negative ones, the range is extended on the way
    first = counted(maps, masks)
    other = counted([maps[k] for k in order], [masks[k] for k in order])
    assert np.array_equal(first.false, other.false)
    assert np.array_equal(first.true, other.true)
    assert np.allclose(first.overlap, other.overlap, rtol=0, atol=1e-12)


def test_pixel_figures_by_hand():
    # one region of 2 pixels scored 3 and 1, good pixels 2, 0, 0, 0
    mask = np.array([[1, 1, 0], [0, 0, 0]], bool)
    curve = counted([np.array([[3, 1, 0], [2, 0, 0]], np.float32)], [mask])
    # overlap over false positive rate: (0, .5) -> (.25, .5) -> (.25, 1) -> (1, 1)
    assert curve.pro(0.25).value == pytest.approx(0.5)
    assert curve.pro(0.5).value == pytest.approx((0.125 + 0.25) / 0.5)
    assert curve.pro(1.0).value == pytest.approx(0.125 + 0.75)
    assert curve.auroc().value == 7 / 8
    assert curve.average_precision().value == pytest.approx((1 + 2 / 3) / 2)
    assert curve.best_f1().value == pytest.approx(4 / 5)
    assert curve.auroc().error == 0


def test_bounds_by_hand():
    # all pixels share the bin of 0: half of the one true pair of ranks is not known
    mask = np.array([[True, False]])
    curve = counted([np.zeros((1, 2), np.float32)], [mask])
    assert (curve.auroc().value, curve.auroc().error) == (0.5, 0.5)
    assert (curve.pro(1.0).value, curve.pro(1.0).error) == (0.5, 0.5)
    assert (curve.average_precision().value, curve.average_precision().error) == (0.5, 0.5)
    assert curve.best_f1().value == pytest.approx(2 / 3)
    assert curve.best_f1().error == pytest.approx(1 / 3)


def test_a_map_that_is_the_same_everywhere_has_one_threshold():
    mask = np.zeros((10, 10), bool)
    mask[:2] = True
    curve = counted([np.full((10, 10), 7, np.float32)], [mask])
    assert curve.auroc().value == 0.5
    assert curve.average_precision().value == 0.2  # the share of defect pixels
    assert curve.best_f1().value == pytest.approx(2 * 20 / (100 + 20))
    for limit in (0.05, 0.3):
        assert curve.pro(limit).value == pytest.approx(limit / 2)


def test_pictures_without_a_marked_pixel():
    values, nothing = np.arange(4, dtype=np.float32).reshape(2, 2), np.zeros((2, 2), bool)
    with pytest.raises(
        ValueError, match="both good and defect pixels must occur; got 4 good and 0"
    ):
        counted([values], [nothing])
    with pytest.raises(
        ValueError, match="both good and defect pixels must occur; got 0 good and 4"
    ):
        counted([values], [~nothing])
    one = np.array(
        [[False, False], [False, True]]
    )  # an empty mask beside it: four good pixels more
    assert counted([values, values], [one, nothing]).auroc().value == (3 + 3 + 0.5) / 7


def test_groups_are_told_apart():
    maps, masks = made_maps(5)
    tally = PixelTally()
    for name, values, mask in zip((None, "a", "b", "a"), maps, masks, strict=True):
        tally.add(values, mask, name)
    assert tally.marked == {"a", "b"}
    some = [0, 1, 3]
    alone = counted([maps[k] for k in some], [masks[k] for k in some])
    assert np.array_equal(tally.curve(None, "a").true, alone.true)
    assert np.array_equal(tally.curve().false, counted(maps, masks).false)


def test_other_maps_are_refused():
    tally, mask = PixelTally(), np.eye(2, dtype=bool)
    for wrong in (np.nan, np.inf):
        with pytest.raises(ValueError, match="must be finite"):
            tally.add(np.full((2, 2), wrong, np.float32), mask)
    with pytest.raises(ValueError, match=r"must agree; got \(2, 3\) and \(2, 2\)"):
        tally.add(np.zeros((2, 3), np.float32), mask)
    with pytest.raises(ValueError, match="both good and defect pixels"):
        tally.curve()
    tally.add(np.zeros((2, 2), np.float32), mask)
    with pytest.raises(ValueError, match="both good and defect pixels"):
        tally.curve("scratch")
    with pytest.raises(ValueError, match=r"limit must be in \(0, 1\]; got 0"):
        tally.curve().pro(0)

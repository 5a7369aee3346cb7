"""Metrics equal slow references, and scikit-learn where it has them."""

import numpy as np
import pytest
from references import auroc_loop, best_f1_loop, pro_loop

from goldensample import metrics


def scored(n: int, seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.random(n) < 0.4
    scores = rng.normal(labels * 1.0, 1)
    return (np.round(scores, 1) if ties else scores), labels


@pytest.mark.parametrize("ties", [False, True])
def test_image_figures(ties):
    sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    for seed in range(5):
        scores, labels = scored(150, seed, ties)
        area = metrics.auroc(scores, labels)
        assert area == pytest.approx(auroc_loop(scores, labels), abs=1e-12)
        assert area == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores), abs=1e-12)
        best = metrics.best_f1(scores, labels)
        assert (best.f1, best.threshold) == pytest.approx(best_f1_loop(scores, labels))
        called = scores >= best.threshold
        assert best.false_positive == (called & ~labels).sum()
        assert best.false_negative == (~called & labels).sum()
        false, true = metrics.roc(scores, labels)
        assert np.trapezoid(true, false) == pytest.approx(area)


def test_auroc_by_hand():
    assert metrics.auroc(np.array([1, 2, 2, 3]), np.array([0, 0, 1, 1])) == 0.875


def test_one_kind_alone_is_refused():
    with pytest.raises(ValueError, match="both good and defect"):
        metrics.auroc(np.array([1.0, 2.0]), np.array([True, True]))


def made_maps(seed: int, size: int = 24) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    maps, masks = [], []
    for k in range(4):
        mask = np.zeros((size, size), bool)
        if k:
            mask[2 : 3 + k, 3:7] = True
            mask[15:19, 10 : 11 + k] = True
            mask[19, 11 + k] = True  # touches by a corner: one region with 8 neighbours
        values = rng.random((size, size)) + mask * rng.random() * 0.8
        maps.append(values.astype(np.float32) * (1 + k))  # the range grows: bins are merged
        masks.append(mask)
    return maps, masks


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pixel_figures(seed):
    sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    maps, masks = made_maps(seed)
    tally = metrics.PixelTally()
    for values, mask in zip(maps, masks, strict=True):
        tally.add(values, mask)
    scores = np.concatenate([m.ravel() for m in maps])
    labels = np.concatenate([m.ravel() for m in masks])
    assert tally.auroc() == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores), abs=1e-5)
    for limit in (0.05, 0.3, 1.0):
        assert tally.pro(limit) == pytest.approx(pro_loop(maps, masks, limit), abs=2e-4)


def test_order_of_pictures_changes_little():
    maps, masks = made_maps(0)
    forward, backward = metrics.PixelTally(), metrics.PixelTally()
    for k in range(4):
        forward.add(maps[k], masks[k])
        backward.add(maps[3 - k], masks[3 - k])
    assert forward.auroc() == pytest.approx(backward.auroc(), abs=1e-5)


def test_pro_by_hand():
    # one region of 2 pixels scored 3 and 1, good pixels 2, 0, 0, 0: half the region is found at
    # rate 0, then from rate 1/4 on, all of it after the good pixel: (1/4·1/2 + ...)
    tally = metrics.PixelTally()
    tally.add(np.array([[3, 1, 0], [2, 0, 0]], np.float32), np.array([[1, 1, 0], [0, 0, 0]], bool))
    # curve: (0, .5) -> (.25, .5) -> (.25, 1) -> (1, 1); up to .25: .125 / .25
    assert tally.pro(0.25) == pytest.approx(0.5, abs=1e-6)
    assert tally.pro(1.0) == pytest.approx(0.125 + 0.75, abs=1e-6)


def test_maps_of_zeros_are_counted():
    tally = metrics.PixelTally()
    tally.add(np.zeros((4, 4), np.float32), np.eye(4, dtype=bool))
    assert tally.auroc() == 0.5

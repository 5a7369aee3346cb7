"""Comparisons of methods: known values, simulations, and the command on raw results."""

import json

import numpy as np
import pytest
from commands import golden
from references import pro_loop
from scipy.stats import permutation_test

from goldensample.bench import rank_figure
from goldensample.evaluation import comparison
from goldensample.evaluation.metrics import auroc
from goldensample.evaluation.picture_curves import CurveTally, PictureCurves


def maps(labels: np.ndarray, contrast: float, seed: int) -> tuple[list, list]:
    """Maps of pictures, of which every defect has a region or two, and their masks."""
    rng, values, masks = np.random.default_rng(seed), [], []
    for k, defect in enumerate(labels):
        mask = np.zeros((16, 18), bool)
        if defect:
            mask[2:6, 3:7] = True
            mask[9:12, 9 : 11 + k % 5] = True
        values.append((rng.gamma(9, 0.1, mask.shape) + contrast * mask).astype(np.float32))
        masks.append(mask)
    return values, masks


def curves(labels: np.ndarray, contrast: float, seed: int) -> PictureCurves:
    tally = CurveTally()
    for values, mask in zip(*maps(labels, contrast, seed), strict=True):
        tally.add(values, mask)
    return tally.curves(len(labels))


def scored(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, and the scores of two methods that agree in part."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2 == 1
    common = rng.normal(labels * 1.0, 1)
    return labels, common + rng.normal(0, 0.7, count), common + rng.normal(0, 0.7, count)


def slow_variance(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> float:
    """DeLong's variance of the difference, pair by pair."""
    placed = []
    for scores in (first, second):
        above = scores[labels][:, None] - scores[~labels]
        placed.append((above > 0) + 0.5 * (above == 0))
    pairs = placed[0] - placed[1]
    return pairs.mean(axis=1).var(ddof=1) / len(pairs) + pairs.mean(axis=0).var(ddof=1) / len(
        pairs.T
    )


def test_delong_is_its_slow_form():
    labels, first, second = scored(0)
    first = np.round(first, 1)  # with ties
    found = comparison.delong(first, second, labels)
    assert found.value == pytest.approx(auroc(first, labels) - auroc(second, labels))
    reach = 1.959964 * slow_variance(first, second, labels) ** 0.5
    assert found.interval == pytest.approx((found.value - reach, found.value + reach))


def test_delong_keeps_its_level():
    found = [comparison.delong(*scored(seed)[1:], scored(seed)[0]).p_value for seed in range(400)]
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_two_perfect_methods_do_not_differ():
    labels = np.arange(8) > 3
    found = comparison.delong(np.arange(8.0), np.arange(8.0) ** 2, labels)
    assert (found.value, found.p_value) == (0, 1)
    with pytest.raises(ValueError, match="two pictures of each class"):
        comparison.delong(np.arange(3.0), np.arange(3.0), np.arange(3) > 1)


def test_f1_by_a_paired_bootstrap_agrees_with_swapping_the_methods():
    labels, first, second = scored(3)
    second = second - labels * 1.5  # worse
    found = comparison.f1_difference(first, second, labels)
    assert found.interval[0] > 0
    assert found.p_value < 0.05
    swapped = permutation_test(
        (first, second),
        lambda a, b: comparison.best_f1(a, labels).f1 - comparison.best_f1(b, labels).f1,
        permutation_type="samples",
        n_resamples=300,
        rng=np.random.default_rng(0),
    )
    assert swapped.pvalue < 0.05
    assert comparison.f1_difference(first, first, labels).p_value == 1


@pytest.mark.parametrize("limit", [0.3, 0.05])
def test_pro_of_a_draw_is_that_of_its_pictures(limit):
    labels = np.arange(20) % 2 == 1
    kept = PictureCurves.from_json(json.loads(json.dumps(curves(labels, 0.5, 3).as_json())))
    values, masks = maps(labels, 0.5, 3)
    rng = np.random.default_rng(0)
    draws = [np.arange(20), *(np.sort(rng.integers(0, 20, 20)) for _ in range(3))]
    times = np.stack([np.bincount(draw, minlength=20) for draw in draws])
    for found, draw in zip(kept.pro(times, limit), draws, strict=True):
        exact = pro_loop([values[k] for k in draw], [masks[k] for k in draw], limit)
        assert found == pytest.approx(exact, abs=0.01)
    assert kept.of([3, 0]).pro(np.ones((1, 2)), limit) == kept.pro(
        np.eye(20)[[3]] + np.eye(20)[[0]], limit
    )


@pytest.mark.parametrize(("offset", "factor"), [(1000, 1), (-3, 1), (0, 1e6)])
def test_the_scale_of_a_map_does_not_matter(offset, factor):
    values, masks = maps(np.arange(20) % 2 == 1, 0.5, 3)
    found = []
    for moved in (lambda one: one, lambda one: one * np.float32(factor) + np.float32(offset)):
        tally = CurveTally()
        for one, mask in zip(values, masks, strict=True):
            tally.add(moved(np.round(one * 64) / 64), mask)
        found.append(tally.curves(20).pro(np.ones((1, 20)))[0])
    assert found[0] == pytest.approx(found[1], abs=1e-9)


def test_what_has_no_pro():
    tally = CurveTally()
    tally.add(-np.ones((2, 2), np.float32), np.zeros((2, 2), bool))
    assert tally.curves(1) is None  # no region
    tally.add(np.array([[-2, -1], [0, 3]], np.float32), np.array([[0, 0], [0, 1]], bool))
    assert tally.curves(3) is None  # one without a map
    assert tally.curves(2).pro(np.ones((1, 2))) == 1


def test_pro_by_a_paired_bootstrap():
    labels = np.arange(40) % 2 == 1
    good, worse = curves(labels, 0.5, 1), curves(labels, 0.3, 1)
    found = comparison.pro_difference(good, worse)
    assert found.interval[0] > 0
    assert found.p_value <= 0.002
    same = comparison.pro_difference(good, good)
    assert (same.value, same.p_value) == (0, 1)
    alike = [
        comparison.pro_difference(curves(labels, 0.4, 2 * k), curves(labels, 0.4, 2 * k + 1), 200)
        for k in range(60)
    ]
    assert np.mean([one.p_value < 0.05 for one in alike]) < 0.15  # nothing to find


def test_mcnemar_by_hand():
    labels = np.array([False] * 6 + [True] * 6)
    first = np.where(labels, 1.0, 0.0)
    second = first.copy()
    second[:5] = 2.0  # five good pictures above every defect
    found = comparison.mcnemar(first, second, labels)
    assert (found.first, found.second) == (0, 5)
    assert found.p_value == pytest.approx(2 / 2**5)
    assert comparison.mcnemar(first, first, labels).p_value == 1


def test_holm_by_hand():
    assert comparison.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert comparison.holm([0.9, 0.8]) == [1.0, 1.0]


def test_a_ranking_by_hand():
    values = np.array([[0.9, 0.8, 0.7], [0.9, 0.7, 0.8], [0.9, 0.8, 0.7], [0.9, 0.8, 0.8]])
    found = comparison.ranking(values)
    assert found.ranks == (1.0, 2.375, 2.625)
    # Demšar's table: q = 2.343 for three methods at 5 %
    assert found.critical == pytest.approx(2.343 * (3 * 4 / (6 * 4)) ** 0.5, abs=1e-3)
    assert found.p_value < 0.1
    assert comparison.ranking(np.full((3, 3), 0.5)).p_value == 1


@pytest.fixture
def raw(tmp_path):
    """Raw results of three methods on two categories."""
    for number, method in enumerate(("near", "far", "none")):
        for seed, category in enumerate(("bottle", "cable")):
            labels, first, second = scored(seed)
            scores = (first, second - labels, np.zeros(60))[number]
            content = {
                "specification": {"data_set": "d", "category": category},
                "pictures": {
                    "name": [f"{k}.png" for k in range(60)],
                    "defect": labels.tolist(),
                    "score": scores.tolist(),
                },
            }
            if method != "none":
                content["curves"] = curves(labels, (0.5, 0.0)[number], seed).as_json()
            (tmp_path / f"{category}.{method}.json").write_text(json.dumps(content))
    return tmp_path


def test_the_command(raw):
    patterns = [str(raw / f"*.{name}.json") for name in ("near", "far", "none")]
    done = golden("compare", *patterns)
    assert done.returncode == 0, done.stderr
    assert "ranks closer than" in done.stdout
    rows = [json.loads(line) for line in golden("compare", *patterns, "--json").stdout.splitlines()]
    assert len(rows) == 3 * 2 + 1
    for test in ("auroc_difference", "pro_difference", "f1_difference", "mistakes"):
        assert rows[0][test]["p_holm"] >= rows[0][test]["p_value"]
    assert rows[0]["pro_difference"]["value"] > 0
    assert rows[-1]["ranks"][0] == 1
    twice = golden("compare", str(raw / "*.json"), patterns[0])
    assert twice.returncode != 0
    assert "must have one result a category" in twice.stderr


def test_the_figure_of_ranks(raw):
    patterns = [str(raw / f"*.{name}.json") for name in ("near", "far", "none")]
    for ending in ("svg", "pdf", "png"):
        done = golden("compare", *patterns, "-o", raw / f"ranks.{ending}")
        assert done.returncode == 0, done.stderr
    drawn = (raw / "ranks.svg").read_bytes()
    assert b"<svg" in drawn
    assert golden("compare", *patterns, "-o", raw / "ranks.svg").returncode == 0
    assert (raw / "ranks.svg").read_bytes() == drawn
    two = golden("compare", *patterns[:2], "-o", raw / "two.svg")
    assert two.returncode == 2
    assert "three methods or more on two categories or more; there are 2 on 2" in two.stderr
    assert "must end in .svg" in golden("compare", *patterns, "-o", raw / "two.txt").stderr


def test_ranks_that_are_not_told_apart_share_a_bar():
    assert rank_figure.alike([4, 1, 2.2, 1.5], 1) == [(1, 1.5), (1.5, 2.2)]
    assert rank_figure.alike([1, 2, 3], 5) == [(1, 3)]
    assert rank_figure.alike([1, 2, 3], 0.5) == []
    assert rank_figure.alike([2, 2, 2], 1) == [(2, 2)]


def test_names_of_the_figure():
    names = ["raw/d.*.padim.*", "raw/d.*.patchcore.*"]
    assert rank_figure.short_names(names) == ["padim", "patchcore"]
    assert rank_figure.short_names(["a.json", "b/a.json"]) == ["a.json", "a.json"]


def test_results_of_other_pictures(raw):
    path = raw / "bottle.far.json"
    content = json.loads(path.read_text())
    content["pictures"]["name"][0] = "another.png"
    path.write_text(json.dumps(content))
    done = golden("compare", raw / "bottle.near.json", path)
    assert done.returncode == 2
    assert "results must be of the same pictures; those of d/bottle are not" in done.stderr

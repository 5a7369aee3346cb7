"""On real pictures and weights, where they lie beside the project.

The figures in benchmarks/results come from benchmarks/main_job.py; here are the floors
below which a change must not fall.
"""

from pathlib import Path

import numpy as np
import pytest
from conftest import check_batch, fit
from references import greedy_loop

from goldensample import PatchCore, Preparation, evaluate, open_backbone, read_images
from goldensample.coreset import greedy, projection
from goldensample.features.extraction import as_picture, extract
from goldensample.methods.bank import open_source
from goldensample.records import silent
from goldensample.runners import local_runner

pytestmark = pytest.mark.real
PAPER_SQUARE = Preparation((256, 256), "stretch", (224, 224))


@pytest.fixture(scope="module")
def resnet18(shared):
    pytest.importorskip("timm", reason="the extra [torch] is not installed")
    weights = shared / "weights/resnet18_imagenet_layer1-3.safetensors"
    return open_backbone("timm:resnet18", weights=weights)


@pytest.fixture(scope="module")
def tiles(shared, tmp_path_factory):
    """One of three magnetic tiles, with their masks: all of them take minutes."""
    whole, some = shared / "data/magnetic_tile", tmp_path_factory.mktemp("tiles")
    for folder in (*whole.glob("train/*"), *whole.glob("test/*")):
        for path in sorted(folder.iterdir())[::3]:
            mask = whole / "ground_truth" / folder.name / f"{path.stem}_mask.png"
            for one in filter(Path.exists, (path, mask)):
                link = some / one.relative_to(whole)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(one)
    return some


def measured(root, backbone, share, preparation=None):
    fitted = fit(
        read_images(root / "train/good"),
        backbone=backbone,
        method=PatchCore(coreset=share),
        preparation=preparation,
        false_alarms=None,
    )
    return evaluate(fitted, root)


def test_resnet18_on_bottle(shared, resnet18):
    found = measured(shared / "data/mvtec_ad/bottle", resnet18, 0.1, PAPER_SQUARE)
    assert found.image_auroc >= 0.999
    assert found.pixel_auroc >= 0.975


def test_resnet18_on_magnetic_tile(tiles, resnet18):
    # the seed of the random projection moves it a little; this is seed 0
    found = measured(tiles, resnet18, 0.02, PAPER_SQUARE)
    assert found.image_auroc >= 0.90


def test_builtin_on_bottle(shared):
    found = measured(shared / "data/mvtec_ad/bottle", "builtin", 0.1)
    assert found.image_auroc >= 0.99
    assert found.pixel_auroc >= 0.97


def test_builtin_on_magnetic_tile(tiles):
    found = measured(tiles, "builtin", 0.02)
    assert found.image_auroc >= 0.85  # faint defects are its weak side: see its model card


def test_picks_on_real_patches_equal_the_loop(shared, resnet18):
    pictures = read_images(shared / "data/mvtec_ad/bottle/train/good")
    batch = [as_picture(pictures[k], k) for k in range(12)]
    features, _ = extract(batch, PAPER_SQUARE, resnet18)
    patches = open_source(PatchCore(), [features], silent, local_runner).patches(range(12))
    points = projection.project(np.concatenate([half for half, _ in patches]), 128, 0)
    whole, _ = projection.to_integers(points)
    assert len(whole) == 12 * 28 * 28
    rows = 2 * greedy.CELLS + 76  # enough that the rows are sorted into cells
    assert greedy.greedy(points, rows).picks.tolist() == greedy_loop(whole, rows)


def test_pictures_alone_score_as_in_a_batch(shared):
    root = shared / "data/magnetic_tile"
    fitted = fit(list(map(read_images(root / "train/good").__getitem__, range(30))))
    probes = list(map(read_images(root / "test/break").__getitem__, range(11)))
    check_batch(fitted, probes)


def test_full_bank_is_never_farther(shared):
    root = shared / "data/mvtec_ad_small/hazelnut"
    pictures = read_images(root / "train/good")
    backbone = open_backbone()
    probes = [as_picture(p, 0) for p in read_images(root / "test/good")]
    features, _ = extract(probes, Preparation((256, 256)), backbone)
    train, _ = extract(
        [as_picture(pictures[k], k) for k in range(8)], Preparation((256, 256)), backbone
    )
    part, full = (PatchCore(coreset=share).fit([train], silent) for share in (0.1, 1.0))
    assert (part.score(features).grid >= full.score(features).grid).all()

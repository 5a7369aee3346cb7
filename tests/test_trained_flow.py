"""DifferNet: its flow's inverse, determinant and gradient."""

import numpy as np
import pytest

import goldensample
from goldensample import Preparation
from goldensample.methods.trained import differnet
from goldensample.records import silent
from test_method_contract import features

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")


def small(**knobs):
    return differnet.DifferNet(
        **{"budget": "hand", "epochs": 2, "blocks": 2, "hidden": 16, **knobs}
    )


@pytest.fixture
def blocks():
    torch.manual_seed(0)
    return differnet.flow(7, 3, 16).double()


def inverse(blocks, z):
    """Undo the blocks, one after the other."""
    for block in reversed(blocks):
        first, second = z[:, :3], z[:, 3:]
        log, shift, _ = differnet._run(block["second"], second)
        first = (first - shift) / log.exp()
        log, shift, _ = differnet._run(block["first"], first)
        values = torch.cat([first, (second - shift) / log.exp()], dim=1)
        z = torch.empty_like(values)
        z[:, block.order] = values
    return z


def test_the_flow_can_be_undone(blocks):
    values = 3 * torch.randn(5, 7, dtype=torch.float64)
    z = differnet.forward(blocks, values)[0]
    assert (z - values).abs().max() > 0.1
    assert torch.allclose(inverse(blocks, z), values, atol=1e-12)


def test_the_log_determinant_is_that_of_the_jacobian(blocks):
    values = 3 * torch.randn(1, 7, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(
        lambda one: differnet.forward(blocks, one[None])[0][0], values[0]
    )
    ours = differnet.forward(blocks, values)[1].item()
    assert abs(ours) > 0.01
    assert ours == pytest.approx(torch.linalg.slogdet(jacobian)[1].item(), rel=1e-9)


def test_the_gradient_written_by_hand_is_autograds(blocks):
    values = (3 * torch.randn(5, 7, dtype=torch.float64)).requires_grad_()
    z, _, trace = differnet.forward(blocks, values)
    (z.square().sum() / 2).backward()
    ours = differnet.backward(blocks, trace, z)
    assert torch.allclose(ours, values.grad, rtol=1e-9, atol=1e-12)


def test_a_scale_stays_within_its_bounds():
    layers = differnet.flow(4, 1, 8)[0]["first"]
    log = differnet._run(layers, 1e6 * torch.randn(50, 2))[0]
    assert 2 < log.abs().max() <= differnet.CLAMP


def test_windows_are_means_of_seven_eighths():
    weights = differnet.windows(16)
    assert weights.sum(axis=1) == pytest.approx(1)
    assert weights[0] == pytest.approx([1 / 14] * 14 + [0, 0])
    assert weights[-1] == pytest.approx([0, 0] + [1 / 14] * 14)


def test_a_planted_defect_scores_higher_and_is_found_on_the_map():
    detector = small(epochs=10).fit([features(20, 0)], silent)
    assert detector.losses[-1, 0] < detector.losses[0, 0]
    good = detector.score(features(8, 1)).image.max()
    scores = detector.score(features(1, 2, planted=(5, 2)))
    assert scores.image[0] > 2 * good
    assert np.unravel_index(scores.grid[0].argmax(), (8, 8)) == (5, 2)


@pytest.mark.real
def test_it_learns_real_bottles(shared):
    folder = shared / "data/mvtec_ad/bottle"
    paths = sorted((folder / "train/good").iterdir())[:20]
    fitted = goldensample.fit(
        goldensample.read_images([str(path) for path in paths]),
        method=small(epochs=40, hidden=64),
        preparation=Preparation((128, 128)),
        false_alarms=None,
    )
    losses = fitted.detector.losses[:, 0]
    assert losses[-1] < losses[0]
    good, odd = (
        fitted.inspect(goldensample.read_images([str(folder / "test" / name)])[0])
        for name in ("good/000.png", "broken_large/000.png")
    )
    assert odd.score > good.score

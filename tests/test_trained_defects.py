"""CAVGA with labelled defects, its form R_w, and how a fit is given them."""

import copy
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from commands import golden_in_process
from conftest import part, write_category

import goldensample
from goldensample import Preparation
from goldensample.features.store import InMemoryFeatureStore
from goldensample.methods.mean_map import MeanMap
from goldensample.methods.trained import cavga
from goldensample.records import Features, silent
from test_trained_contract import SMALL, pictures

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")
pytestmark = pytest.mark.usefixtures("one_torch_thread")


def settings(epochs: int) -> cavga.CAVGA:
    return cavga.CAVGA(budget="hand", epochs=epochs, **SMALL["cavga"])


def defects(seed: int = 20, count: int = 3) -> Features:
    """Pictures as those of the contract's tests, each with a white square at the same place."""
    return pictures(count, seed, planted=(40, 8))


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return settings(0)._networks_of_two_classes(None).eval()


def test_attention_for_each_answer_is_the_grad_cam_that_autograd_gives(networks):
    generator, pixels = networks["generator"], torch.rand(2, 3, 32, 32)
    features = generator["encoder"](pixels).detach().requires_grad_()
    expected = []
    for label in cavga.LABELS:
        answers = generator["classifier"](generator["mean"](features))
        (gradient,) = torch.autograd.grad(answers[:, label].sum(), features)
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        expected.append(torch.sigmoid((weights * features).sum(dim=1)).detach())
    scores = cavga.score(networks, pixels)
    torch.testing.assert_close(scores["map"], (1 - expected[0] + expected[1]) / 2)
    answers = generator["classifier"](generator["mean"](features))
    odds = (answers[:, cavga.DEFECT] - answers[:, cavga.GOOD]).sigmoid()
    plain = {name: part for name, part in generator.items() if name != "classifier"}
    distance = cavga.score({"generator": plain}, pixels)["score"]
    torch.testing.assert_close(scores["score"], distance + odds)


def test_attention_is_guided_on_good_pictures_that_are_taken_for_good_alone(networks, monkeypatch):
    generator, pixels = copy.deepcopy(networks["generator"]), torch.rand(5, 3, 32, 32)
    features = generator["encoder"](pixels).detach()
    linear = generator["classifier"][1]
    monkeypatch.setattr(cavga, "CLASSIFICATION", 0.0)
    monkeypatch.setattr(cavga, "EXPANSION", 1.0)

    def lacking() -> torch.Tensor:
        good, defect = (cavga.attention(generator, features[:3], label) for label in cavga.LABELS)
        return (1 - good + defect).mean()

    def loss() -> torch.Tensor:
        return cavga.guidance(generator, features, generator["mean"](features), 3)

    with torch.no_grad():
        linear.bias[:] = torch.tensor([0.0, 1e3])  # taken for defects
    assert loss() == 0
    with torch.no_grad():
        linear.bias[:] = torch.tensor([1e3, 0.0])
    before = lacking().detach()
    torch.testing.assert_close(loss(), lacking())
    optimizer = torch.optim.Adam(linear.parameters(), lr=0.05)
    for _ in range(40):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert lacking() < before - 0.1


def test_defects_that_were_shown_are_told_from_good_pictures():
    method = replace(settings(60), side=16)
    detector = method.fit_with_defects([pictures(12, 0)], [defects()], silent)
    good, odd = (detector.score(given).image for given in (pictures(6, 1), defects(30)))
    assert odd.min() > good.max() + 0.1  # the square is 0.04 of a picture


def test_a_training_goes_on_only_with_the_same_defects():
    def epochs(shown: Features, stop: bool) -> list[int]:
        told = []

        def notify(_stage: str, done: int, _total: int) -> None:
            told.append(done)
            if stop:
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            settings(2).fit_with_defects(store, [shown], notify)
        return told

    store = InMemoryFeatureStore()
    store.put(pictures(6, 0))
    assert epochs(defects(), stop=True) == [1]
    assert epochs(defects(21), stop=True) == [1]
    assert epochs(defects(), stop=False)[0] == 2


def test_limits_and_statistics_are_of_good_pictures_alone(tmp_path):
    """Of 20 pictures each fold is left out once, so six trainings see the defects."""
    good = [part(seed) for seed in range(20)]
    odd = [part(seed, defect=True) for seed in (50, 51)]
    method = replace(settings(1), side=16)
    fitted = goldensample.fit(good, method=method, preparation=Preparation((48, 48)), defects=odd)
    assert len(fitted.calibrations["fp32"].scores) == len(fitted.pictures) == 20
    assert len(fitted.habits.values) == 20
    goldensample.save(fitted, tmp_path / "part.golden")
    loaded = goldensample.load(tmp_path / "part.golden")
    assert loaded.detector.facts()["labelled_defects"] == 2
    assert loaded.method == method
    assert loaded.inspect(odd[0]).score == fitted.inspect(odd[0]).score


def test_defects_that_a_fit_has_no_use_for_are_refused():
    good = [part(seed) for seed in range(3)]
    with pytest.raises(ValueError, match=r"defects must go with --method cavga, .*; got mean_map"):
        goldensample.fit(good, method=MeanMap(), defects=[part(9, defect=True)])
    with pytest.raises(ValueError, match=r"must not be among the good pictures; .* pixel by pixel"):
        goldensample.fit(good, method=settings(1), defects=[good[1]])


def test_the_command_learns_from_defects_and_says_so(tmp_path):
    write_category(tmp_path, 0, "hole", train=4, test=2)
    file, hole = tmp_path / "part.golden", ("--defects", tmp_path / "test/hole")
    words = ["fit", tmp_path / "train/good", "-o", file, "--false-alarms", "0"]
    trained = ["--method", "cavga", "--budget", "hand", "--epochs", "1", "--side", "16"]
    told = golden_in_process(*words, *trained, *hole)
    assert "2 pictures of defects for the training, and for nothing else" in told
    assert "labelled defects 2" in told
    assert json.loads(golden_in_process("info", file, "--json"))["labelled_defects"] == 2
    for others, message in (
        ((*words, "--method", "padim", *hole), "must go with --method cavga, .*; got padim"),
        ((*words, *trained, "--defects", tmp_path / "test"), "in a folder of good pictures"),
        ((*words, *trained, *hole, "--each", tmp_path), "must go with one product"),
    ):
        with pytest.raises(ValueError, match=message):
            golden_in_process(*others)

"""How long a method trains, and at what learning rate."""

import numpy as np
import pytest

from goldensample.methods.registry import METHODS
from goldensample.methods.trained.inputs import gather_pixels
from goldensample.methods.trained.recipe import Schedule
from goldensample.methods.trained.training import fit_networks
from goldensample.records import silent
from test_trained_contract import SMALL, pictures, small

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")
pytestmark = pytest.mark.usefixtures("one_torch_thread")


def test_a_learning_rate_stays_or_falls_along_half_a_cosine():
    schedule = {"pictures": {"quick": 100}, "batch": 4, "learning_rate": 0.5}
    assert {Schedule(**schedule).rate(epoch, 8) for epoch in range(1, 9)} == {0.5}
    rates = [Schedule(**schedule, falls=True).rate(epoch, 8) for epoch in range(1, 9)]
    assert rates[0] == 0.5
    assert rates[4] == pytest.approx(0.25)
    assert np.all(np.diff(rates) < 0)
    assert rates[-1] > 0


def test_each_epoch_trains_at_its_rate(monkeypatch):
    """With a rate of 0 after the first epoch, two more epochs leave the weights as they are."""

    def trained(epochs: int) -> np.ndarray:
        method = small("itae", epochs=epochs)
        inputs = gather_pixels([pictures(8, 0)], method.side)
        networks, _ = fit_networks(method, inputs, [], method.recipe(), silent)
        return np.concatenate([one.detach().numpy().ravel() for one in networks.parameters()])

    assert (trained(3) != trained(1)).any()
    monkeypatch.setattr(Schedule, "rate", lambda _, epoch, epochs: 0.01 * (epoch == 1))
    assert (trained(3) == trained(1)).all()


@pytest.mark.parametrize("name", SMALL)
def test_the_smaller_schedule_is_smaller(name):
    quick, paper = (METHODS[name](budget=budget).recipe().schedule for budget in ("quick", "paper"))
    assert quick.pictures["quick"] < paper.pictures["paper"]
    assert small(name, epochs=3).recipe().schedule.epochs(small(name, epochs=3), 7) == 3

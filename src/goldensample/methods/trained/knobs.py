"""The knobs that all trained methods have, and their checks."""

from typing import Any

from goldensample.methods.validation import check, check_integer
from goldensample.records import knob

BUDGETS = ("paper", "quick", "hand")


def budget_knob() -> Any:
    """Declare how long is trained."""
    return knob(
        "paper",
        "how long a network is trained: paper, as long as its authors did; quick, at most 45 "
        "minutes for 209 pictures on two cores; hand, as many --epochs as are given, of which 0 "
        "show what the method is worth untrained",
    )


def epochs_knob() -> Any:
    """Declare the number of epochs that replaces the budget's."""
    return knob(0, "how often all pictures are trained on, with --budget hand; 0 elsewhere")


def patience_knob() -> Any:
    """Declare when training stops early."""
    return knob(
        0,
        "stop once this many epochs brought no better loss on the good pictures that are then kept "
        "out of training, every tenth; 0 never stops early and trains on all",
    )


def device_knob() -> Any:
    """Declare what trains; what was trained always runs on the processor."""
    return knob("cpu", "what trains: cpu or cuda")


def seed_knob() -> Any:
    """Declare the seed of the first weights, of the order of the pictures, and of noise."""
    return knob(0, "of the first weights, the order of the pictures, and noise")


def side_knob(side: int) -> Any:
    """Declare the side of the square that a network of pixels sees."""
    return knob(side, "side of the square in pixels that a picture is averaged down to")


def check_training(settings: Any) -> None:
    """Refuse invalid values of the knobs above.

    Raises:
        ValueError: it names the knob.
    """
    check(settings.budget in BUDGETS, "budget", f"one of {', '.join(BUDGETS)}", settings)
    check_integer(settings, "epochs", 0, 10**6)
    check(
        settings.budget == "hand" or not settings.epochs,
        "epochs",
        f"0 with --budget {settings.budget}, which sets their number (--budget hand takes yours)",
        settings,
    )
    check_integer(settings, "patience", 0, 10**6)
    check(settings.device in ("cpu", "cuda"), "device", "cpu or cuda", settings)
    check_integer(settings, "seed", 0, 2**63 - 1)


def check_power_of_two(settings: Any, name: str, low: int, high: int) -> None:
    """Refuse a knob that is not one of low, 2·low, 4·low ... high."""
    check_integer(settings, name, low, high)
    value = getattr(settings, name)
    check(value & (value - 1) == 0, name, f"a power of two from {low} to {high}", settings)

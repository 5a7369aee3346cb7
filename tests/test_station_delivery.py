"""Whatever a station answered reaches web server and broker, whoever is killed in between."""

import pytest
from conftest import load_script
from station_parts import picture

ROUNDS = 3


def test_every_answered_record_arrives_in_order_whoever_is_killed(product, tmp_path):
    module = load_script("benchmarks/station_delivery.py")
    if module.MOSQUITTO is None:
        pytest.skip("the MQTT broker mosquitto is not installed")
    found = module.deliver(product, picture(1), tmp_path, ROUNDS, 7)
    assert (found["rounds"], found["exit code"]) == (ROUNDS, 0)
    assert found["answered"]
    for name in ("webhook", "broker"):
        assert (found[name]["lost"], found[name]["out of order"]) == (0, 0), found
    assert "Traceback" not in (tmp_path / "kept.log").read_text()

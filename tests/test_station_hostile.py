"""Nothing that is sent to a station is answered 5xx, stays on disk, or costs much memory."""

from collections.abc import Iterator
from contextlib import closing, suppress
from hashlib import sha256

import pytest
import schemathesis
from conftest import load_script
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)
from station_parts import picture, run_station

from goldensample.station.settings import Settings
from goldensample.station.station import Station
from goldensample.station.web.app import create_app

ATTACKS = 300
"""The benchmark `station_hostile.py` sends 10,000."""
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
EXAMPLES = 6
"""Of each route; more by hand: see the page on the station."""


@pytest.fixture(scope="module")
def app(product, tmp_path_factory) -> Iterator:
    folder = tmp_path_factory.mktemp("station") / "kept"
    with closing(Station(Settings(folder=folder, per_minute=10**6), [product])) as station:
        yield create_app(station)


LOCAL = {"host": "localhost"}
ONCE = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_every_route_answers_as_its_page_says(app, mode):
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=LOCAL)
    app.state.station.events.close()  # streams of news end at once
    asked = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @ONCE
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case):
            asked.append(case.operation.label)
            case.call_and_validate(headers=LOCAL, checks=CHECKS)

        with suppress(Unsatisfiable):  # nothing wrong can be sent to it
            check()
    assert {"POST /api/inspect/{product}", "POST /api/feedback", "GET /api/records"} <= set(asked)


def test_hostile_uploads_are_refused_and_leave_nothing(product, tmp_path):
    module = load_script("benchmarks/station_hostile.py")
    folder = tmp_path / "kept"
    with run_station(folder, [product]) as station:
        port = station.port
        assert module.send(port, module.post(picture(1))) == 200
        before = module.memory_mb(station.process.pid, "VmRSS")
        found = module.attack(port, ATTACKS, 7)
        grown = module.memory_mb(station.process.pid, "VmHWM") - before
        assert module.send(port, module.post(picture(2))) == 200
    statuses = {int(status) for one in found.values() for status in one}
    assert all(status < 500 for status in statuses)
    assert {400, 404, 413, 422} <= statuses
    for kind in ("cut", "other kind", "noise", "name"):
        assert set(found[kind]) == {"422"}
    assert module.orphans(folder) == set()
    files = [path for path in (folder / "pictures").rglob("*") if path.is_file()]
    assert all(sha256(path.read_bytes()).hexdigest() == path.name for path in files)
    assert grown < 300
    assert "Traceback" not in (tmp_path / "kept.log").read_text()

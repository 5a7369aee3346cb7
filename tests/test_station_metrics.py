"""`/metrics`: what Prometheus reads of a station, by its own parser."""

import time

from prometheus_client.parser import text_string_to_metric_families
from station_parts import open_station, picture, run_station

TOKEN = "an-operator-s-token"


def read(client) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values of each sample by the values of its labels, in order of their names."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation, family.name
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_prometheus_reads_counts_and_states(product, tmp_path):
    pictures = tmp_path / "in"
    pictures.mkdir()
    with run_station(tmp_path / "station", [product], "--watch", str(pictures)) as one:
        before = read(one.client)
        assert "golden_pictures_total" not in before
        assert "golden_last_record_timestamp_seconds" not in before
        for seed in range(400, 404):
            one.client.post("/api/inspect/part", content=picture(seed, defect=seed == 403))
        assert one.client.post("/api/inspect/part", content=b"no picture").status_code == 422
        found = read(one.client)
    assert sum(found["golden_pictures_total"].values()) == 5
    assert found["golden_pictures_total"]["part", "error"] == 1
    assert found["golden_pictures_total"]["part", "defect"] >= 1
    assert found["golden_answer_seconds_count"]["part",] == 5
    assert found["golden_answer_seconds_bucket"]["+Inf", "part"] == 5
    assert found["golden_inbox"]["part",] >= 2
    assert abs(found["golden_last_record_timestamp_seconds"]["part",] - time.time()) < 600
    assert found["golden_waiting"][()] == 0
    assert found["golden_disk_free_bytes"][()] > 0
    assert "golden_disk_pictures_bytes" in found
    [(kind, _)] = found["golden_connection_trouble"]
    assert kind == "folder"
    assert found["golden_scene_changed"] == {("part",): 0}
    assert found["golden_file_trouble"] == {("part",): 0}


def test_metrics_are_for_those_with_a_token(product, tmp_path):
    with open_station(tmp_path / "station", product, tokens={TOKEN: "operator"}) as client:
        answer = client.get("/metrics")
        assert answer.status_code == 401
        assert "token" in answer.json()["error"]
        client.headers["authorization"] = f"Bearer {TOKEN}"
        assert read(client)["golden_revision"] == {("part",): 0}


def test_records_hold_light_and_focus(product, tmp_path):
    with open_station(tmp_path / "station", product) as client:
        first = client.post("/api/inspect/part", content=picture(1)).json()
        assert 0 < first["brightness"] < 1
        assert first["sharpness"] < 10
        assert "brightness,sharpness" in client.get("/api/records.csv").text.splitlines()[0]

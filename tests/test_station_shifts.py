"""Today and this shift, by the clock on the station's wall, also when clocks are changed."""

import time
from datetime import datetime
from datetime import time as clock
from zoneinfo import ZoneInfo

import pytest
from station_parts import open_station, picture

from goldensample.station.settings import Settings
from goldensample.station.shifts import begin_of, parse_shifts
from goldensample.station.web.rendering import parse_time

THREE = (clock(6), clock(14), clock(22))
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def zone(monkeypatch):
    """Set the zone of this process, as that of a station's machine."""
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of a process cannot be set here")

    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def count(client, query: dict) -> int:
    counts = client.get("/api/counts", params=query).json()
    return sum(number for name, number in counts.items() if name != "waits")


def at(text: str, name: str = "Europe/Berlin") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(name)).timestamp()


def test_times_of_day_are_read_in_order():
    assert parse_shifts("22:00, 6:00,14:00") == THREE
    for text in ("", "6", "06:00,", "25:00", "06:00,6:00", "06:00-14:00", "06:00:30"):
        with pytest.raises(ValueError, match=r"--shifts must be the times .* got '"):
            parse_shifts(text)


@pytest.mark.parametrize(
    ("now", "begun"),
    [
        ("2026-11-30T06:00", "2026-11-30T06:00"),
        ("2026-11-30T05:59:59", "2026-11-29T22:00"),
        ("2026-11-30T23:30", "2026-11-30T22:00"),
        ("2026-03-29T03:30", "2026-03-28T22:00"),  # clocks went from 2 to 3: a shift of 7 hours
        ("2026-03-29T06:00", "2026-03-29T06:00"),
        ("2026-10-25T05:59", "2026-10-24T22:00"),  # clocks went from 3 to 2: one of 9 hours
        ("2026-10-25T14:30", "2026-10-25T14:00"),
    ],
)
def test_a_shift_begins_at_its_hour_on_the_wall(zone, now, begun):
    zone("Europe/Berlin")
    assert begin_of("shift", THREE, at(now)) == at(begun)


def test_a_day_begins_at_midnight_and_has_23_to_25_hours(zone):
    zone("Europe/Berlin")
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-30", 24)):
        begun = begin_of("today", (), at(f"{day}T23:59"))
        assert begun == at(f"{day}T00:00")
        assert begin_of("today", (), begun + hours * 3600) == begun + hours * 3600
        assert begin_of("today", (), begun + hours * 3600 - 1) == begun


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])
def test_every_moment_of_a_year_is_in_the_shift_before_it(zone, name):
    zone(name)
    first = at("2026-01-01T00:00", name)
    begins = [begin_of("shift", (clock(2, 30), *THREE), first + 1800 * k) for k in range(17_520)]
    assert begins == sorted(begins)
    assert all(begun <= first + 1800 * k for k, begun in enumerate(begins))
    assert max(first + 1800 * k - begun for k, begun in enumerate(begins)) < 9.1 * 3600


def test_times_of_a_files_revisions_are_read_or_left_as_text():
    assert parse_time("1971-01-01T01:00:00+01:00") == parse_time("1971-01-01") == 31_536_000
    for text in ("", "noon", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert parse_time(text) is None


def test_counts_lists_and_files_know_today_and_this_shift(product, tmp_path):
    with open_station(tmp_path / "kept", product, shifts=THREE) as client:
        client.post("/api/inspect/part?name=a.png", content=picture(300))
        for period in ("today", "shift"):
            query = {"product": "part", "period": period}
            assert count(client, query) == 1
            assert len(client.get("/api/records", params=query).json()["records"]) == 1
            assert "a.png" in client.get("/api/records.csv", params=query).text
            assert "a.png" in client.get("/history", params=query).text
        late = {"period": "today", "since": time.time() + 60}
        assert client.get("/api/records", params=late).json() == {"records": []}
        ledger = client.app.state.station.ledger
        with ledger._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE records SET time = time - 90000")
        for period in ("today", "shift"):
            assert count(client, {"period": period}) == 0
        assert count(client, {}) == 1
        assert client.get("/api/counts", params={"period": "week"}).status_code == 422


def test_this_shift_needs_to_be_known(product, tmp_path):
    with open_station(tmp_path / "kept", product) as client:
        refused = client.get("/api/counts", params={"period": "shift"})
        assert refused.status_code == 422
        assert "start the station with --shifts" in refused.json()["error"]
        assert client.get("/history?period=shift").status_code == 422
        assert "this shift" not in client.get("/").text + client.get("/history").text
    assert Settings(folder=tmp_path).shifts == ()


def test_a_time_has_the_readers_zone_or_else_the_stations(product, tmp_path, zone):
    zone("Asia/Kolkata")
    with open_station(tmp_path / "kept", product) as client:
        client.post("/api/inspect/part?name=a.png", content=picture(300))
        made = client.get("/api/records").json()["records"][0]["time"]
        assert made.endswith("+00:00")
        page = client.get("/history").text
        local = datetime.fromisoformat(made).astimezone(ZoneInfo("Asia/Kolkata"))
        assert f'datetime="{local:%Y-%m-%dT%H:%M:%S}+05:30"' in page
        assert f"{local:%Y-%m-%d %H:%M:%S} IST" in page
        assert "Times: IST, UTC+05:30<" in page
        for since, count in ((f"{local:%Y-%m-%dT%H:%M}", 1), ("2026-01-01T00:00Z", 1)):
            assert client.get("/history", params={"since": since}).text.count("<tr>") == 1 + count
    zone("Asia/Kathmandu")
    with open_station(tmp_path / "kept", product) as client:
        assert "Times: UTC+05:45<" in client.get("/history").text

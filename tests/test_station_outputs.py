"""Verdicts reach other machines, or are known not to have: web server and broker, for real."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_parts import expect, expect_load, new_context
from output_parts import (
    broker,
    connection,
    first_times,
    hook,
    inspect,
    journal,
    last,
    listener,
    old_broker,
    records_of,
)
from station_parts import free_port, run_station, wait

from goldensample.station.outputs.mqtt import Mqtt
from goldensample.station.outputs.mqtt_options import MqttOptions
from goldensample.station.outputs.receiver import UnreachableError


@pytest.fixture
def port() -> Iterator[int]:
    with free_port() as number:
        yield number


def test_a_webhook_gets_every_verdict_in_order_even_after_it_was_away(product, tmp_path, port):
    url = f"http://127.0.0.1:{port}/verdicts"
    log = tmp_path / "kept.log"
    with run_station(tmp_path / "kept", [product], "--webhook", url) as station:
        first = inspect(station, 310)  # nobody listens yet
        wait(lambda: connection(station.client, "webhook")["state"] == "trouble")
        state = connection(station.client, "webhook")
        assert (state["name"], state["waiting"], state["last_success"]) == (url, 1, None)
        with hook(port, 503, (429, {"retry-after": "1"}), 408) as server:
            second = inspect(station, 311, defect=True)
            wait(lambda: len(server.taken) >= 2)
            wait(lambda: connection(station.client, "webhook")["state"] == "working")
        told = [line for line in journal(station.client) if "127.0.0.1" in line]
        assert len(told) == 1, told  # one trouble is one line
        assert "verdicts are taken again" in told[0]
    assert [one["record"] for one in server.taken] == [first["id"], second["id"]]
    assert server.taken[1]["verdict"] == "defect"
    assert server.taken[1]["regions"]
    assert server.taken[1]["picture_sha256"] == second["picture_sha256"]
    assert log.read_text().count("the web server is not reached") <= 2


def test_refused_verdicts_are_tried_again_from_the_page(product, tmp_path, port, browser):
    url = f"http://127.0.0.1:{port}/verdicts"
    with (
        hook(port, 401) as server,
        run_station(tmp_path / "kept", [product], "--webhook", url) as station,
    ):
        number = inspect(station, 330)["id"]
        wait(lambda: connection(station.client, "webhook")["failed"] == 1)
        with new_context(browser, base_url=station.url) as context:
            page = context.new_page()
            with expect_load(page):
                page.goto("/health")
            fits = "table => table.parentElement.scrollWidth <= table.parentElement.clientWidth"
            assert page.locator("table").evaluate(fits), "every column is seen"
            page.get_by_role("button", name="Try again to send 1 refused verdict").click()
            expect(page.get_by_text("What was refused is sent again.")).to_be_visible()
        wait(lambda: [one["record"] for one in server.taken] == [number])


def test_a_kill_repeats_at_most_the_verdict_on_its_way(product, tmp_path, port):
    options = ("--webhook", f"http://127.0.0.1:{port}/")
    with run_station(tmp_path / "kept", [product], *options) as station:
        numbers = [inspect(station, 380 + index)["id"] for index in range(6)]
        wait(lambda: connection(station.client, "webhook")["state"] == "trouble")
        with hook(port, 200, 200, 200, 0) as server:
            station.client.post("/api/outputs/webhook/retry", json={})
            wait(lambda: len(server.taken) == 4)
            station.kill()
            server.go_on.set()
            with run_station(tmp_path / "kept", [product], *options):
                wait(lambda: server.taken[-1]["record"] == numbers[-1])
    assert [one["record"] for one in server.taken] == [*numbers[:4], *numbers[3:]]


@pytest.mark.parametrize("status", [401, 404, 301])
def test_what_a_web_server_refuses_is_told_once_and_kept(product, tmp_path, port, status):
    url = f"http://127.0.0.1:{port}/verdicts"
    target = {"location": f"http://127.0.0.1:{port}/new"}
    with (
        hook(port, (status, target), (status, target)) as server,
        run_station(tmp_path / "kept", [product], "--webhook", url) as station,
    ):
        numbers = [inspect(station, 312 + index)["id"] for index in range(3)]
        wait(lambda: [one["record"] for one in server.taken] == numbers[2:])
        # the server has a verdict a moment before the station has noted its answer
        settled = {"failed": 2, "waiting": 0}
        state = wait(
            lambda: (
                settled.items() <= (one := connection(station.client, "webhook")).items() and one
            )
        )
        assert state["state"] == "trouble"
        assert str(status) in state["words"]
        told = [line for line in journal(station.client) if str(status) in line]
        assert len(told) == 1, told
        assert {path for _, path, _ in server.asked} == {"/verdicts"}  # no redirect is followed
        answer = station.client.post("/api/outputs/webhook/retry", json={}).json()
        assert answer == {"retried": 2}
        wait(lambda: len(server.taken) == 3)
        assert [one["record"] for one in server.taken[1:]] == numbers[:2]
        wait(lambda: connection(station.client, "webhook")["state"] == "working")
        assert station.client.post("/api/outputs/mqtt/retry", json={}).status_code == 404


def test_the_oldest_verdicts_are_dropped_beyond_the_limit_and_that_is_said(product, tmp_path, port):
    options = ("--webhook", f"http://127.0.0.1:{port}/", "--outbox-limit", "3")
    with run_station(tmp_path / "kept", [product], *options) as station:
        numbers = [inspect(station, 320 + index)["id"] for index in range(5)]
        state = wait(lambda: (one := connection(station.client, "webhook"))["lost"] == 2 and one)
        assert state["waiting"] == 3
        [line] = [line for line in journal(station.client) if "dropped" in line]
        assert "2 verdicts" in line
        with hook(port) as server:
            wait(lambda: len(server.taken) == 3)
    assert [one["record"] for one in server.taken] == numbers[2:]


def test_a_webhook_may_have_a_password_and_any_letters(product, tmp_path, port):
    url = f"http://me:s%C3%A9cret@127.0.0.1:{port}/prüfung?a=b"
    with (
        hook(port) as server,
        run_station(tmp_path / "kept", [product], "--webhook", url) as station,
    ):
        inspect(station, 330)
        wait(lambda: server.taken)
        assert "cret" not in connection(station.client, "webhook")["name"]
    assert server.asked == [(200, "/pr%C3%BCfung?a=b", "Basic bWU6c8OpY3JldA==")]


def test_a_broker_gets_every_verdict_and_keeps_the_last(product, tmp_path, port):
    url = f"mqtt://127.0.0.1:{port}"
    with broker(tmp_path, port) as server, listener(port, "golden/#") as got:
        with run_station(tmp_path / "kept", [product], "--mqtt", url) as station:
            first = inspect(station, 312)
            wait(lambda: records_of(got) == [first["id"]])
            assert last(got, "golden/status") == "online"
            server.stop()
            numbers = [inspect(station, seed)["id"] for seed in range(313, 316)]
            wait(lambda: connection(station.client, "mqtt")["state"] == "trouble")
            server.start()
            with listener(port, "golden/#") as late:
                wait(lambda: first_times(records_of(late)) == numbers)
                wait(lambda: connection(station.client, "mqtt")["state"] == "working")
                assert connection(station.client, "mqtt")["waiting"] == 0
                station.kill()
                wait(lambda: last(late, "golden/status") == "offline")
        with listener(port, "golden/#") as kept:
            wait(lambda: records_of(kept) == numbers[-1:])


def test_what_a_broker_will_not_take_is_told_once_and_kept(product, tmp_path, port):
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite golden/status\ntopic read #\n")
    url = f"mqtt://127.0.0.1:{port}"
    with (
        broker(tmp_path, port, f"acl_file {acl}") as server,
        run_station(tmp_path / "kept", [product], "--mqtt", url) as station,
    ):
        numbers = [inspect(station, 340 + index)["id"] for index in range(2)]
        state = wait(lambda: (one := connection(station.client, "mqtt"))["failed"] == 2 and one)
        assert "refuses golden/part/verdict" in state["words"]
        assert len([line for line in journal(station.client) if "refuses" in line]) == 1
        server.stop()
        acl.write_text("topic readwrite #\n")
        server.start()
        with listener(port) as got:
            assert station.client.post("/api/outputs/mqtt/retry", json={}).json()["retried"] == 2
            wait(lambda: first_times(records_of(got)) == numbers)


def test_a_verdict_expires_at_the_broker_on_request(product, tmp_path, port):
    options = ("--mqtt", f"mqtt://127.0.0.1:{port}/line/1", "--mqtt-expiry", "3600")
    options = (*options, "--mqtt-client-id", "station-1")
    log = tmp_path / "broker.log"
    with (
        broker(tmp_path, port, f"log_dest file {log}", "log_type all") as _,
        listener(port) as got,
        run_station(tmp_path / "kept", [product], *options) as station,
    ):
        inspect(station, 350)
        wait(lambda: records_of(got))
        [verdict] = [one for one in got if one.topic == "line/1/part/verdict"]
        assert 3590 <= verdict.properties.MessageExpiryInterval <= 3600
        assert "as station-1 (p5" in log.read_text()


def test_a_broker_that_speaks_only_mqtt_3(product, tmp_path, port):
    url = ("--mqtt", f"mqtt://127.0.0.1:{port}")
    with (
        free_port() as inner,
        broker(tmp_path, inner),
        old_broker(port, inner) as versions,
        listener(inner) as got,
    ):
        with run_station(tmp_path / "kept", [product], *url) as station:
            number = inspect(station, 355)["id"]
            wait(lambda: records_of(got) == [number])
            assert connection(station.client, "mqtt")["state"] == "working"
        wait(lambda: last(got, "golden/status") == "offline")
        assert versions == [5, 4]
        output = Mqtt(url[1], MqttOptions(client_id="other", expiry_s=60), ["part"])
        with pytest.raises(UnreachableError, match="leave --mqtt-expiry out"):
            output.connect(lambda: None)


def certificates(folder: Path) -> None:
    """Make a private authority, and certificates of a broker and of a station."""
    run = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    extensions = ["-addext", "keyUsage=critical,keyCertSign,cRLSign", "-subj", "/CN=ours"]
    files = ["-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem")]
    subprocess.run([*run, *extensions, *files], check=True, capture_output=True)
    for name in ("broker", "station"):
        files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        authority = ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key")]
        words = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        words += ["-addext", "basicConstraints=critical,CA:false"]
        subprocess.run([*run, *authority, *words, *files], check=True, capture_output=True)


def test_a_broker_with_a_private_authority_that_asks_for_a_certificate(product, tmp_path, port):
    certificates(tmp_path)
    lines = [f"cafile {tmp_path}/ca.pem", f"certfile {tmp_path}/broker.pem"]
    lines += [f"keyfile {tmp_path}/broker.key", "require_certificate true"]
    tls = ("--mqtt-ca", f"{tmp_path}/ca.pem", "--mqtt-cert", f"{tmp_path}/station.pem")
    tls = (*tls, "--mqtt-key", f"{tmp_path}/station.key")
    url = f"mqtts://127.0.0.1:{port}"
    with broker(tmp_path, port, *lines):
        with run_station(tmp_path / "kept", [product], "--mqtt", url, *tls) as station:
            inspect(station, 360)
            wait(lambda: connection(station.client, "mqtt")["last_success"])
        with run_station(tmp_path / "other", [product], "--mqtt", url) as station:
            wait(lambda: "certificate" in connection(station.client, "mqtt")["words"])


def test_verdicts_that_wait_for_an_output_that_is_not_named_are_told(product, tmp_path, port):
    url = f"http://127.0.0.1:{port}/"
    with run_station(tmp_path / "kept", [product], "--webhook", url) as station:
        number = inspect(station, 370)["id"]
        station.kill()
    with run_station(tmp_path / "kept", [product]) as station:
        assert any("1 verdict waits" in line for line in journal(station.client))
    with hook(port) as server, run_station(tmp_path / "kept", [product], "--webhook", url):
        wait(lambda: server.taken)
    assert [one["record"] for one in server.taken] == [number]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--webhook", "ftp://a"], "--webhook must be"),
        (["--webhook", "http://a:99999/"], "--webhook must be"),
        (["--webhook", "http://[::1/"], "--webhook must be"),
        (["--webhook", "http://a/b c"], "--webhook must have no spaces"),
        (["--mqtt", "a:1"], "--mqtt must be"),
        (["--mqtt", "mqtt://a/line+1"], r"without \+, # and"),
        (["--mqtt", "mqtt://a/line%2B1"], r"without \+, # and"),
        (["--mqtt", "mqtt://a/line#1"], "without #"),
        (["--mqtt", "mqtt://a/$SYS"], r"no \$ at its start"),
        (["--mqtt", "mqtt://a:0x/"], "--mqtt must be"),
        (["--mqtt", "mqtt://a", "--mqtt-ca", "none.pem"], "must begin with mqtts://"),
        (["--mqtt", "mqtts://a", "--mqtt-ca", "none.pem"], "must be PEM files"),
        (["--mqtt-client-id", "a"], "give --mqtt, too"),
        (["--outbox-limit", "0"], "--outbox-limit must be"),
        (["--outbox-days", "0"], "--outbox-days must be"),
        (["--opcua", "opc.tcp://a"], "--opcua must be"),
        (["--opcua", "opc.tcp://a:1", "--opcua-user", "a:b"], "--opcua-encrypt"),
        (["--watch", "/nowhere/at/all"], "a folder to watch must be there"),
        (["--every", "-1", "--camera", "x"], "--every must be"),
    ],
)
def test_wrong_addresses_are_refused_in_words(product, tmp_path, options, words):
    with (
        pytest.raises(AssertionError, match=words) as error,
        run_station(tmp_path / "k", [product], *options),
    ):
        pass
    assert "Traceback" not in str(error.value)


def test_what_cannot_be_reached_is_told_at_the_start(product, tmp_path, port):
    options = ("--webhook", f"http://127.0.0.1:{port}/", "--mqtt", f"mqtt://127.0.0.1:{port}")
    with run_station(tmp_path / "kept", [product], *options) as station:
        for kind in ("webhook", "mqtt"):
            wait(lambda kind=kind: connection(station.client, kind)["state"] == "trouble")
        wait(lambda: len(journal(station.client)) == 2)
    said = (tmp_path / "kept.log").read_text()
    assert "the web server is not reached: Connection refused" in said
    assert "the broker is not reached: Connection refused" in said
    assert "Traceback" not in said

"""`golden doctor`, and extras that are found missing before any work."""

import json
import socket
import sys

import pytest
from conftest import part
from picture_files import save_picture
from typer.testing import CliRunner

from goldensample.cli.app import app
from goldensample.cli.extras import EXTRAS, check_method
from goldensample.errors import GoldenError
from goldensample.methods.ocsvm import OCSVM
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.trained.geotrans import GeoTrans


def doctor(*words: object) -> tuple[int, dict[str, dict]]:
    done = CliRunner().invoke(app, ["doctor", "--json", *map(str, words)])
    found = json.loads(done.stdout)["findings"]
    return done.exit_code, {finding["subject"]: finding for finding in found}


def test_it_says_what_is_here_and_what_is_not(tmp_path, monkeypatch):
    (tmp_path / "maker.cti").touch()
    monkeypatch.setenv("GENICAM_GENTL64_PATH", str(tmp_path))
    monkeypatch.setitem(EXTRAS, "excel", type(EXTRAS["excel"])(("not_installed_here",), "tables"))
    code, found = doctor("--folder", tmp_path, "--port", free_port())
    assert {finding["state"] for finding in found.values()} == {"ok", "missing"}, found
    assert code == 0
    assert "maker.cti" in found["cameras"]["text"]
    assert found["[excel]"]["state"] == "missing"
    assert 'pip install "goldensample[excel]"' in found["[excel]"]["remedy"]
    assert {f"[{name}]" for name in EXTRAS} < found.keys()


def test_what_is_wrong_ends_in_1(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, found = doctor("--folder", tmp_path / "nowhere", "--port", port)
    assert code == 1
    assert found[f"port {port}"]["state"] == found["disk"]["state"] == "wrong"


def test_a_port_that_a_station_has_is_none_of_its_faults(product, tmp_path):
    from station_parts import run_station

    for options in ((), ("--token", "engineer:of-twelve-letters")):
        with run_station(tmp_path / f"kept{len(options)}", [product], *options) as station:
            code, found = doctor("--folder", tmp_path, "--port", station.port)
            assert found[f"port {station.port}"]["state"] == "ok"
            assert "a station is running here" in found[f"port {station.port}"]["text"]
            assert code == 0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_the_extras_are_those_of_the_package():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert set(project["optional-dependencies"]) == set(EXTRAS)


@pytest.mark.parametrize(
    ("method", "module", "extra"),
    [
        (OCSVM(), "sklearn", "rivals"),
        (PatchCore(search="hnsw"), "faiss", "faiss"),
        (GeoTrans(), "torch", "torch"),
    ],
)
def test_a_missing_extra_is_found_before_the_work(method, module, extra, monkeypatch):
    check_method(PatchCore())
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(GoldenError, match=rf"extra \[{extra}\]; not installed: .*{module}.*; pip"):
        check_method(method)


def test_a_fit_keeps_what_was_learned(tiny_file, tmp_path):
    for seed in range(12):
        save_picture(tmp_path / f"good/{seed}.png", part(seed))
    file = tmp_path / "a.golden"
    words = ["fit", tmp_path / "good", "-o", file, "--backbone", f"onnx:{tiny_file}"]

    def run(*words: object):
        return CliRunner().invoke(app, [str(word) for word in words])

    for _ in range(2):  # nothing was learned, so nothing is kept
        assert run(*words).exit_code == 0
    assert not (tmp_path / "a.golden.1").exists()
    save_picture(tmp_path / "new.png", part(40))
    assert run("learn", file, tmp_path / "new.png").exit_code == 0
    before = file.read_bytes()
    assert run(*words, "--levels", "none").exit_code != 0
    assert file.read_bytes() == before
    assert not (tmp_path / "a.golden.1").exists()
    done = run(*words)
    assert "it is kept in" in done.stderr
    assert (tmp_path / "a.golden.1").read_bytes() == before
    assert len(run("history", tmp_path / "a.golden.1").stdout.splitlines()) == 2
    file.write_bytes(b"written by who knows what")
    assert "it is kept in" in run(*words).stderr
    assert (tmp_path / "a.golden.2").read_bytes() == b"written by who knows what"

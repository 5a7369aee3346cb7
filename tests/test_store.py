"""A `.golden` file holds everything, is written whole, and is refused when damaged."""

import json
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256

import numpy as np
import pytest
from conftest import check_same, fit, part
from safetensors.numpy import load as tensors_of
from safetensors.numpy import save as to_bytes

from goldensample import ArtifactError, PatchCore, load, save
from goldensample.storage.atomic import write_atomic


@pytest.fixture(scope="module")
def fitted(tiny, good_parts):
    return fit(good_parts, backbone=tiny)


@pytest.fixture
def file(fitted, tmp_path):
    save(fitted, tmp_path / "part.golden")
    return tmp_path / "part.golden"


def header_of(data: bytes) -> str:
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length])["__metadata__"]["golden"]


def with_header(data: bytes, change) -> bytes:
    """Return the file with its header changed and its checksum made right again."""
    header = json.loads(header_of(data)[64:])
    change(header)
    text = json.dumps(header)
    return to_bytes(tensors_of(data), {"golden": sha256(text.encode()).hexdigest() + text})


def test_a_loaded_file_scores_the_same(fitted, file):
    again = load(file)
    for picture in (part(70), part(71, defect=True)):
        check_same(again.inspect(picture), fitted.inspect(picture))
    assert again.threshold == fitted.threshold
    assert again.preparation == fitted.preparation
    assert again.method == fitted.method
    assert again.backbone.network == fitted.backbone.network


def test_a_file_from_before_a_knob_scores_as_it_did(tiny, good_parts, tmp_path):
    path, method = tmp_path / "old.golden", PatchCore(by_position="off", composition="off")
    plain = fit(good_parts, backbone=tiny, method=method)
    save(plain, path)

    def forget(header) -> None:
        for name in ("by_position", "composition"):
            del header["knobs"][name]

    path.write_bytes(with_header(path.read_bytes(), forget))
    old = load(path)
    assert old.method == method
    check_same(old.inspect(part(3, defect=True)), plain.inspect(part(3, defect=True)))


def test_the_same_fit_gives_the_same_bytes(tiny, good_parts, file, tmp_path):
    save(fit(good_parts, backbone=tiny), tmp_path / "again.golden")
    assert (tmp_path / "again.golden").read_bytes() == file.read_bytes()


def test_saving_again_changes_nothing(file, tmp_path):
    save(load(file), tmp_path / "copy.golden")
    assert (tmp_path / "copy.golden").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.9999])
def test_truncated(file, share):
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ArtifactError, match=r"part\.golden"):
        load(file)


def test_every_damaged_byte_is_noticed(file):
    data = file.read_bytes()
    for at in np.linspace(0, len(data) - 1, 60).astype(int):
        broken = bytearray(data)
        broken[at] ^= 0x41
        file.write_bytes(bytes(broken))
        with pytest.raises(ArtifactError, match=r"part\.golden"):
            load(file)


def test_the_damaged_part_is_named(file):
    data = bytearray(file.read_bytes())
    length = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + length])
    for part_name in ("bank", "network", "origins"):
        broken = data.copy()
        broken[8 + length + entries[part_name]["data_offsets"][0] + 5] ^= 1
        file.write_bytes(broken)
        with pytest.raises(ArtifactError, match=f"checksum of '{part_name}' does not match"):
            load(file)


def test_unknown_version(file):
    file.write_bytes(with_header(file.read_bytes(), lambda header: header.update(format=99)))
    with pytest.raises(ArtifactError, match="format must be 1; got 99"):
        load(file)


def test_values_that_are_not_finite(file):
    arrays = tensors_of(file.read_bytes())
    arrays["bank"][3, 2] = np.nan
    header = json.loads(header_of(file.read_bytes())[64:])
    bank = arrays["bank"]
    digest = sha256(f"{bank.dtype.str}{bank.shape}".encode() + bank.tobytes()).hexdigest()
    header["sha256"]["bank"] = digest
    text = json.dumps(header)
    golden = sha256(text.encode()).hexdigest() + text
    file.write_bytes(to_bytes(arrays, {"golden": golden}))
    with pytest.raises(ArtifactError, match="'bank' must be finite"):
        load(file)


def check_refused(file, change):
    """Write the file with a changed header and right checksums, and try to load it."""
    file.write_bytes(with_header(file.read_bytes(), change))
    with pytest.raises(ArtifactError, match=r"part\.golden"):
        load(file)


KEYS = ["sha256", "network", "method", "knobs", "preparation", "pictures", "precision"]
LIMITS = {"score": 1.0, "pixel": 1.0, "false_alarms": 0.05, "held_out": 19}
LIMITS |= {"kind": "split", "review": None, "review_rate": None, "interval": None}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", [None, [], "x", 7, {"a": 1}])
def test_headers_with_other_kinds_of_value(file, key, value):
    check_refused(file, lambda header: header.update({key: value}))


@pytest.mark.parametrize(
    ("key", "inner", "value"),
    [
        ("knobs", "coreset", 7.5),
        ("knobs", "coreset", float("inf")),
        ("knobs", "neighbors", 2.5),
        ("knobs", "stride", "1"),
        ("knobs", "depth", 10**12),
        ("knobs", "depth", 64),
        ("knobs", "seed", True),
        ("knobs", "unknown", 1),
        ("preparation", "size_hw", [0, 5]),
        ("preparation", "size_hw", [256]),
        ("preparation", "size_hw", [10**6, 10**6]),
        ("preparation", "crop_hw", [224]),
        ("preparation", "mode", "magic"),
        ("preparation", "grey_range", "x"),
        ("preparation", "grey_range", {"black": 9, "white": 9}),
        ("thresholds", "fp32", {**LIMITS, "score": float("nan")}),
        ("thresholds", "fp32", {**LIMITS, "score": "1"}),
        ("thresholds", "fp32", {**LIMITS, "pixel": None}),
        ("thresholds", "fp32", {**LIMITS, "held_out": "x"}),
        ("thresholds", "fp64", LIMITS),
        ("network", "levels", []),
        ("network", "levels", "level2"),
        ("network", "levels", ["level3", "level2"]),
        ("network", "levels", ["level2", "level9"]),
        ("network", "mean", [0.1, 0.2]),
        ("network", "std", [0.1, 0.0, 0.1]),
        ("network", "stride", 0),
    ],
)
def test_headers_with_wrong_values(file, key, inner, value):
    check_refused(file, lambda header: header[key].update({inner: value}))


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.pop("preparation"),
        lambda header: header["knobs"].pop("seed"),
        lambda header: header.update(extra=1),
        lambda header: header.update(format=True),
        lambda header: header.update(pictures=header["pictures"][:2]),
        lambda header: header["pictures"][0].__setitem__(1, 0),
        lambda header: header["pictures"][0].__setitem__(1, "a"),
    ],
)
def test_headers_that_do_not_fit(file, change):
    check_refused(file, change)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("bank", np.ones((4, 7), np.float16)),
        ("bank", np.ones((4, 16), np.float32)),
        ("bank", np.ones(4, np.float16)),
        ("origins", np.full((4, 3), 999, np.float32)),
        ("origins", np.full((4, 3), -1, np.float32)),
        ("network", np.frombuffer(b"not a graph", np.uint8)),
        ("network", np.zeros(0, np.uint8)),
        ("extra", np.ones(3, np.float32)),
    ],
)
def test_arrays_that_do_not_fit(file, name, array):
    data = file.read_bytes()
    arrays = {"bank": np.ones((4, 16), np.float16), "origins": np.zeros((4, 3), np.float32)}
    arrays = {**tensors_of(data), **arrays, name: array}
    header = json.loads(header_of(data)[64:])
    header["sha256"] = {
        key: sha256(f"{a.dtype.str}{a.shape}".encode() + a.tobytes()).hexdigest()
        for key, a in arrays.items()
    }
    text = json.dumps(header)
    golden = sha256(text.encode()).hexdigest() + text
    file.write_bytes(to_bytes(arrays, {"golden": golden}))
    with pytest.raises(ArtifactError, match=r"part\.golden"):
        load(file)


def test_links_are_followed_and_other_things_refused(tmp_path):
    (tmp_path / "real.golden").write_bytes(b"old")
    (tmp_path / "link.golden").symlink_to(tmp_path / "real.golden")
    write_atomic(tmp_path / "link.golden", b"new")
    assert (tmp_path / "link.golden").is_symlink()
    assert (tmp_path / "real.golden").read_bytes() == b"new"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.golden")
        with pytest.raises(ArtifactError, match="must be a file"):
            write_atomic(tmp_path / "pipe.golden", b"new")


def test_other_files(tmp_path):
    (tmp_path / "other.golden").write_bytes(to_bytes({"a": np.zeros(3)}))
    with pytest.raises(ArtifactError, match="another safetensors file"):
        load(tmp_path / "other.golden")
    (tmp_path / "text.golden").write_text("hello")
    with pytest.raises(ArtifactError, match=r"text\.golden"):
        load(tmp_path / "text.golden")
    with pytest.raises(ArtifactError, match="there is none"):
        load(tmp_path / "none.golden")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a" / "b.bin"
    write_atomic(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtifactError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in path.parent.iterdir()] == ["b.bin"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "b.bin"
    old, size = b"o" * 1000, 40_000_000
    write_atomic(path, old)
    code = (
        "import sys; from pathlib import Path\n"
        "from goldensample.storage.atomic import write_atomic\n"
        f"print('go', flush=True)\nwhile True: write_atomic(Path(sys.argv[1]), b'n' * {size})"
    )
    for wait_s in (0.0, 0.02, 0.1, 0.3):
        child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(wait_s)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert path.stat().st_size in (len(old), size)

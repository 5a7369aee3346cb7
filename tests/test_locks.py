"""Two commands that write one file: the second refuses and undoes nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import COMMAND, golden
from conftest import part
from picture_files import save_picture

from goldensample.errors import ArtifactError
from goldensample.storage.lock import lock_file, lock_files

HOLDER = """
import sys, time
from pathlib import Path
from goldensample.storage.lock import lock_file
with lock_file(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def wait_until(happened, limit_s: float = 120) -> None:
    end = time.monotonic() + limit_s
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def test_a_lock_leaves_nothing_behind(tmp_path):
    path = tmp_path / "new" / "a.golden"
    with lock_files(path, None, tmp_path / "b.json"):
        with pytest.raises(ArtifactError, match=r"a\.golden must be changed by one at a time"):
            lock_file(path).__enter__()
        assert (tmp_path / "new/.a.golden.lock").exists()
    assert not any(file.is_file() for file in tmp_path.rglob("*"))


def test_a_lock_is_had_by_one_of_many(tmp_path):
    """Many processes add one to a number, each under the lock; none is lost."""
    count = tmp_path / "count"
    count.write_text("0")
    code = f"""
import time
from pathlib import Path
from goldensample.errors import ArtifactError
from goldensample.storage.lock import lock_file
path, done = Path({str(count)!r}), 0
while done < 20:
    try:
        with lock_file(path):
            path.write_text(str(int(path.read_text()) + 1))
            done += 1
    except ArtifactError:
        time.sleep(0.001)
"""
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    assert count.read_text() == "60"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")
def test_a_killed_holder_leaves_no_lasting_lock(tmp_path):
    path = tmp_path / "a.golden"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ArtifactError, match="one at a time"):
            lock_file(path).__enter__()
        os.kill(process.pid, signal.SIGKILL)
    with lock_file(path):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")
def test_two_fits_to_one_output(tiny_file, tmp_path):
    """The second refuses; the first keeps its features, and can be gone on from when killed."""
    for number in range(60):
        save_picture(tmp_path / f"good/{number:03d}.png", part(number))
    output, partial = tmp_path / "a.golden", tmp_path / "a.golden.partial"
    words = ["fit", str(tmp_path / "good"), "-o", str(output), "--backbone", f"onnx:{tiny_file}"]
    words += ["--size", "48"]
    first = subprocess.Popen([*COMMAND, *words], stderr=subprocess.DEVNULL)
    wait_until(lambda: any(partial.glob("*.features")) or first.poll() is not None)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        if not partial.exists():
            pytest.skip("the first fit was done before it could be stopped")
        before = sorted(file.name for file in partial.iterdir())
        second = golden(*words)
        assert second.returncode == 2
        assert f"{output} must be changed by one at a time" in second.stderr
        assert sorted(file.name for file in partial.iterdir()) == before
        assert golden("learn", output, tmp_path / "good").returncode == 2
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert first.wait(300) == 0
    assert not partial.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.golden", "good"]


@pytest.mark.parametrize("option", ["--watch", "--coco", "--output"])
def test_inspections_that_write_one_file(line, tmp_path, option):
    target: Path = tmp_path / ("t.parquet" if option == "--output" else "state.json")
    words = ("inspect", line / "part.golden", line / "test", option, target)
    with lock_file(target):
        done = golden(*words)
        assert done.returncode == 2
        assert f"{target} must be changed by one at a time" in done.stderr
        assert not target.exists()
    assert golden(*words).returncode == 0


def test_an_export_of_one_name(line, tmp_path):
    target = tmp_path / "part.onnx"
    with lock_file(target):
        done = golden("export", line / "part.golden", "--to", "onnx", "--out", target)
    assert done.returncode == 2
    assert "one at a time" in done.stderr

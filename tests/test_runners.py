"""Clusters that are not there, that are this machine's own, and whose head is lost."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from ray_parts import PYTHONPATH, RAY_MISSING

from goldensample.errors import RunnerError
from goldensample.ray_runner import open_runner


@pytest.mark.parametrize("name", ["auto", "noted", "ray://127.0.0.1:1", "ray://127.0.0.1:99999"])
def test_a_cluster_that_is_not_there(name, monkeypatch, tmp_path):
    pytest.importorskip("ray", reason=RAY_MISSING)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if name == "auto":
        monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    if name == "noted":  # by a cluster that was killed
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray/ray_current_cluster").write_text("127.0.0.1:1\n")
        name = "auto"
    with (
        pytest.raises(RunnerError, match=r"127.*does not answer.*ray start --head"),
        open_runner(name, tmp_path / "out"),
    ):
        pass
    assert not (tmp_path / "out").exists()


def child_of(process: int, name: str) -> int:
    """Return the child of a process with a name."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = status.read_text().split(" (", 1)
        except OSError:  # it has ended
            continue
        words = rest.rpartition(")")
        if words[0].startswith(name) and int(words[2].split()[1]) == process:
            return int(number)
    raise LookupError(name)


LOST_HEAD = """
import os, signal, sys
from pathlib import Path
import runner_tasks as tasks
from test_runners import child_of
from goldensample.errors import RunnerError
from goldensample.ray_runner import cluster, open_runner

cluster.POLL_S = 0.2
with open_runner("ray", Path(sys.argv[1])) as runner:
    results = runner.run(tasks.sleep_items, 600, range(runner.in_flight))
    print(next(results), flush=True)
    try:
        with runner.create_states(tasks.make_list, 1, [1]) as states:
            print(states.update(tasks.add, 2), flush=True)
            os.kill(child_of(os.getpid(), "gcs_server"), signal.SIGKILL)
            states.update(tasks.wait, 600)
    except RunnerError as error:
        print(error)
    for results in (results, runner.run(tasks.multiply, 1, [1])):
        try:
            next(results)
        except RunnerError as error:
            print(error)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_a_cluster_of_its_own_is_quiet_and_a_lost_head_is_told(tmp_path):
    pytest.importorskip("ray", reason=RAY_MISSING)
    running = subprocess.Popen(
        [sys.executable, "-c", LOST_HEAD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        stdout, stderr = running.communicate()
    finally:
        with suppress(ProcessLookupError):  # helpers that Ray leaves behind without a head
            os.killpg(running.pid, signal.SIGKILL)
    told = stdout.splitlines()
    assert (told[:2], len(told), stderr, running.returncode) == (["0", "[4]"], 5, "", 0)
    assert all(line.startswith("the cluster's head, ") for line in told[2:])
    assert not list(tmp_path.iterdir())

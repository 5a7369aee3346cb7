"""One fit over a cluster gives the file that it gives here, whatever is lost on the way."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import runner_tasks as tasks
from commands import golden_in_process
from conftest import part
from PIL import Image
from ray_parts import NODE
from threadpoolctl import threadpool_limits

from goldensample.methods import selection
from goldensample.ray_runner import RayRunner, open_runner

WAYS = {
    "split": ["--coreset", "0.2", "--false-alarms", "0.2"],
    "cross": ["--coreset", "30", "--false-alarms", "0.05"],
    "streaming": ["--coreset", "20", "--greedy", "streaming", "--false-alarms", "0.2"],
}


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """Forty good pictures."""
    folder = tmp_path_factory.mktemp("good")
    for number in range(40):
        Image.fromarray(part(number, False, (64, 64))).save(folder / f"{number:02}.png")
    return folder


def fit(good: Path, tiny_file: Path, output: Path, *words: str) -> str:
    options = ["-o", output, "--backbone", f"onnx:{tiny_file}", *words]
    return golden_in_process("fit", good, *options)


@pytest.fixture(scope="module")
def made(good, tiny_file, tmp_path_factory) -> dict[str, bytes]:
    """The file of each way, fitted here."""
    folder = tmp_path_factory.mktemp("here")
    with threadpool_limits(1, "blas"):
        for way, words in WAYS.items():
            fit(good, tiny_file, folder / f"{way}.golden", *words)
    return {way: (folder / f"{way}.golden").read_bytes() for way in WAYS}


@pytest.mark.parametrize("way", WAYS)
def test_the_file_is_the_same(cluster, good, tiny_file, made, tmp_path, way):
    output = tmp_path / "a.golden"
    told = fit(good, tiny_file, output, *WAYS[way], "--runner", "auto")
    assert "on each of 2 workers" in told
    assert output.read_bytes() == made[way]
    assert [path.name for path in tmp_path.iterdir()] == ["a.golden"]


@contextmanager
def at_first_result(monkeypatch, name: str, act):
    """Do something once the first task of a name is done, while others are on their way."""
    run = RayRunner.run

    def watched(self, task, shared, items):
        for number, result in enumerate(run(self, task, shared, items)):
            yield result
            if task.__name__ == name and not number:
                act()

    with monkeypatch.context() as patch:
        patch.setattr(RayRunner, "run", watched)
        yield


@pytest.mark.parametrize("stage", ["extract_batch", "_reduce"])
def test_killed_workers_cost_nothing(cluster, good, tiny_file, made, tmp_path, monkeypatch, stage):
    way = "streaming" if stage == "_reduce" else "split"
    killed = set()
    with open_runner("auto", tmp_path) as runner:
        workers = {process for process, _ in runner.run(tasks.identify, 0, range(8))}

        def kill() -> None:
            for worker in workers:
                with suppress(ProcessLookupError):  # Ray ends workers that idle
                    os.kill(worker, signal.SIGKILL)
                    killed.add(worker)

        with at_first_result(monkeypatch, stage, kill):
            fit(good, tiny_file, tmp_path / "a.golden", *WAYS[way], "--runner", "auto")
    assert killed
    assert (tmp_path / "a.golden").read_bytes() == made[way]


def test_a_killed_shard_costs_nothing(cluster, good, tiny_file, made, tmp_path, monkeypatch):
    chosen, killed = selection.greedy_over, []

    def killing(shards, rows, notify):
        """Kill a shard's process after some picks."""

        def told(done: int) -> None:
            if not killed:
                killed.append(shards.query(tasks.process_id, None)[1])
                os.kill(killed[0], signal.SIGKILL)
            notify(done)

        return chosen(shards, rows, told)

    monkeypatch.setattr(selection, "greedy_over", killing)
    fit(good, tiny_file, tmp_path / "a.golden", *WAYS["split"], "--runner", "auto")
    assert killed
    assert (tmp_path / "a.golden").read_bytes() == made["split"]


def test_a_killed_machine_costs_nothing(cluster, good, tiny_file, made, tmp_path, monkeypatch):
    node, lost = cluster.add_node(**NODE), []

    def kill() -> None:
        lost.append(cluster.remove_node(node, allow_graceful=False))

    with open_runner("auto", tmp_path), at_first_result(monkeypatch, "extract_batch", kill):
        fit(good, tiny_file, tmp_path / "a.golden", *WAYS["split"], "--runner", "auto")
    assert lost
    assert (tmp_path / "a.golden").read_bytes() == made["split"]


def test_a_killed_command_is_gone_on_with(cluster, good, tiny_file, made, tmp_path):
    output, partial = tmp_path / "a.golden", tmp_path / "a.golden.partial"
    command = [sys.executable, "-m", "goldensample.cli", "fit", str(good), "-o", str(output)]
    command += ["--backbone", f"onnx:{tiny_file}", *WAYS["split"], "--runner", "auto"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        while child.poll() is None and not list(partial.glob("*.features")):
            pass
        child.kill()
    assert partial.exists(), "the fit was done before it could be killed"
    told = fit(good, tiny_file, output, *WAYS["split"], "--runner", "auto", "--resume")
    assert "going on from the features of" in told
    assert output.read_bytes() == made["split"]
    assert not partial.exists()


def test_what_cannot_be_spread_is_refused_before_any_work(cluster, good, tiny_file, tmp_path):
    output = tmp_path / "out" / "a.golden"
    for words in (["--method", "padim"], ["--subsampler", "random"], ["--coreset", "auto"]):
        with pytest.raises(ValueError, match="runner must go with"):
            fit(good, tiny_file, output, *words, "--runner", "auto")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]

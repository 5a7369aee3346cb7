"""Runners keep one promise; commands give the same files here and on a cluster."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import runner_tasks as tasks
from conftest import part
from PIL import Image
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

from goldensample.cli import app
from goldensample.errors import GoldenError, ImageError, RunnerError
from goldensample.ray_runner import RETRIES, open_runner
from goldensample.runners import here

MISSING = "Ray is not installed: pip install 'goldensample[ray]'"
SUITE = """
title = "Few plates"
view = "curve"
figures = ["image_auroc"]
common = { resize = 64, crop = 56, seeds = [0, 1] }
[[panel]]
vary = "shots"
axis = "good pictures"
values = [1, 2]
[[panel.entry]]
label = "PatchCore-25"
method = "patchcore"
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two nodes of one processor each, and what commands find them by."""
    pytest.importorskip("ray", reason=MISSING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
        from ray.cluster_utils import Cluster

        size = {"num_cpus": 1, "object_store_memory": 80_000_000}
        watch = {"health_check_period_ms": 500, "health_check_failure_threshold": 4}
        head = {**size, "include_dashboard": False, "_system_config": watch}
        made = Cluster(True, head_node_args=head)
        made.add_node(**size)
        patch.setenv("RAY_ADDRESS", made.address)
        yield made
        made.shutdown()


@pytest.fixture(scope="module")
def ray_runner(cluster, tmp_path_factory):
    with open_runner("auto", tmp_path_factory.mktemp("out")) as runner:
        yield runner


@pytest.fixture(params=["here", "ray"])
def runner(request):
    return here if request.param == "here" else request.getfixturevalue("ray_runner")


@pytest.mark.parametrize("name", ["auto", "noted", "ray://127.0.0.1:1", "ray://127.0.0.1:99999"])
def test_a_cluster_that_is_not_there(name, monkeypatch, tmp_path):
    pytest.importorskip("ray", reason=MISSING)
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


def test_results_come_in_order(runner):
    assert list(runner.run(tasks.times, 3, range(20))) == [3 * item for item in range(20)]
    assert list(runner.run(tasks.times, 3, [])) == []


@pytest.mark.parametrize("error", [ImageError("a.png must be whole"), ValueError("k"), KeyError(1)])
def test_failures_arrive_as_themselves_at_their_place(runner, error):
    results = runner.run(tasks.picky, error, range(9))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(type(error)) as caught:
        next(results)
    assert type(caught.value) is type(error)
    assert caught.value.args == error.args
    assert list(results) == []


def test_items_are_taken_as_room_comes_free(runner):
    taken = []
    results = runner.run(tasks.times, 1, (taken.append(k) or k for k in range(20)))
    room = getattr(runner, "in_flight", 1)
    assert taken == []
    for done, result in enumerate(results):
        assert result == done
        assert len(taken) == min(20, done + room)


def test_shared_values_travel_once(runner):
    tasks.Counted.packed = 0
    found = list(runner.run(tasks.identity, tasks.Counted(), range(8)))
    assert tasks.Counted.packed == (0 if runner is here else 1)
    assert len(set(found)) == len({process for process, _ in found})  # one object a worker


def test_nothing_starts_while_the_oldest_is_waited_for(ray_runner, tmp_path):
    results = list(ray_runner.run(tasks.first_waits, str(tmp_path), range(12)))
    assert results == [ray_runner.in_flight - 1, *range(1, 12)]


def test_what_is_left_is_given_up(ray_runner, tmp_path):
    results = ray_runner.run(tasks.first_waits, str(tmp_path), range(1, 100))
    next(results)
    results.close()
    assert list(ray_runner.run(tasks.times, 1, range(3))) == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) <= ray_runner.in_flight


def test_an_error_that_cannot_be_sent_keeps_its_words(ray_runner):
    with pytest.raises(RuntimeError, match="TwoWordsError: odd error"):
        list(ray_runner.run(tasks.unsendable, 0, [1]))


def test_a_failure_says_where_it_was(ray_runner):
    with pytest.raises(ImageError, match="picture 5") as caught:
        list(ray_runner.run(tasks.refuse, 0, [5]))
    assert "runner_tasks.py" in caught.value.__notes__[0]


def test_a_killed_worker_costs_nothing(ray_runner, tmp_path):
    assert list(ray_runner.run(tasks.die_once, str(tmp_path), range(6))) == list(range(6))
    assert {path.name for path in tmp_path.iterdir()} == {"1", "2"}


def test_a_task_that_kills_every_worker_ends_the_run(ray_runner):
    with pytest.raises(RunnerError, match=f"{RETRIES} at most after it"):
        list(ray_runner.run(tasks.die, 0, [1]))


def test_a_killed_node_costs_nothing(cluster, ray_runner):
    node = cluster.add_node(num_cpus=2, object_store_memory=80_000_000)
    results = ray_runner.run(tasks.slowly, 0.05, range(16))
    assert next(results) == 0
    cluster.remove_node(node, allow_graceful=False)
    assert list(results) == list(range(1, 16))


def test_workers_must_see_the_output(cluster, ray_runner, tmp_path):
    with open_runner("auto", tmp_path / "mine") as runner:
        (mark,) = (tmp_path / "mine").iterdir()
        assert list(runner.run(tasks.times, 2, [1])) == [2]
        mark.unlink()  # as a worker finds it that does not see the folder
        with pytest.raises(RunnerError, match=r"same .*mine;.*share it,"):
            list(runner.run(tasks.times, 2, [1]))


def golden(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    if done.exception:
        raise done.exception
    return done.output


@pytest.fixture(scope="module")
def products(tmp_path_factory) -> Path:
    """Three products of eight good pictures and a defect, and one of none."""
    root = tmp_path_factory.mktemp("products")
    for number, name in enumerate(("bolt", "cap", "plate")):
        for kind, count in (("train/good", 8), ("test/good", 2), ("test/dent", 2)):
            (root / name / kind).mkdir(parents=True)
            for k in range(count):
                pixels = part(100 * number + 10 * count + k, kind == "test/dent", (64, 64))
                Image.fromarray(pixels).save(root / name / kind / f"{k}.png")
        (root / name / "ground_truth/dent").mkdir(parents=True)
        mask = np.zeros((64, 64), np.uint8)
        mask[20:30, 30:40] = 255
        for k in range(2):
            Image.fromarray(mask).save(root / name / "ground_truth/dent" / f"{k}_mask.png")
    return root


@pytest.fixture(scope="module")
def fitted(products, tiny_file, tmp_path_factory) -> Path:
    """A file for each product, fitted here."""
    output = tmp_path_factory.mktemp("fitted")
    golden(*fit_each(products, tiny_file, output))
    return output


def fit_each(products: Path, tiny_file: Path, output: Path) -> list[str]:
    words = ["fit", "train/good", "--each", str(products), "-o", str(output)]
    return [*words, "--backbone", f"onnx:{tiny_file}"]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_product_is_fitted_as_by_itself(products, fitted, tiny_file, tmp_path):
    assert sorted(contents(fitted)) == ["bolt.golden", "cap.golden", "plate.golden"]
    alone = tmp_path / "alone.golden"
    words = ["fit", str(products / "cap/train/good"), "-o", str(alone)]
    with threadpool_limits(1, "blas"):
        golden(*words, "--backbone", f"onnx:{tiny_file}")
    assert alone.read_bytes() == (fitted / "cap.golden").read_bytes()


def test_each_product_gives_the_same_bytes_on_a_cluster(
    ray_runner, products, fitted, tiny_file, tmp_path
):
    told = golden(*fit_each(products, tiny_file, tmp_path), "--runner", "auto", "--json")
    assert contents(tmp_path) == contents(fitted)
    files = [json.loads(line)["file"] for line in told.splitlines() if line[0] == "{"]
    assert files == [str(tmp_path / f"{name}.golden") for name in ("bolt", "cap", "plate")]


@pytest.mark.parametrize("where", ["here", "auto"])
def test_a_product_that_fails_does_not_stop_the_others(
    where, request, products, fitted, tiny_file, tmp_path, monkeypatch
):
    if where == "auto":
        request.getfixturevalue("ray_runner")
    some = tmp_path / "some"
    some.mkdir()
    for name in ("bolt", "plate"):
        (some / name).symlink_to(products / name)
    (some / "beads/train/good").mkdir(parents=True)
    (some / "beads/train/good/0.png").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)  # paths start from here on a cluster, too
    words = fit_each(Path("some"), tiny_file, Path("some/out"))
    with pytest.raises(GoldenError, match=r"(?s)1 of 3 were not:\n  beads: .*0\.png"):
        golden(*words, "--runner", where)
    made = contents(some / "out")
    assert made == {name: contents(fitted)[name] for name in ("bolt.golden", "plate.golden")}


def test_finished_products_are_not_fitted_again(products, fitted, tiny_file, tmp_path):
    (tmp_path / "bolt.golden").write_bytes(b"finished")
    (tmp_path / "cap.golden").write_bytes(b"about to be replaced")
    (tmp_path / "cap.golden.partial").write_bytes(b"of something else")
    with pytest.raises(GoldenError, match=r"1 of 3 were not:\n  cap: .*golden.partial must be"):
        golden(*fit_each(products, tiny_file, tmp_path), "--resume")
    (tmp_path / "cap.golden.partial").unlink()
    (tmp_path / "cap.golden").unlink()
    assert "2 of 3 products" in golden(*fit_each(products, tiny_file, tmp_path), "--resume")
    assert contents(tmp_path) == {**contents(fitted), "bolt.golden": b"finished"}


def test_wrong_use_of_each(products, tmp_path):
    one, many = str(tmp_path / "a.golden"), str(tmp_path / "out")
    wrong = {
        "PATH must name": ["-o", one],
        "must go with --each": ["x", "-o", one, "--runner", "ray"],
        "must be a folder": ["--each", str(products), "-o", one],
        "from each sub-folder": [str(products), "--each", str(products), "-o", many],
        "one folder a product": ["--each", str(products / "cap/train/good"), "-o", many],
        "runner must be here": ["--each", str(products), "-o", many, "--runner", "dask"],
    }
    for words, given in wrong.items():
        with pytest.raises((ValueError, ImageError), match=words):
            golden("fit", *given)


def test_without_ray_it_says_how_to_have_it(products, bench, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    output = tmp_path / "out"
    for words in (["fit", "--each", str(products), "-o", str(output)], [*bench, str(output)]):
        with pytest.raises(RunnerError, match=r"extra \[ray\]; install it with pip install"):
            golden(*words, "--runner", "ray")
    assert not output.exists()


def raws(output: Path) -> dict[str, object]:
    """All raw results, without times and the threads of the network."""
    found = {}
    for path in (output / "raw").glob("*.json"):
        raw = json.loads(path.read_text())
        del raw["times"], raw["machine"]["network_threads"]
        found[path.name] = raw
    return found


@pytest.fixture(scope="module")
def bench(products, tiny_file, tmp_path_factory) -> list[str]:
    suite = tmp_path_factory.mktemp("suite") / "few.toml"
    suite.write_text(SUITE)
    words = ["bench", str(suite), "--data", str(products), "--backbone", f"onnx:{tiny_file}"]
    return [*words, "--output"]


@pytest.fixture(scope="module")
def measured(bench, tmp_path_factory) -> dict[str, object]:
    """The raw results of the suite, run here."""
    output = tmp_path_factory.mktemp("measured")
    golden(*bench, str(output))
    return raws(output)


def test_bench_gives_the_same_results_on_a_cluster(ray_runner, bench, measured, tmp_path):
    golden(*bench, str(tmp_path), "--runner", "auto")
    assert len(measured) == 3 * 2 * 2
    assert raws(tmp_path) == measured
    with pytest.raises(ValueError, match="--jobs must go with --runner here"):
        golden(*bench, str(tmp_path), "--runner", "auto", "--jobs", "2")


def test_bench_gives_the_same_results_though_workers_are_killed(
    ray_runner, bench, measured, tmp_path
):
    workers = {process for process, _ in ray_runner.run(tasks.identity, 0, range(8))}
    left = []

    def kill() -> None:
        while not list(tmp_path.glob("raw/*.json")):
            time.sleep(0.01)
        left.append(len(measured) - len(list(tmp_path.glob("raw/*.json"))))
        for worker in workers:
            os.kill(worker, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    golden(*bench, str(tmp_path), "--runner", "auto")
    killer.join()
    assert left[0] > 0
    assert not workers & {process for process, _ in ray_runner.run(tasks.identity, 0, range(8))}
    assert raws(tmp_path) == measured
    assert not list(tmp_path.rglob("*.partial"))


def child_of(process: int, name: str) -> int:
    """Return the child of a process with a name."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        number, rest = status.read_text().split(" (", 1)
        words = rest.rpartition(")")
        if words[0].startswith(name) and int(words[2].split()[1]) == process:
            return int(number)
    raise LookupError(name)


LOST_HEAD = """
import os, signal, sys
from pathlib import Path
import runner_tasks as tasks
from test_ray_runner import child_of
from goldensample.errors import RunnerError
from goldensample.ray_runner import open_runner

with open_runner("ray", Path(sys.argv[1])) as runner:
    results = runner.run(tasks.slowly, 600, range(runner.in_flight))
    print(next(results), flush=True)
    os.kill(child_of(os.getpid(), "gcs_server"), signal.SIGKILL)
    for results in (results, runner.run(tasks.times, 1, [1])):
        try:
            next(results)
        except RunnerError as error:
            print(error)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_a_cluster_of_its_own_is_quiet_and_a_lost_head_is_told(tmp_path):
    pytest.importorskip("ray", reason=MISSING)
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", LOST_HEAD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout.splitlines()
    assert (told[0], len(told), done.stderr, done.returncode) == ("0", 3, "", 0)
    assert all(line.startswith("the cluster's head, ") for line in told[1:])
    assert not list(tmp_path.iterdir())

"""Runners keep one promise; commands give the same files here and on a cluster."""

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import runner_tasks as tasks
from commands import golden_in_process
from conftest import check_same, few_shot_suite, fit, part, write_category
from ray_parts import NODE
from threadpoolctl import threadpool_limits

from goldensample import load, save
from goldensample.artifact.sharded import load_sharded
from goldensample.errors import GoldenError, ImageError, RunnerError
from goldensample.ray_runner import RayRunner
from goldensample.runners import local_runner

SUITE = few_shot_suite(["image_auroc"], [0], [1, 2])


@pytest.fixture(scope="module", params=["here", "ray"])
def runner(request):
    return local_runner if request.param == "here" else request.getfixturevalue("ray_runner")


def test_results_come_in_order(runner):
    assert list(runner.run(tasks.multiply, 3, range(20))) == [3 * item for item in range(20)]
    assert list(runner.run(tasks.multiply, 3, [])) == []


@pytest.mark.parametrize("error", [ImageError("a.png must be whole"), ValueError("k"), KeyError(1)])
def test_failures_arrive_as_themselves_at_their_place(runner, error):
    results = runner.run(tasks.raise_at_two, error, range(9))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(type(error)) as caught:
        next(results)
    assert type(caught.value) is type(error)
    assert caught.value.args == error.args
    assert list(results) == []


def test_items_are_taken_as_room_comes_free(runner):
    taken = []
    results = runner.run(tasks.multiply, 1, (taken.append(k) or k for k in range(20)))
    room = getattr(runner, "in_flight", 1)
    assert taken == []
    for done, result in enumerate(results):
        assert result == done
        assert len(taken) == min(20, done + room)


def test_shared_values_travel_once(runner):
    tasks.PickleCounter.count = 0
    found = list(runner.run(tasks.identify, tasks.PickleCounter(), range(8)))
    assert tasks.PickleCounter.count == (0 if runner is local_runner else 1)
    assert len(set(found)) == len({process for process, _ in found})  # one object a worker


def test_nothing_starts_while_the_oldest_is_waited_for(ray_runner, tmp_path):
    results = list(ray_runner.run(tasks.first_waits, str(tmp_path), range(12)))
    assert results == [ray_runner.in_flight - 1, *range(1, 12)]


def test_what_is_left_is_given_up(ray_runner, tmp_path):
    results = ray_runner.run(tasks.first_waits, str(tmp_path), range(1, 100))
    next(results)
    results.close()
    assert list(ray_runner.run(tasks.multiply, 1, range(3))) == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) <= ray_runner.in_flight


def test_an_error_that_cannot_be_sent_keeps_its_words(ray_runner):
    with pytest.raises(RuntimeError, match="TwoWordsError: odd error"):
        list(ray_runner.run(tasks.raise_unpicklable, 0, [1]))


def test_a_failure_says_where_it_was(ray_runner):
    with pytest.raises(ImageError, match="picture 5") as caught:
        list(ray_runner.run(tasks.raise_image_error, 0, [5]))
    assert "runner_tasks.py" in caught.value.__notes__[0]


def test_a_killed_worker_costs_nothing(ray_runner, tmp_path):
    assert list(ray_runner.run(tasks.die_once, str(tmp_path), range(6))) == list(range(6))
    assert {path.name for path in tmp_path.iterdir()} == {"1", "2"}


def test_a_task_that_kills_every_worker_ends_the_run(ray_runner, monkeypatch):
    monkeypatch.setattr("goldensample.ray_runner.runner.RETRIES", 1)
    with pytest.raises(RunnerError, match=r"it was lost, and .* at most after it"):
        list(ray_runner.run(tasks.die, 0, [1]))


def test_a_killed_machine_costs_nothing(cluster, ray_runner, tmp_path):
    node = cluster.add_node(**NODE)
    marks = {}

    def kill() -> None:
        """Kill the machine once three tasks and all states are at work, and let the others go."""
        while len(marks) < 3 + 3:
            marks.update({mark: mark.read_text() for mark in tmp_path.glob("*-*[0-9]")})
            time.sleep(0.02)
        cluster.remove_node(node, allow_graceful=False)
        for mark, machine in marks.items():
            if machine == node.node_id:
                with suppress(ProcessLookupError):
                    os.kill(int(mark.name.partition("-")[2]), signal.SIGKILL)
        (tmp_path / "go").touch()

    results = ray_runner.run(tasks.wait_at_others, str(tmp_path), range(8))
    assert next(results) == 0
    with ray_runner.create_states(tasks.make_list, 5, range(3)) as states:
        states.update(tasks.add, 7)
        killer = threading.Thread(target=kill)
        killer.start()
        assert states.update(tasks.wait_and_add, str(tmp_path)) == [13, 14, 15]
        killer.join()
        assert states.query(tasks.items_of, None) == [[5, item, 7, 1] for item in range(3)]
    assert list(results) == list(range(1, 8))
    assert {mark.name[:4] for mark in marks if marks[mark] == node.node_id} == {"task", "stat"}


@pytest.fixture(scope="module")
def kept(runner):
    with runner.create_states(tasks.make_list, 5, range(4)) as states:
        yield states


def test_states_change_by_what_they_are_told(kept):
    assert len(kept) == 4
    before = kept.query(tasks.items_of, None)
    assert before == [[5, item] for item in range(4)]
    assert kept.update(tasks.add, 7) == [12, 13, 14, 15]
    assert kept.query(tasks.items_of, None) == [[*one, 7] for one in before]


def test_a_failure_of_states_is_the_first_ones(kept):
    before = kept.query(tasks.items_of, None)
    with pytest.raises(KeyError) as caught:
        kept.update(tasks.append_and_fail, 8)
    assert type(caught.value) is KeyError
    assert caught.value.args == (1,)
    assert kept.query(tasks.items_of, None) == [[*one, 8] for one in before]


def test_large_messages_and_results(kept):
    message = np.arange(100_000.0)
    for item, result in enumerate(kept.query(tasks.scale_index, message)):
        assert np.array_equal(result, item * message)


def test_what_fails_to_be_made_says_so(runner):
    with (
        pytest.raises(ImageError, match="picture 3 must be whole"),
        runner.create_states(tasks.raise_image_error, 0, [3, 4]),
    ):
        pass


def test_a_state_that_is_lost_is_made_again(runner, tmp_path):
    with runner.create_states(tasks.make_list, 5, range(3)) as states:
        if runner is local_runner:
            (tmp_path / "once").touch()  # it has died
        states.update(tasks.add, np.float32(0.1))
        with pytest.raises(KeyError):
            states.update(tasks.append_and_fail, 2)
        states.update(tasks.scale_index, np.ones(100_000))
        first = states.query(tasks.process_id, None)
        found = states.update(tasks.die_once_add, (str(tmp_path / "once"), 9))
        assert found == [np.float32(0.1) + 16 + item for item in range(3)]
        assert states.query(tasks.items_of, None) == [
            [5, k, np.float32(0.1), 2, 9] for k in range(3)
        ]
        moved = [
            old != new for old, new in zip(first, states.query(tasks.process_id, None), strict=True)
        ]
    assert moved == [False, runner is not local_runner, False]


def test_a_message_that_kills_every_worker_ends_the_states(ray_runner, monkeypatch):
    monkeypatch.setattr("goldensample.ray_runner.states.RETRIES", 1)
    with (
        pytest.raises(RunnerError, match="at most after it"),
        ray_runner.create_states(tasks.make_list, 0, [1]) as states,
    ):
        states.update(tasks.die, 1)


def test_a_bank_in_shards_inspects_as_one_here(ray_runner, tiny, good_parts, tmp_path):
    path, picture = tmp_path / "part.golden", part(100, defect=True)
    save(fit(good_parts[:8], backbone=tiny, false_alarms=None), path)
    with load_sharded(path, ray_runner) as sharded:
        found = sharded.inspect(picture)
    check_same(found, load(path).inspect(picture))


def test_a_result_that_cannot_be_sent_says_so(ray_runner):
    with pytest.raises(TypeError, match="cannot pickle"):
        list(ray_runner.run(tasks.unpicklable, 0, [1]))


@pytest.fixture(scope="module")
def products(tmp_path_factory) -> Path:
    """Three products of eight good pictures and a defect, and one of none."""
    root = tmp_path_factory.mktemp("products")
    for number, name in enumerate(("bolt", "cap", "plate")):
        write_category(root / name, 100 * number, "dent", 8, 2)
    return root


@pytest.fixture(scope="module")
def fitted(products, tiny_file, tmp_path_factory) -> Path:
    """A file for each product, fitted here."""
    output = tmp_path_factory.mktemp("fitted")
    golden_in_process(*fit_each(products, tiny_file, output))
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
        golden_in_process(*words, "--backbone", f"onnx:{tiny_file}")
    assert alone.read_bytes() == (fitted / "cap.golden").read_bytes()


def test_each_product_gives_the_same_bytes_on_a_cluster(
    ray_runner, products, fitted, tiny_file, tmp_path
):
    told = golden_in_process(*fit_each(products, tiny_file, tmp_path), "--runner", "auto", "--json")
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
        golden_in_process(*words, "--runner", where)
    made = contents(some / "out")
    assert made == {name: contents(fitted)[name] for name in ("bolt.golden", "plate.golden")}


def test_finished_products_are_not_fitted_again(products, fitted, tiny_file, tmp_path):
    (tmp_path / "bolt.golden").write_bytes(b"finished")
    (tmp_path / "cap.golden").write_bytes(b"about to be replaced")
    (tmp_path / "cap.golden.partial").write_bytes(b"of something else")
    with pytest.raises(GoldenError, match=r"1 of 3 were not:\n  cap: .*golden.partial must be"):
        golden_in_process(*fit_each(products, tiny_file, tmp_path), "--resume")
    (tmp_path / "cap.golden.partial").unlink()
    (tmp_path / "cap.golden").unlink()
    assert "2 of 3 products" in golden_in_process(
        *fit_each(products, tiny_file, tmp_path), "--resume"
    )
    assert contents(tmp_path) == {**contents(fitted), "bolt.golden": b"finished"}


def test_wrong_use_of_each(products, tmp_path):
    one, many = str(tmp_path / "a.golden"), str(tmp_path / "out")
    wrong = {
        "PATH must name": ["-o", one],
        "must be a folder": ["--each", str(products), "-o", one],
        "from each sub-folder": [str(products), "--each", str(products), "-o", many],
        "one folder a product": ["--each", str(products / "cap/train/good"), "-o", many],
        "runner must be here": ["--each", str(products), "-o", many, "--runner", "dask"],
    }
    for words, given in wrong.items():
        with pytest.raises((ValueError, ImageError), match=words):
            golden_in_process("fit", *given)


def test_without_ray_it_says_how_to_have_it(products, bench, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    output = tmp_path / "out"
    for words in (["fit", "--each", str(products), "-o", str(output)], [*bench, str(output)]):
        with pytest.raises(RunnerError, match=r"extra \[ray\]; pip install"):
            golden_in_process(*words, "--runner", "ray")
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
    golden_in_process(*bench, str(output))
    return raws(output)


def test_bench_gives_the_same_results_though_workers_are_killed(
    ray_runner, bench, measured, tmp_path, monkeypatch
):
    workers = {process for process, _ in ray_runner.run(tasks.identify, 0, range(8))}
    run = RayRunner.run

    def killing(*given):
        """Kill all workers once there is a result; not all tasks have begun then."""
        results = run(*given)
        yield next(results)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        yield from results

    with monkeypatch.context() as patch:
        patch.setattr(RayRunner, "run", killing)
        golden_in_process(*bench, str(tmp_path), "--runner", "auto")
    assert len(measured) > ray_runner.in_flight
    assert not workers & {process for process, _ in ray_runner.run(tasks.identify, 0, range(8))}
    assert len(measured) == 3 * 2
    assert raws(tmp_path) == measured
    with pytest.raises(ValueError, match="--jobs must go with --runner here"):
        golden_in_process(*bench, str(tmp_path), "--runner", "auto", "--jobs", "2")

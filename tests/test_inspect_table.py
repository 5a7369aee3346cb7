"""`golden inspect --output`: each picture exactly once, and the same bytes whatever is lost."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import runner_tasks as tasks
from commands import golden_in_process
from conftest import fit, part
from ray_parts import NODE, RAY_ENVIRONMENT
from remote_parts import s3_store, serve_folder

from goldensample import Preparation, load, save
from goldensample.cli import table, table_part
from goldensample.errors import ArtifactError, GoldenError, StoreError
from goldensample.images.codec import encode_png, read_image
from goldensample.images.folder import Folder

COUNT, SIZE = 28, 8
"""Pictures, and pictures a part, so that there are four."""
BROKEN = "13.png"
DRIVER = (
    "from goldensample.cli import table; from goldensample.cli.app import main; "
    f"table.PART_SIZE = {SIZE}; main()"
)


@pytest.fixture(scope="module", autouse=True)
def small_parts():
    pytest.importorskip("pyarrow", reason="pip install 'goldensample[parquet]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "PART_SIZE", SIZE)
        yield


@pytest.fixture(scope="module")
def file(tiny, good_parts, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("fitted") / "part.golden"
    preparation = Preparation((48, 48), "stretch")
    save(fit(good_parts, backbone=tiny, preparation=preparation, false_alarms=0.1), path)
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Good pictures, every fifth with a defect, and a broken one."""
    root = tmp_path_factory.mktemp("pictures")
    for k in range(COUNT):
        (root / f"{k:02}.png").write_bytes(encode_png(part(100 + k, k % 5 == 0)))
    (root / BROKEN).write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def web(pictures):
    with serve_folder(pictures) as served:
        yield served
        served.release()


@pytest.fixture(autouse=True)
def fresh(request):
    """Forget what the web server was asked for."""
    yield
    if "web" in request.fixturenames:
        served = request.getfixturevalue("web")
        served.release()
        served.refused.clear()
        served.requests.clear()


@pytest.fixture(scope="module")
def whole(file, web, tmp_path_factory) -> bytes:
    """The table of a run that nothing has stopped, of the pictures by URL."""
    output = tmp_path_factory.mktemp("whole") / "a.parquet"
    golden("inspect", file, web.url, "--output", output)
    web.requests.clear()
    return output.read_bytes()


def golden(*words: object) -> str:
    """Run a command that may end with 2, as a picture is broken; return what it printed."""
    return golden_in_process(*words, allowed_codes=(2,))


def rows(data: bytes | Path) -> list[dict]:
    import pyarrow.parquet as pq

    return pq.read_table(io.BytesIO(data) if isinstance(data, bytes) else data).to_pylist()


def test_rows_are_what_json_says(file, pictures, tmp_path):
    output = tmp_path / "a.parquet"
    words = ("inspect", file, pictures, "--explain", "--mm-per-px", 0.5, "--smallest", 2)
    told = golden(*words, "--output", output)
    assert told.startswith(f"{output}: ")
    assert " of 28 defects, " in told
    assert " 1 could not be read, in " in told
    found = rows(output)
    lines = [json.loads(line) for line in golden(*words, "--json").splitlines() if line[0] == "{"]
    assert [row["picture"] for row in found] == [f"{k:02}.png" for k in range(COUNT)]
    for row, line in zip(found, lines, strict=True):
        assert row.pop("path") == str(pictures / row["picture"])
        assert row.pop("heat_map") is None
        assert (row.pop("digest") is None) == (row.pop("grey_levels") is None) == ("error" in line)
        line.pop("composition", None)  # the table has the score that decided alone
        assert {name: value for name, value in row.items() if name in line} == line
        assert all(row[name] is None for name in row.keys() - line.keys())
    assert sum(row["verdict"] == "defect" for row in found) >= 5
    assert all(row["regions"][0]["contour_px"] for row in found if row["regions"])
    assert [row["picture"] for row in found if row["error"]] == [BROKEN]
    assert not list(tmp_path.glob("*.partial"))


def test_a_table_says_how_it_was_made(file, pictures, tmp_path):
    import pyarrow.parquet as pq

    from goldensample import __version__

    output = tmp_path / "a.parquet"
    told = golden("inspect", file, pictures, "-o", output, "--json", "--threshold", 0)
    known = json.loads(told.splitlines()[-1])
    assert {kind: known[kind] for kind in ("pictures", "defect", "error")} == {
        "pictures": COUNT,
        "defect": COUNT - 1,
        "error": 1,
    }
    about = {k.decode(): v.decode() for k, v in pq.read_schema(output).metadata.items()}
    assert about["goldensample"] == __version__
    assert about["inspector"] == "part.golden"
    assert len(about["inspector_sha256"]) == 64
    assert about["precision"] == load(file).backbone.precision
    columns = pq.read_table(output, columns=["verdict", "threshold", "regions"]).to_pylist()
    assert {row["threshold"] for row in columns} == {0.0, None}
    for region in (one for row in columns for one in row["regions"] or ()):
        assert region["distance"] > 0
        assert region["contour_px"] is None  # only with --explain


def test_the_batch_changes_nothing(file, web, whole, tmp_path):
    golden("inspect", file, web.url, "-o", tmp_path / "a.parquet", "--batch", 1)
    assert (tmp_path / "a.parquet").read_bytes() == whole
    assert max(web.requests[f"/{k:02}.png"] for k in range(COUNT)) == 1


def test_heat_maps_are_in_the_scores_unit(file, pictures, tmp_path):
    maps = tmp_path / "maps"
    golden("inspect", file, pictures, "-o", tmp_path / "a.parquet", "--heat-maps", maps)
    inspector = load(file)
    for row in rows(tmp_path / "a.parquet"):
        if row["error"]:
            assert row["heat_map"] is None
            continue
        values = np.load(maps / row["heat_map"])
        expected = inspector.inspect(read_image(pictures / row["picture"])).heat_map
        assert values.dtype == np.float16
        assert np.array_equal(values, expected.astype(np.float16))
    assert sorted(path.name for path in maps.iterdir()) == [
        f"{k:02}.npy" for k in range(COUNT) if f"{k:02}.png" != BROKEN
    ]
    huge = np.load(io.BytesIO(table_part.encode_heat_map(np.float32([[1e9, -1e9]]))))
    assert huge.tolist() == [[65504, -65504]]


def test_a_store_that_fails_is_no_result_and_resume_goes_on(file, web, whole, tmp_path):
    output = tmp_path / "a.parquet"
    words = ("inspect", file, web.url, "-o", output)
    web.refused = {"/20.png": 503}
    with pytest.raises(StoreError, match=r"20\.png must be in a store that answers"):
        golden(*words)
    assert not output.exists()
    with pytest.raises(ArtifactError, match="must be of the same pictures, file and options"):
        golden(*words, "--threshold", 1, "--resume")
    web.refused.clear()
    asked = dict(web.requests)
    assert f"going on from the verdicts on {2 * SIZE} pictures" in golden(*words, "--resume")
    assert output.read_bytes() == whole
    assert all(web.requests[f"/{k:02}.png"] == asked[f"/{k:02}.png"] for k in range(2 * SIZE))
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    asked = dict(web.requests)
    assert "is finished already" in golden(*words, "--resume")
    assert all(web.requests[f"/{k:02}.png"] == asked[f"/{k:02}.png"] for k in range(COUNT))


def test_parts_of_another_run_are_replaced_and_that_is_told(file, web, whole, tmp_path):
    output = tmp_path / "a.parquet"
    web.refused = {"/20.png": 503}
    with pytest.raises(StoreError):
        golden("inspect", file, web.url, "-o", output, "--threshold", 1)
    (other,) = (tmp_path / "a.parquet.partial").iterdir()
    web.refused.clear()
    told = golden("inspect", file, web.url, "-o", output)
    assert "replacing a.parquet.partial of a stopped run" in told
    assert output.read_bytes() == whole
    assert not other.exists()


def test_a_damaged_part_is_refused(file, web, tmp_path):
    web.refused = {"/20.png": 503}
    words = ("inspect", file, web.url, "-o", tmp_path / "a.parquet")
    with pytest.raises(StoreError):
        golden(*words)
    (damaged,) = (tmp_path / "a.parquet.partial").glob("*/000001.parquet")
    damaged.write_bytes(damaged.read_bytes()[:-9])
    web.refused.clear()
    with pytest.raises(ArtifactError, match=r"000001\.parquet must be a whole part"):
        golden(*words, "--resume")
    damaged.unlink()
    assert " of 28 defects, " in golden(*words, "--resume")


def test_row_groups_are_filled_from_many_parts(monkeypatch, file, web, whole, tmp_path):
    import pyarrow.parquet as pq

    from goldensample.storage import verdict_table

    assert pq.ParquetFile(io.BytesIO(whole)).num_row_groups == 1
    monkeypatch.setattr(verdict_table, "ROWS", 2 * SIZE)
    golden("inspect", file, web.url, "-o", tmp_path / "a.parquet")
    found = pq.ParquetFile(tmp_path / "a.parquet")
    sizes = [found.metadata.row_group(k).num_rows for k in range(found.num_row_groups)]
    assert sizes == [2 * SIZE, COUNT - 2 * SIZE]
    assert rows(tmp_path / "a.parquet") == rows(whole)


def test_parts_of_an_earlier_version_are_joined_though_they_lack_columns(tmp_path):
    import pyarrow.parquet as pq

    from goldensample.storage import verdict_table

    rows = [{"picture": "a.png", "verdict": "good", "grey_levels": 32, "digest": "00"}]
    part = pq.read_table(io.BytesIO(verdict_table.encode(rows)))
    pq.write_table(part.drop_columns(["grey_levels", "digest"]), old := io.BytesIO())
    with open(tmp_path / "all.parquet", "wb") as file:
        counts = list(verdict_table.join([("old", old.getvalue(), ["a.png"])], file, {}))
    assert counts == [{"good": 1}]
    with open(tmp_path / "all.parquet", "rb") as file:
        assert list(verdict_table.read_facts(file)) == []  # what was not measured is not counted


def test_names_that_are_no_text_are_written_as_they_can_be(file, pictures, tmp_path):
    name = os.fsdecode(b"\xff.png")
    try:
        (tmp_path / name).write_bytes((pictures / "00.png").read_bytes())
    except OSError:
        pytest.skip("this disk takes no such names")
    golden("inspect", file, tmp_path, "-o", tmp_path / "a.parquet", "--heat-maps", tmp_path / "m")
    (row,) = rows(tmp_path / "a.parquet")
    assert row["picture"] == "\\udcff.png"
    assert (tmp_path / "m" / name.replace(".png", ".npy")).is_file()


def test_wrong_use_is_told(file, pictures, tmp_path, monkeypatch):
    words, output = ("inspect", file, pictures), ("-o", tmp_path / "a.parquet")
    for reason, given in {
        "--runner must go with an --output that ends in .parquet": ("--runner", "ray"),
        "--resume must go with an --output that ends in .parquet": ("--resume",),
        "--heat-maps must go with an --output that ends in .parquet": ("--heat-maps", tmp_path),
        "--report must go without an --output in .parquet": (*output, "--report", tmp_path),
        "--masks must go without an --output in .parquet": (*output, "--masks", tmp_path),
        "--coco must go without an --output in .parquet": (*output, "--coco", tmp_path / "a.json"),
        "--watch must go without an --output in .parquet": (
            *output,
            "--watch",
            tmp_path / "a.json",
        ),
        "--output must end in .csv, .xlsx or .parquet": ("-o", tmp_path / "a.txt"),
        "--runner must be here": (*output, "--runner", "dask"),
    }.items():
        with pytest.raises(ValueError, match=reason):
            golden(*words, *given)
    (tmp_path / "maps").write_bytes(b"")
    with pytest.raises(ArtifactError, match="maps"):
        golden(*words, *output, "--heat-maps", tmp_path / "maps")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(GoldenError, match=r"extra \[parquet\]; pip install"):
        golden(*words, *output)


def test_heat_maps_stay_in_their_folder(file):
    from goldensample.storage.output_folder import OutputFolder

    with pytest.raises(ArtifactError, match=r"must lie in maps; that of \.\./a\.png cannot"):
        table._check_heat_maps(["../a.png"], OutputFolder("maps"), "a.parquet")


def test_all_of_it_in_a_store(file, pictures, whole, tmp_path):
    with s3_store() as store:
        for path in pictures.iterdir():
            store.pipe_file(f"line/in/{path.name}", path.read_bytes())
        words = ("inspect", file, "s3://line/in", "-o", "s3://line/out/a.parquet")
        words = (*words, "--heat-maps", "s3://line/maps")
        golden(*words)
        made = store.cat_file("line/out/a.parquet")
        assert store.find("line/out") == ["line/out/a.parquet"]
        assert len(store.find("line/maps")) == COUNT - 1
        assert "is finished already" in golden(*words, "--resume")
        for here, there in zip(rows(whole), rows(made), strict=True):
            del here["path"], here["heat_map"], here["error"]
            assert here == {name: there[name] for name in here}
        other = f"line/out/a.parquet.partial/{8 * '0123'}/000000.parquet"
        store.pipe_file(other, b"of another run")
        store.rm("line/out/a.parquet")
        with pytest.raises(ArtifactError, match="must be of the same pictures"):
            golden(*words, "--resume")
        assert "replacing a.parquet.partial" in golden(*words)
        assert store.cat_file("line/out/a.parquet") == made
        for there in ("s3://none/a.parquet", "http://127.0.0.1:1/a.parquet"):
            with pytest.raises(GoldenError, match="must be"):
                golden("inspect", file, pictures, "-o", there)


def start_driver(words: tuple[object, ...], address: str | None = None) -> subprocess.Popen:
    """Start `golden` as a process of its own."""
    environment = {**os.environ, **RAY_ENVIRONMENT, **({"RAY_ADDRESS": address} if address else {})}
    command = [sys.executable, "-c", DRIVER, *map(str, words)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def stopped_in_the_middle(web, output: Path, words, address=None) -> None:
    """Start a run, and kill it with SIGKILL while it waits for pictures of the last part."""
    web.delayed = {"/26.png", "/27.png"}
    driver = start_driver(words, address)
    web.wait("/26.png")
    while not list(output.parent.glob("a.parquet.partial/*/000000.parquet")):
        assert driver.poll() is None
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert not output.exists()
    web.release()


def test_a_killed_run_goes_on(file, web, whole, tmp_path):
    output = tmp_path / "a.parquet"
    words = ("inspect", file, web.url, "-o", output)
    stopped_in_the_middle(web, output, words)
    assert f"verdicts on {3 * SIZE} pictures in a.parquet.partial" in golden(*words, "--resume")
    assert output.read_bytes() == whole


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            number, rest = status.read_text().split(" (", 1)
            if int(rest.rpartition(")")[2].split()[1]) == process:
                found.append(int(number))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_a_killed_worker_and_a_killed_machine_cost_nothing(
    cluster, ray_runner, file, web, whole, tmp_path
):
    """All four parts are under way when one of two workers is lost, and a machine with two more."""
    worker = min(process for process, _ in ray_runner.run(tasks.identify, 0, range(8)))
    machine = cluster.add_node(**{**NODE, "num_cpus": 2})
    held = {f"/{k:02}.png" for k in range(1, COUNT, SIZE)}
    web.delayed = set(held)

    def kill() -> None:
        web.wait(*held)
        raylet = machine.all_processes["raylet"][0].process.pid
        lost = [worker, *children_of(raylet)]
        cluster.remove_node(machine, allow_graceful=False)
        for process in lost:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        web.release()

    killer = threading.Thread(target=kill)
    killer.start()
    golden("inspect", file, web.url, "-o", tmp_path / "a.parquet", "--runner", "auto")
    killer.join()
    assert sum(web.requests[name] for name in held) == 4 + 3  # three were begun again
    assert (tmp_path / "a.parquet").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_a_killed_driver_goes_on(cluster, ray_runner, file, web, whole, tmp_path):
    output = tmp_path / "a.parquet"
    words = ("inspect", file, web.url, "-o", output, "--runner", "auto")
    stopped_in_the_middle(web, output, words, cluster.address)
    asked = web.requests["/00.png"]
    assert "going on from the verdicts on" in golden(*words, "--resume")
    assert web.requests["/00.png"] == asked == 1
    assert output.read_bytes() == whole


def test_workers_must_see_the_heat_maps(file, tmp_path):
    from goldensample.errors import RunnerError
    from goldensample.storage.output_folder import OutputFolder

    parts, heat_maps = (OutputFolder(str(tmp_path / name)) for name in "pm")
    outputs = table_part.OutputFolders(parts, heat_maps, ".mark")
    outputs.write_markers()
    inspector = load(file)
    regions = table_part.RegionOptions()
    options = table_part.InspectOptions(inspector.backbone.precision, None, regions)
    task = table_part.Task(file.read_bytes(), inspector, options, outputs, 8)
    some = table_part.Part(0, Folder(("a",), (tmp_path / "a.png",)))
    (tmp_path / "m/.mark").unlink()  # as a machine finds it that does not see the folder
    with pytest.raises(RunnerError, match=r"all machines must see the same .*m; .* share it"):
        table_part.inspect_part(task, some)


def test_heat_maps_of_one_name_are_refused_before_the_work(file, tmp_path):
    for name in ("a.png", "a.bmp"):
        (tmp_path / name).write_bytes(encode_png(part(1)))
    table, maps = tmp_path / "t.parquet", tmp_path / "maps"
    with pytest.raises(ArtifactError, match=r"a.bmp and a.png would both be a.npy; rename one"):
        golden_in_process("inspect", file, tmp_path, "--output", table, "--heat-maps", maps)
    assert not table.exists()

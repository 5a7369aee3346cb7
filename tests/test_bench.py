"""The harness on made pictures: raw results, resuming, jobs, tables, figures."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import few_shot_suite, load_script, tiny_onnx, write_category
from typer.testing import CliRunner

from goldensample.backbones.openvino import OpenVINOBackbone
from goldensample.bench.board import ResultsTable, merge_categories, read_results
from goldensample.bench.claims import check_claims
from goldensample.bench.data import find_categories
from goldensample.bench.features import CachingBackbone
from goldensample.bench.figures import METRICS
from goldensample.bench.measuring import shortest_decimal
from goldensample.bench.running import draw_shots
from goldensample.bench.runs import Networks
from goldensample.bench.suites import parse_suite, read_suite
from goldensample.bench.tables import tables
from goldensample.cli.app import app
from goldensample.errors import ArtifactError, ImageError
from goldensample.evaluation.picture_curves import PictureCurves
from goldensample.images.folder import open_images

SUITE = """
title = "Plates"
view = "table"
figures = ["image_auroc", "pixel_auroc", "misclassified"]
common = { resize = 64, crop = 56 }
[[panel]]
[[panel.entry]]
label = "PatchCore-10"
method = "patchcore"
[[panel.entry]]
label = "PatchCore-1"
method = "patchcore"
knobs = { coreset = 0.01 }
[[panel.entry]]
label = "DifferNet"
method = "not_yet"
[[claim]]
text = "more is better"
above = "PatchCore-10"
below = ["PatchCore-1"]
figure = "image_auroc"
"""
CURVE = few_shot_suite(["image_auroc", "pixel_auroc"], [0, 1], [1, 3])


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Two categories of small pictures with masks."""
    root = tmp_path_factory.mktemp("data") / "plates"
    for number, name in enumerate(("bottle", "plate")):
        write_category(root / name, 100 * number, "hole", 6, 4)
    return root


@pytest.fixture(scope="module")
def suites(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("suites")
    (folder / "plates.toml").write_text(SUITE)
    (folder / "few.toml").write_text(CURVE)
    return [str(folder / "plates.toml"), str(folder / "few.toml")]


def golden(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["bench", *words])
    assert (done.exit_code == 0) == (code == 0), (done.output, done.exception)
    return done.stdout


@pytest.fixture(scope="module")
def first(data, suites, tiny_file, tmp_path_factory) -> Path:
    """The results of both suites."""
    output = tmp_path_factory.mktemp("first")
    golden(*suites, *options(data, tiny_file, output))
    return output


def options(data: Path, tiny_file: Path, output: Path) -> list[str]:
    return ["--data", str(data), "--backbone", f"onnx:{tiny_file}", "--output", str(output)]


def scores(output: Path) -> dict[str, object]:
    """All raw results, without times and machine."""
    found = {}
    for path in (output / "raw").glob("*.json"):
        raw = json.loads(path.read_text())
        del raw["times"], raw["machine"]
        found[path.name] = raw
    return found


def board(data: Path, tiny_file: Path, output: Path) -> ResultsTable:
    results = read_results(output)
    given = find_categories([str(data)])
    return ResultsTable(given, Networks(f"onnx:{tiny_file}", {}), results, {})


def test_each_run_leaves_one_file_with_every_picture(first):
    found = scores(first)
    assert len(found) == 2 * 2 + 2 * 2 * 2  # entries and categories; values, seeds, categories
    for raw in found.values():
        assert len(raw["pictures"]["score"]) == len(raw["pictures"]["name"]) == 8
        assert raw["pictures"]["defect"].count(True) == 4
        assert raw["evaluation"]["image_auroc"] > 0.9
        assert raw["versions"]["goldensample"]


def test_a_second_run_of_two_jobs_gives_the_same_scores_and_figures(
    first, data, suites, tiny_file, tmp_path
):
    golden(*suites, *options(data, tiny_file, tmp_path), "--jobs", "2")
    assert scores(tmp_path) == scores(first)
    for name in ("tables/plates.md", "tables/few-1.csv", "figures/few.svg", "figures/few.png"):
        assert (tmp_path / name).read_bytes() == (first / name).read_bytes()


def test_what_is_done_is_not_done_again(first, data, suites, tiny_file):
    before = {path: path.stat().st_mtime_ns for path in (first / "raw").iterdir()}
    golden(*suites, *options(data, tiny_file, first))
    assert {path: path.stat().st_mtime_ns for path in (first / "raw").iterdir()} == before


def test_a_killed_run_goes_on_to_the_same_results(first, data, suites, tiny_file, tmp_path):
    words = ["bench", *suites, *options(data, tiny_file, tmp_path)]
    command = [sys.executable, "-m", "goldensample.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        while not list(tmp_path.glob("raw/*.json")) and run.poll() is None:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    assert len(scores(tmp_path)) < len(scores(first))
    golden(*suites, *options(data, tiny_file, tmp_path))
    assert scores(tmp_path) == scores(first)


def test_a_raw_file_holds_what_a_comparison_takes(first):
    for raw in scores(first).values():
        kept = PictureCurves.from_json(raw["curves"])
        assert kept.pro(np.ones((1, 8))) == pytest.approx(raw["evaluation"]["pro"], abs=0.01)
        assert len(json.dumps(raw["curves"])) < 8 * 1500


def test_only_and_list(data, suites, tiny_file, first, tmp_path):
    suites_alone = golden("--list").splitlines()
    assert suites_alone[0].startswith("table1 ")
    assert suites_alone[1].strip() == "lacks data: --data DIR"
    listed = golden(suites[0], *options(data, tiny_file, tmp_path), "--list", "--json")
    suite, *runs = [json.loads(line) for line in listed.splitlines()]
    assert suite["lacks"] == ["the method not_yet, which this version has not"]
    assert len(runs) == 4
    assert not any(run["done"] for run in runs)
    assert "done" in golden(suites[0], *options(data, tiny_file, first), "--list")
    golden(suites[0], *options(data, tiny_file, tmp_path), "--only", "plates.plate")
    assert len(scores(tmp_path)) == 2
    assert "not run yet" in (tmp_path / "tables/plates.md").read_text()


def test_tables_put_the_papers_numbers_beside_ours_and_mark_what_is_missing(first, data, tiny_file):
    suite = parse_suite("table1", SUITE, "table1.toml")
    (table,) = tables(suite, board(data, tiny_file, first))
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert rows["PatchCore-10"]["image AUROC, %: ours, bottle"] == "100.0"
    assert rows["PatchCore-10"]["paper, the same categories"] == "100.0"
    image = table.columns.index("paper")
    assert [row[image] for row in table.rows if row[0] == "PatchCore-10"] == ["99.0"]
    assert rows["PatchCore-10"]["plate"].startswith("100.0 (")
    assert rows["PaDiM*"]["image AUROC, %: ours, bottle"] == ""  # of the paper alone
    assert rows["DifferNet"]["plate"] == "— a"
    assert table.notes[0] == "a: needs the method not_yet, which this version has not"
    assert [note.partition(":")[0] for note in table.notes] == ["a", "DifferNet"]
    assert "| PatchCore-10 | 100.0 | 100.0 | 99.0 |" in table.markdown()
    assert table.csv().startswith("method,")


def test_a_table_by_category_says_where_data_is_to_be_had(first, data, tiny_file):
    suite = parse_suite("tableS1", SUITE.replace('"table"', '"categories"'), "tableS1.toml")
    (table,) = tables(suite, board(data, tiny_file, first))
    assert table.columns[:2] == ("method", "bottle")
    assert table.columns[-1] == "plate"
    assert any("MVTec AD (https://" in note for note in table.notes)
    assert ("PatchCore-10, paper", "100.0", "99.4") in [row[:3] for row in table.rows]


def test_claims_are_judged(first, data, tiny_file):
    suite = parse_suite("mine", SUITE, "mine.toml")
    (line,) = check_claims(suite, board(data, tiny_file, first))
    assert "more is better: no (PatchCore-10 100.0, PatchCore-1" in line or line.endswith("yes")
    nothing = ResultsTable([], Networks("builtin", {}), {}, {})
    (line,) = check_claims(read_suite("fig5"), nothing)
    assert "not known" in line


def test_the_page_joins_all(first, data, suites, tiny_file):
    page = (first / "README.md").read_text()
    assert "## Plates" in page
    assert "![Few plates](figures/few.svg)" in page
    assert "network: onnx:tiny.onnx" in page
    assert str(data.parent) not in page
    assert not any(str(data.parent) in path.read_text() for path in first.glob("raw/*"))
    assert "- plates: more is better: " in page


def test_views_need_no_data(first, suites, tiny_file, tmp_path):
    before = (first / "tables/plates.md").read_text()
    golden(*suites, "--backbone", f"onnx:{tiny_file}", "--output", str(first))
    assert (first / "tables/plates.md").read_text() == before
    known = merge_categories([], read_results(first))
    assert [category.name for category in known] == ["bottle", "plate"]


def test_mistakes_are_shown_with_masks_and_maps(data, suites, tiny_file, tmp_path):
    mine = tmp_path / "mistakes.toml"
    kept = SUITE.replace('"table"', '"mistakes"').replace("view", "maps = true\nview", 1)
    mine.write_text(kept.replace('method = "not_yet"', 'method = "patchcore"\nshots = 1'))
    golden(str(mine), *options(data, tiny_file, tmp_path))
    raws = [json.loads(path.read_text()) for path in (tmp_path / "raw").glob("*.json")]
    page = (tmp_path / "mistakes.html").read_text()
    wrong = sum(sum(raw["evaluation"]["misclassified"].values()) for raw in raws)
    assert page.count("<article") == wrong
    assert "<script" not in page
    assert len(list((tmp_path / "maps").glob("*.npz"))) == len(raws)


def test_several_networks_make_an_ensemble(data, tiny_file, tmp_path):
    mine = tmp_path / "both.toml"
    (tmp_path / "other.onnx").write_bytes(tiny_onnx(1))
    both = f'networks = ["onnx:{tiny_file}", "onnx:{tmp_path}/other.onnx"]'
    mine.write_text(SUITE.replace('label = "PatchCore-10"', f'label = "PatchCore-10"\n{both}'))
    golden(str(mine), *options(data, tiny_file, tmp_path), "--only", "bottle")
    raws = [json.loads(path.read_text()) for path in (tmp_path / "raw").glob("*.json")]
    named = sorted([n["name"] for n in raw["specification"]["networks"]] for raw in raws)
    assert named == [["onnx:tiny.onnx"], ["onnx:tiny.onnx", "onnx:other.onnx"]]


def test_times_are_taken_alone(data, tiny_file, tmp_path):
    mine = tmp_path / "timed.toml"
    mine.write_text(SUITE.replace("crop = 56", "crop = 56, timed = true"))
    golden(str(mine), *options(data, tiny_file, tmp_path), "--only", "bottle", "--jobs", "2")
    assert not (tmp_path / "features").exists()
    for raw in map(json.loads, (p.read_text() for p in (tmp_path / "raw").glob("*.json"))):
        assert raw["times"]["seconds_per_image"] > 0
        assert raw["specification"]["machine"]["cores"] >= 1


def test_kept_features_are_the_networks(tiny, tmp_path):
    pictures = np.random.default_rng(0).uniform(0, 255, (3, 3, 32, 32)).astype(np.float32)
    asked: list[int] = []

    class Counting(OpenVINOBackbone):
        def extract(self, pictures):
            asked.append(len(pictures))
            return super().extract(pictures)

    kept = CachingBackbone(Counting(tiny.network), tmp_path)
    expected = tiny.extract(pictures)
    kept.extract(pictures[:2])
    assert kept.network is tiny.network
    for _ in range(2):
        for ours, theirs in zip(kept.extract(pictures), expected, strict=True):
            assert np.array_equal(ours, theirs)
    assert asked == [2, 1]
    damaged = sorted(tmp_path.iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    for ours, theirs in zip(kept.extract(pictures), expected, strict=True):
        assert np.array_equal(ours, theirs)
    assert asked == [2, 1, 1]


def test_draws_hang_on_the_seed_alone(data):
    pictures = open_images(data / "plate/train/good")
    names = [draw_shots(pictures, 3, seed).names for seed in (0, 0, 1)]
    assert names[0] == names[1] != names[2]
    assert draw_shots(pictures, None, 0) is pictures
    assert len(set(names[0])) == 3


def test_scores_are_written_short_and_whole():
    score = float(np.float32(0.1))
    assert shortest_decimal(score) == 0.1
    assert np.float32(shortest_decimal(score)) == np.float32(score)


def test_data_that_is_wrong(data, tmp_path):
    with pytest.raises(ImageError, match="known layout"):
        find_categories([str(tmp_path)])
    with pytest.raises(ImageError, match=r"different names.*NAME=DIR"):
        find_categories([str(data), str(data)])
    again = find_categories([str(data), f"other={data}"])
    assert [category.data_set for category in again] == ["plates", "plates", "other", "other"]
    (alone,) = find_categories([str(data / "bottle")])
    assert (alone.data_set, alone.name, alone.train, alone.test) == ("bottle", "bottle", 6, 8)


def test_a_damaged_result_is_named(first, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"a\.json must be a result.*delete it"):
        read_results(tmp_path)


def test_a_trained_method_leaves_its_losses_and_is_run_once(data, tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch", reason="the extra [torch] is not installed")
    module = load_script("benchmarks/trained.py")
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    categories = find_categories([f"mvtec_ad={data / 'plate'}"])
    runs = list(module.plan(categories, Networks("builtin", {}), [1, 0], ["ganomaly"]))
    assert [(run.seed, run.knobs["budget"]) for run in runs] == [
        (seed, budget) for seed in (0, 1) for budget in ("hand", "quick")
    ]
    module.carry_out(runs[0])
    (path,) = tmp_path.glob("*.json")
    raw = json.loads(path.read_bytes())
    assert len(raw["losses"]) == 1  # before training
    assert METRICS["megabytes"].format(METRICS["megabytes"].read(raw)) == "42.9"
    assert "image_auroc" in capsys.readouterr().out
    module.carry_out(runs[0])  # is there already
    assert capsys.readouterr().out == ""
    raw["times"]["fit_seconds"] = module.LONG_S + 1
    path.write_text(json.dumps(raw))
    assert module.first_was_long(runs[2])
    assert not module.first_was_long(runs[3])

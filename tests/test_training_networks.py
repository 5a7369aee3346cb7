"""The trainer of the trained methods, and the commands that use them."""

import json

import numpy as np
import pytest
from commands import golden_in_process
from conftest import part, write_category
from picture_files import write_png

import goldensample
from goldensample import Preparation
from goldensample.calibration.conformal import FOLDS
from goldensample.cli import console
from goldensample.cli.fit_pictures import choose_held_out
from goldensample.errors import TrainingError
from goldensample.images.folder import read_images
from goldensample.methods.registry import METHODS
from goldensample.methods.trained import training
from goldensample.methods.trained.exporting import check_export
from goldensample.methods.trained.recipe import Schedule
from goldensample.records import silent
from test_trained_contract import pictures, small

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")
pytestmark = pytest.mark.usefixtures("one_torch_thread")

KNOBS = ["--method", "ganomaly", "--side", "16", "--latent", "8"]


@pytest.fixture(scope="module")
def category(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plates")
    write_category(folder, 0, "hole", train=8, test=3)
    return folder


@pytest.fixture(scope="module")
def file(category, tmp_path_factory):
    """A file fitted by the command, and what it printed."""
    path = tmp_path_factory.mktemp("fitted") / "plate.golden"
    words = [category / "train/good", "-o", path, *KNOBS, "--budget", "hand", "--epochs", "3"]
    printed = golden_in_process("fit", *words, "--false-alarms", "0")
    assert "ganomaly (budget hand, epochs 3," in printed
    return path


def test_the_file_says_how_long_was_trained(file):
    info = json.loads(golden_in_process("info", file, "--json"))
    assert (info["network"], info["budget"], info["epochs"]) == ("pixels", "hand", 3)
    assert info["knobs"]["device"] == "cpu"


def test_commands_work_with_it(file, category, tmp_path):
    found = json.loads(golden_in_process("inspect", file, category / "test/hole/0.png", "--json"))
    assert found["score"] > 0
    report = tmp_path / "report"
    words = ["evaluate", file, category, "--json", "--report", report]
    printed = golden_in_process(*words)
    assert 0 <= json.loads(printed.splitlines()[0])["image_auroc"] <= 1
    assert "ganomaly" in (report / "report.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="must be of a method without training; got ganomaly"):
        golden_in_process("export", file, "--to", "onnx")


def test_a_benchmark_runs_it_on_the_pixels(category, tmp_path):
    data, suite = tmp_path / "data/mvtec_ad", tmp_path / "suite.toml"
    write_category(data / "plate", 0, "hole", train=8, test=3)
    suite.write_text(
        'title = "Trained"\nview = "table"\nfigures = ["image_auroc"]\n'
        "common = { resize = 64, crop = 64 }\n"
        "[[panel]]\n[[panel.entry]]\n"
        'label = "GANomaly, untrained"\nmethod = "ganomaly"\n'
        'knobs = { side = 16, latent = 8, budget = "hand" }\n',
        encoding="utf-8",
    )
    golden_in_process("bench", suite, "--data", data, "--output", tmp_path / "out")
    (raw,) = (tmp_path / "out/raw").glob("*.json")
    result = json.loads(raw.read_text(encoding="utf-8"))
    assert result["specification"]["networks"][0]["name"] == "pixels"
    assert result["knobs"]["budget"] == "hand"


def test_epochs_by_hand_and_a_budget_exclude_each_other():
    with pytest.raises(ValueError, match=r"epochs must be 0 with --budget quick, .*; got 3"):
        METHODS["ganomaly"](budget="quick", epochs=3)


def test_few_pictures_are_trained_on_as_long_as_many():
    schedule = Schedule(pictures={"quick": 6400}, batch=64, learning_rate=1.0)
    settings = METHODS["ganomaly"](budget="quick")
    assert [schedule.epochs(settings, count) for count in (200, 64, 10)] == [32, 100, 100]


def test_training_makes_the_loss_smaller_and_none_leaves_it():
    losses = small("ganomaly", epochs=15).fit([pictures(12, 0)], silent).losses
    assert losses.shape == (16, 2)
    assert losses[-1, 0] < 0.7 * losses[0, 0]
    untrained = small("ganomaly", epochs=0).fit([pictures(12, 0)], silent)
    assert np.array_equal(untrained.losses, losses[:1])
    assert untrained.facts()["epochs"] == 0


def test_patience_stops_on_pictures_that_are_kept_out_and_takes_the_best():
    """The tenth picture alone is another: what is learned of the others makes it worse."""
    given = pictures(10, 0)
    given.maps[0][9] = 1 - given.maps[0][9]
    method = small("ganomaly", epochs=40, patience=4)
    detector = method.fit([given], silent)
    held_out = detector.losses[:, 2]
    best = int(held_out.argmin())
    assert len(held_out) == best + 1 + 4 < 41
    shorter = small("ganomaly", epochs=best, patience=40).fit([given], silent)
    assert np.array_equal(detector.model, shorter.model)


def test_gradients_are_clipped(monkeypatch):
    norms = []
    clip = torch.nn.utils.clip_grad_norm_

    def watch(parameters, largest):
        clip(parameters, largest)
        norms.append(float(clip(parameters, largest)))

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", watch)
    small("ganomaly").fit([pictures(12, 0)], silent)
    assert max(norms) <= 10.001
    assert len(norms) == 4


def test_without_torch_a_training_says_what_to_install(monkeypatch):
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r'pip install "goldensample\[torch\]"'):
        goldensample.fit([np.zeros((64, 64, 3), np.uint8)], method=small("ganomaly"))


def test_a_gpu_that_is_not_there_is_refused():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ValueError, match="device must be cpu where torch can use no GPU"):
        small("ganomaly", device="cuda").fit([pictures(2, 0)], silent)


def test_fits_without_each_fold_are_told(tiny, good_parts):
    """Where pictures are too few to hold some out, a method is fitted six times: it says so."""
    told = []
    goldensample.fit(
        good_parts[:20],
        backbone=tiny,
        method=METHODS["mean_map"](),
        preparation=Preparation((48, 48)),
        notify=lambda *step: told.append(step),
    )
    folds = [step for step in told if step[0] == "folds"]
    assert folds == [("folds", fold, FOLDS) for fold in range(1, FOLDS + 1)]


def test_it_is_said_beforehand_that_a_training_repeats(tmp_path, capsys):
    for seed in range(20):
        write_png(tmp_path / f"{seed}.png", part(seed))
    good = read_images(tmp_path)
    for method, rate, times in (("mean_map", 0.05, 0), ("ganomaly", 0, 0), ("ganomaly", 0.05, 1)):
        choose_held_out(good, METHODS[method](), rate, "auto")
        assert (
            capsys.readouterr().err.count(f"trained {FOLDS + 1} times; --false-alarms 0") == times
        )


def test_the_time_left_counts_from_the_end_of_the_stage_before(monkeypatch, capsys):
    clock = iter([0, 1, 81, 161])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    notify = console._line_notifier()
    for stage, done, total in (("training", 2, 2), ("folds", 1, 5), ("folds", 2, 5)):
        notify(stage, done, total)
    told = capsys.readouterr().err.splitlines()
    left = [line.rpartition(", ")[2] for line in told]
    assert left == ["about 5 min left of this step", "about 4 min left of this step"]


def test_an_export_that_answers_otherwise_is_an_error():
    expected = {"score": np.ones(1, np.float32), "map": np.ones((1, 2, 2), np.float32)}
    check_export(expected | {"map": expected["map"] + np.float32(5e-4)}, expected)
    for wrong in (1.01, np.nan):
        with pytest.raises(TrainingError, match="the map must be the same after export; it diff"):
            check_export(expected | {"map": expected["map"] * np.float32(wrong)}, expected)

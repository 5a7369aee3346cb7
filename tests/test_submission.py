"""A submission to MVTec AD 2's server, on small copies of its layout."""

import json
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import part, part_mask
from picture_files import save_picture
from PIL import Image
from typer.testing import CliRunner

from goldensample.bench.data import find_categories
from goldensample.bench.segmentation import Segmentation, segmentation_at_limit
from goldensample.bench.submission import MAPS, MASKS, OBJECTS, check_submission, encode_tiff
from goldensample.cli.app import app
from goldensample.errors import GoldenError
from goldensample.records import Inspection

tifffile = pytest.importorskip(
    "tifffile", reason="tifffile, of the extra [bench], is not installed"
)
PRIVATE = {"test_private": 2, "test_private_mixed": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """All eight objects, in pictures of different sizes."""
    root = tmp_path_factory.mktemp("data") / "mvtec_ad_2"
    for number, name in enumerate(OBJECTS):
        shape = (64, 64 + number)
        for folder, count in {"train/good": 4, "validation/good": 2, "test_public/good": 2}.items():
            for k in range(count):
                save_picture(
                    root / name / folder / f"{k:03d}_regular.png", part(10 + k, False, shape)
                )
        for k in range(2):
            bad = root / name / "test_public"
            save_picture(bad / f"bad/{k:03d}_shift_1.png", part(50 + k, True, shape))
            save_picture(bad / f"ground_truth/bad/{k:03d}_shift_1_mask.png", part_mask(shape))
        for split, count in PRIVATE.items():
            for k in range(count):
                save_picture(
                    root / name / split / f"{k:03d}_mixed.png", part(90 + k, k == 1, shape)
                )
    return root


def words(data: Path, tiny_file: Path, output: Path, submission: Path) -> list[str]:
    given = ["--data", str(data), "--backbone", f"onnx:{tiny_file}", "--only", ".patchcore."]
    return ["bench", "mvtec_ad_2", *given, "--output", str(output), "--submission", str(submission)]


def golden(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == code, (done.output, done.exception)
    return done.output if code == 0 else str(done.exception or done.output) + done.output


@pytest.fixture(scope="module")
def submitted(data, tiny_file, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("submitted")
    golden(*words(data, tiny_file, root / "results", root / "mine"))
    return root


def files_of(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_the_tree_holds_all_objects_and_nothing_else(data, submitted):
    expected = {
        f"{kind}/{name}/{split}/{k:03d}_mixed.{ending}"
        for kind, ending in ((MAPS, "tiff"), (MASKS, "png"))
        for name in OBJECTS
        for split, count in PRIVATE.items()
        for k in range(count)
    }
    assert set(files_of(submitted / "mine")) == expected
    for raw_file in (submitted / "results/raw").glob("*.json"):
        raw = json.loads(raw_file.read_text())
        name, limit = raw["specification"]["category"], raw["segmentation"]["limit"]
        for split, count in PRIVATE.items():
            for k in range(count):
                file = f"{name}/{split}/{k:03d}_mixed"
                values = tifffile.imread(submitted / "mine" / MAPS / f"{file}.tiff")
                above = np.asarray(Image.open(submitted / "mine" / MASKS / f"{file}.png"))
                assert (values.dtype, above.dtype) == (np.float16, np.uint8)
                size = (64, 64 + OBJECTS.index(name))
                assert values.shape == above.shape == size
                assert set(np.unique(above)) <= {0, 255}
                clear = np.abs(values - limit) > 0.01 * limit  # the map is rounded, the other not
                assert np.array_equal(above[clear] == 255, values[clear] > limit)


def test_the_archive_is_the_tree(submitted):
    with tarfile.open(submitted / "mine.tar.gz") as tar:
        members = {entry.name: tar.extractfile(entry).read() for entry in tar}
    assert members == files_of(submitted / "mine")


def test_the_suite_shows_its_measures(submitted):
    page = (submitted / "results/README.md").read_text()
    for title in ("PRO to 5 %", "pixel F1 at the validation pictures' limit"):
        assert title in page


def test_a_killed_submission_goes_on_to_the_same_archive(data, tiny_file, submitted, tmp_path):
    command = words(data, tiny_file, tmp_path / "results", tmp_path / "mine")
    words_of = [sys.executable, "-m", "goldensample.cli", *command]
    process = subprocess.Popen(words_of, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 200
    while not (done := sorted((tmp_path / "results").glob("private/*/*/*/*.tiff"))):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in done}
    golden(*command)
    assert {path: path.stat().st_mtime_ns for path in done} == before
    assert files_of(tmp_path / "mine") == files_of(submitted / "mine")
    assert (tmp_path / "mine.tar.gz").read_bytes() == (submitted / "mine.tar.gz").read_bytes()


def test_what_breaks_a_rule_is_named(data, tiny_file, submitted, tmp_path):
    import shutil

    categories = find_categories([str(data)])
    good = tmp_path / "good"
    shutil.copytree(submitted / "mine", good)
    check_submission(good, categories)
    picture = f"{MAPS}/can/test_private/000_mixed.tiff"
    mask = f"{MASKS}/can/test_private/000_mixed.png"
    values = tifffile.imread(good / picture)

    def refused(match: str, name: str, change) -> None:
        kept = (good / name).read_bytes() if (good / name).is_file() else None
        change(good / name)
        with pytest.raises(GoldenError, match=match):
            check_submission(good, categories)
        (good / name).unlink(missing_ok=True)
        if kept:
            (good / name).write_bytes(kept)

    def tiff(changed):
        return lambda path: tifffile.imwrite(path, changed)

    refused("must be whole; it lacks .*000_mixed.tiff", picture, Path.unlink)
    refused(
        "nothing else; it has .*notes.txt", f"{MAPS}/notes.txt", lambda path: path.write_text("x")
    )
    refused("must be float16 .* it is float32", picture, tiff(values.astype(np.float32)))
    refused("must be float16 of", picture, tiff(values[1:]))
    refused("must be float16 of", picture, tiff(values[None, None]))
    refused("must be finite", picture, tiff(values * np.float16("nan")))
    refused(
        "must be 0 or 255", mask, lambda path: save_picture(path, np.ones(values.shape, np.uint8))
    )
    check_submission(good, categories)
    with pytest.raises(GoldenError, match="below 65,504; got 70000"):
        encode_tiff(np.full((2, 2), 70000, np.float32))
    (good / "notes.txt").write_text("x")
    said = golden(*words(data, tiny_file, tmp_path / "results", good), code=1)
    assert "nothing else; it has notes.txt" in said
    assert not (tmp_path / "results/raw").exists()


def test_what_makes_no_submission_is_said_before_the_work(data, tiny_file, tmp_path):
    command = words(data, tiny_file, tmp_path / "results", tmp_path / "mine")
    two = [word if word != ".patchcore." else "mvtec" for word in command]
    two[two.index("mvtec_ad_2")] = str(_with_two(tmp_path))
    assert "choose one method by --only" in golden(*two, code=1)
    one = [word if word != str(data) else str(data / "can") for word in command]
    assert "must be one run on each of can, fabric" in golden(*one, code=1)
    assert not (tmp_path / "results/raw").exists()


def _with_two(folder: Path) -> Path:
    entry = '[[panel.entry]]\nlabel = "{0}"\nmethod = "{0}"\n'
    head = 'title = "two"\nview = "table"\nfigures = ["pro_5"]\n[[panel]]\n'
    path = folder / "two.toml"
    path.write_text(head + entry.format("patchcore") + entry.format("mean_map"))
    return path


def test_the_limit_and_f1_are_those_of_a_slow_reference():
    rng = np.random.default_rng(0)
    good = [rng.gamma(2, 1, (9, 7)).astype(np.float32) + 5 for _ in range(3)]
    tests = [
        (rng.gamma(2, 3, (9, 7)).astype(np.float32) + 5, rng.random((9, 7)) < 0.2) for _ in "ab"
    ]

    class Maps:
        def inspect_many(self, pictures):
            return (Inspection("", 0, None, picture, (0, 0, 9, 7), ()) for picture in pictures)

    counted = segmentation_at_limit(Maps(), good)
    pixels = np.concatenate([one.ravel() for one in good]).astype(float)
    assert counted.limit == pytest.approx(pixels.mean() + 3 * pixels.std(), rel=1e-12)
    for values, mask in tests:
        counted.add(values, mask)
    above = np.concatenate([(values > counted.limit).ravel() for values, _ in tests])
    truth = np.concatenate([mask.ravel() for _, mask in tests])
    precision, recall = truth[above].mean(), above[truth].mean()
    assert counted.as_json()["f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert Segmentation(1.0).as_json()["f1"] == 0
    assert segmentation_at_limit(Maps(), []) is None

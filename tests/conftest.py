"""What many tests share: a small real network, small real pictures, and the data beside us."""

import ctypes
import importlib.util
import json
import os
import shutil
import subprocess
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import settings

import goldensample
from goldensample.native import library

settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")  # no test hangs on luck, or on how busy the machine is
os.environ["LANGUAGE"] = "en"  # commands speak that of the environment
ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
fit = partial(goldensample.fit, precision="fp32")
"""The same on every processor: auto takes bf16 where it is."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files on real pictures: they take longest, and cores share tests by file."""
    real = {item.path for item in items if item.get_closest_marker("real")}
    items.sort(key=lambda item: item.path not in real)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real pictures and weights beside the project."""
    if not (SHARED / "data" / "README.md").is_file():
        pytest.skip("the real pictures beside the project (../shared) are not here")
    return SHARED


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL | None:
    """The compiled code as other processors have it; None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    sources = sorted(Path(library.__file__).parent.glob("*.c"))
    built = tmp_path_factory.mktemp("native") / "plain.so"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-fPIC", "-shared", "-DPLAIN"]
    subprocess.run([compiler, *flags, "-o", built, *sources, "-lm"], check=True)
    return library.load(built)


def conv_onnx(
    weights: list[np.ndarray],
    stride: int = 4,
    padding: int = 1,
    batch: str | int = "n",
    opset: int = 17,
) -> bytes:
    """A network of two levels, a convolution and a ReLU each, and a third without ReLU."""
    from onnx import TensorProto, helper, numpy_helper

    def value_info(name: str, depth: int, *size_hw: str | None):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, depth, *size_hw])

    nodes = [
        helper.make_node("Conv", ["image", "a"], ["ca"], strides=[stride, stride]),
        helper.make_node("Relu", ["ca"], ["level2"]),
        helper.make_node("Conv", ["level2", "b"], ["cb"], strides=[2, 2], pads=[padding] * 4),
        helper.make_node("Relu", ["cb"], ["level3"]),
        helper.make_node("Conv", ["level3", "c"], ["level4"]),
    ][: 2 * len(weights)]
    tensors = [
        numpy_helper.from_array(values.astype(np.float32), name)
        for name, values in zip("abc", weights, strict=False)
    ]
    levels = [value_info(f"level{k}", len(w), None, None) for k, w in enumerate(weights, 2)]
    graph = helper.make_graph(nodes, "tiny", [value_info("image", 3, "H", "W")], levels, tensors)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def tiny_onnx(seed: int = 0) -> bytes:
    """A network of two levels with fixed random weights: stride 4 with 6 maps, 8 with 10."""
    rng = np.random.default_rng(seed)
    shapes = [(6, 3, 4, 4), (10, 6, 3, 3), (2, 10, 3, 3)]
    return conv_onnx([rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape) for shape in shapes])


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network as a file."""
    path = tmp_path_factory.mktemp("network") / "tiny.onnx"
    path.write_bytes(tiny_onnx())
    return path


@pytest.fixture(scope="session")
def tiny(tiny_file: Path):
    """The tiny network, ready to run."""
    from goldensample import open_backbone

    return open_backbone(f"onnx:{tiny_file}")


@pytest.fixture(scope="module")
def one_torch_thread():
    """Torch has one thread in the tests of a file: tiny pictures are slower on more."""
    torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def check_same(inspection, expected) -> None:
    """Two inspections of one picture must be equal, bit for bit."""
    fields = ("score", "verdict", "p_value", "regions")
    assert [getattr(inspection, field) for field in fields] == [
        getattr(expected, field) for field in fields
    ]
    assert np.array_equal(inspection.heat_map, expected.heat_map)


def check_batch(inspector, pictures: list[np.ndarray]) -> None:
    """A batch must give what each picture gives alone."""
    for picture, inspection in zip(pictures, inspector.inspect_many(pictures), strict=True):
        check_same(inspection, inspector.inspect(picture))


def check_round_trip(inspector, path: Path, *pictures: np.ndarray):
    """Save and load an inspector; it must inspect as before. Return the loaded one."""
    from goldensample import Preparation, load, save
    from goldensample.artifact.header import build

    save(inspector, path)
    loaded = load(path)
    assert loaded.preparation == inspector.preparation
    values = json.loads(json.dumps(asdict(inspector.preparation)))
    assert build(Preparation, values) == inspector.preparation
    for picture in pictures:
        check_same(loaded.inspect(picture), inspector.inspect(picture))
    return loaded


def read_writable_parts(path: Path) -> tuple[dict, dict]:
    """Header and arrays of a `.golden` file, without what `write_parts` adds to the header."""
    from goldensample.artifact.container import read_parts

    header, arrays = read_parts(path)
    for key in ("format", "goldensample", "sha256"):
        del header[key]
    return header, arrays


def load_script(path: str) -> ModuleType:
    """Import a script by its path below the project."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def part(seed: int, defect: bool = False, shape: tuple[int, int] = (48, 48)) -> np.ndarray:
    """A small picture of a striped plate; a defect is a square at rows 20-30, columns 30-40."""
    rng = np.random.default_rng(seed)
    h, w = shape
    stripes = 120 + 40 * np.sin(np.arange(w) / 3.0)[None, :, None] * np.ones((h, 1, 3))
    picture = stripes + rng.normal(0, 6, (h, w, 3))
    if defect:
        picture[20:30, 30:40] = 10
    return np.clip(picture, 0, 255).astype(np.uint8)


def part_mask(shape: tuple[int, int] = (48, 48)) -> np.ndarray:
    """The mask of that defect, 255 where it is."""
    mask = np.zeros(shape, np.uint8)
    mask[20:30, 30:40] = 255
    return mask


def write_category(folder: Path, seed: int, defect: str, train: int, test: int) -> None:
    """Write pictures of 64 x 64 in MVTec AD's layout: `test` good ones and `test` of a defect."""
    from picture_files import save_picture

    for kind, count in (("train/good", train), ("test/good", test), (f"test/{defect}", test)):
        for k in range(count):
            pixels = part(seed + 10 * count + k, kind == f"test/{defect}", (64, 64))
            save_picture(folder / kind / f"{k}.png", pixels)
    for k in range(test):
        save_picture(folder / "ground_truth" / defect / f"{k}_mask.png", part_mask((64, 64)))


def few_shot_suite(figures: list[str], seeds: list[int], counts: list[int]) -> str:
    """The TOML of a suite of `golden bench` on few good pictures."""
    return f"""
title = "Few plates"
view = "curve"
figures = {json.dumps(figures)}
common = {{ resize = 64, crop = 56, seeds = {seeds} }}
[[panel]]
vary = "shots"
axis = "good pictures"
values = {counts}
[[panel.entry]]
label = "PatchCore-25"
method = "patchcore"
"""


@pytest.fixture(scope="session")
def good_parts() -> list[np.ndarray]:
    """Forty good pictures."""
    return [part(seed) for seed in range(40)]


@pytest.fixture(scope="module")
def product(tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small product of a station."""
    from station_parts import small_product

    return small_product(tiny, tmp_path_factory.mktemp("product"))


@pytest.fixture(scope="session")
def views(tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the views of a part; copy them before they change, as `bracket` does."""
    from part_files import fit_views

    folder = tmp_path_factory.mktemp("views")
    fit_views(tiny, folder)
    return folder


@pytest.fixture
def bracket(views: Path, tmp_path: Path) -> Path:
    """The file of a part of several views, beside those of its views."""
    from part_files import make_part

    return make_part(views, tmp_path / "files")


@pytest.fixture(scope="module")
def browser():
    """A browser, or a skipped test without one."""
    from browser_parts import start_browser

    with start_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def cluster():
    """A Ray cluster of two nodes."""
    from ray_parts import two_node_cluster

    with two_node_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def ray_runner(cluster, tmp_path_factory: pytest.TempPathFactory):
    """A runner on that cluster."""
    from goldensample.ray_runner import open_runner

    with open_runner("auto", tmp_path_factory.mktemp("out")) as runner:
        yield runner


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, tiny_file: Path) -> Path:
    """A data set in MVTec layout with a file fitted on it."""
    from commands import golden
    from picture_files import save_picture

    root = tmp_path_factory.mktemp("line")
    for k in range(40):
        save_picture(root / "train/good" / f"{k:03d}.png", part(k))
    for k in range(6):
        save_picture(root / "test/good" / f"{k:03d}.png", part(500 + k))
        save_picture(root / "test/spot" / f"{k:03d}.png", part(600 + k, defect=True))
        save_picture(root / "ground_truth/spot" / f"{k:03d}_mask.png", part_mask())
    done = golden(
        "fit", root / "train/good", "-o", root / "part.golden", "--backbone", f"onnx:{tiny_file}",
        "--size", "64x64",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return root

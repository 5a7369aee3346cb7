"""The examples, as programs of their own, say what `golden inspect` says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, fit, part
from PIL import Image

from goldensample import Inspector, PatchCore, Preparation
from goldensample.backbones.openvino import import_openvino
from goldensample.export.export import export
from goldensample.records import Picture

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def inspector(tiny, good_parts) -> Inspector:
    good = [Picture(f"good/{k}.png", pixels) for k, pixels in enumerate(good_parts)]
    plain = PatchCore(composition="off")  # a good picture has no region then
    return fit(good, backbone=tiny, method=plain, preparation=Preparation((48, 64)))


@pytest.fixture(scope="module")
def model(tmp_path_factory, inspector) -> Path:
    path = tmp_path_factory.mktemp("model") / "part.onnx"
    export(inspector, path, "onnx")
    return path


def picture(path: Path, defect: bool) -> np.ndarray:
    pixels = part(800, defect=defect, shape=(48, 56))
    Image.fromarray(pixels).save(path)
    return pixels


def run(*words: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def compare(said: str, inspector: Inspector, pixels: np.ndarray, named: bool) -> None:
    """Hold the four lines of an example against an inspection."""
    expected = inspector.inspect(pixels)
    score, verdict, heat, reason = said.splitlines()
    assert float(score.split()[1]) == pytest.approx(expected.score, rel=1e-3)
    assert verdict == f"verdict {expected.verdict}"
    row, column = np.unravel_index(expected.heat_map.argmax(), expected.heat_map.shape)
    assert float(heat.split()[2]) == pytest.approx(expected.heat_map.max(), rel=1e-3)
    assert heat.endswith(f"at row {row}, column {column}")
    names = [one.name for one in inspector.pictures]
    told = reason.removeprefix("nearest good patch: ").split(", row")[0]
    assert told in (names if named else [f"picture {k} of the contract" for k in range(len(names))])
    if expected.regions and named:
        assert told == expected.regions[0].reason.picture


@pytest.mark.parametrize("defect", [False, True])
def test_python(defect, inspector, model, tmp_path):
    pixels = picture(tmp_path / "new.png", defect)
    said = run(
        sys.executable, EXAMPLES / "onnxruntime_python/inspect_part.py", model, tmp_path / "new.png"
    )
    compare(said, inspector, pixels, named=True)


@pytest.fixture(scope="module")
def xml(tmp_path_factory, inspector) -> Path:
    path = tmp_path_factory.mktemp("xml") / "part.xml"
    export(inspector, path, "openvino")
    return path


@pytest.mark.parametrize("defect", [False, True])
def test_openvino_in_python(defect, inspector, xml, tmp_path):
    pixels = picture(tmp_path / "new.png", defect)
    said = run(
        sys.executable, EXAMPLES / "openvino_python/inspect_part.py", xml, tmp_path / "new.png"
    )
    compare(said, inspector, pixels, named=True)


@pytest.fixture(scope="module")
def inspect_part(tmp_path_factory) -> Path:
    """The C++ example, built with the headers and the library of OpenVINO's wheel."""
    if not shutil.which("g++"):
        pytest.skip("g++ is not installed")
    wheel = Path(import_openvino().__file__).parent
    libraries = wheel / "libs"
    names = [path.name for path in libraries.glob("libopenvino.so*")]
    if not names or not (wheel / "include/openvino/openvino.hpp").is_file():
        pytest.skip("this OpenVINO has no headers or library for g++")
    program = tmp_path_factory.mktemp("program") / "inspect_part"
    source = EXAMPLES / "openvino_cpp/inspect_part.cpp"
    where = ("-isystem", wheel / "include", f"-L{libraries}", f"-Wl,-rpath,{libraries}")
    run("g++", "-std=c++17", "-Wall", "-Werror", source, *where, f"-l:{names[0]}", "-o", program)
    return program


def test_openvino_in_cpp(inspector, xml, inspect_part, tmp_path):
    for defect in (False, True):
        expected = inspector.inspect(picture(tmp_path / "new.ppm", defect))
        score, verdict, heat = run(inspect_part, xml, tmp_path / "new.ppm").splitlines()
        assert float(score.split()[1]) == pytest.approx(expected.score, rel=1e-3)
        assert verdict == f"verdict {expected.verdict}"
        row, column = np.unravel_index(expected.heat_map.argmax(), expected.heat_map.shape)
        assert heat.endswith(f"at row {row}, column {column}")


def test_openvino_in_cpp_refuses_what_it_cannot_read(inspect_part, xml, tmp_path):
    (tmp_path / "cut.ppm").write_bytes(b"P6 4 4 255\n" + bytes(47))
    for name, words in (("cut.ppm", "must hold all of its pixels"), ("none.ppm", "binary PPM")):
        done = subprocess.run(
            [inspect_part, xml, tmp_path / name], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert words in done.stderr


def test_opencv(inspector, model, tmp_path):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed (pip install opencv-python)")
    if int(cv2.__version__.split(".")[0]) < 5:
        pytest.skip("OpenCV 5 is not installed")
    pixels = picture(tmp_path / "new.png", True)
    expected = inspector.inspect(pixels)
    program = EXAMPLES / "opencv_python/inspect_part.py"
    score, verdict = run(sys.executable, program, model, tmp_path / "new.png").splitlines()
    assert float(score.split()[1]) == pytest.approx(expected.score, rel=1e-3)
    assert verdict == f"verdict {expected.verdict}"


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Path:
    """The Node example, its packages installed."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    for file in ("package.json", "inspect.mjs"):
        shutil.copy(EXAMPLES / "onnxruntime_node" / file, folder)
    words = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund"]
    environment = {**os.environ, "npm_config_cache": str(folder / "cache")}
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    unreachable = ("ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ETIMEDOUT", "ECONNRESET")
    if any(word in done.stderr for word in unreachable):
        pytest.skip("the npm registry cannot be reached")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("defect", [False, True])
def test_node(defect, inspector, model, node, tmp_path):
    pixels = picture(tmp_path / "new.png", defect)
    said = run("node", node / "inspect.mjs", model, tmp_path / "new.png")
    compare(said, inspector, pixels, named=False)


def test_node_reads_jpeg(inspector, model, node, tmp_path):
    Image.fromarray(part(800, defect=True)).save(tmp_path / "new.jpg", quality=95, subsampling=0)
    score = run("node", node / "inspect.mjs", model, tmp_path / "new.jpg").split()[1]
    with Image.open(tmp_path / "new.jpg") as image:
        expected = inspector.inspect(np.asarray(image)).score
    assert float(score) == pytest.approx(expected, rel=0.02)  # another decoder, other roundings

"""The oldest ONNX Runtime that installs on Python 3.11 runs an export, with the same scores."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import fit, part

from goldensample import Preparation
from goldensample.export.export import export

OLDEST = ("onnxruntime==1.15.0", "numpy<2", "--only-binary=:all:")
PROGRAM = """
import sys
import numpy as np
import onnxruntime
assert onnxruntime.__version__ == "1.15.0" and np.__version__ < "2"
pictures = np.load(sys.argv[1])
found = {}
for model in sys.argv[2:]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    for key, picture in pictures.items():
        for name, value in zip(names, session.run(names, {"image": picture[None]})):
            found[f"{model} {key} {name}"] = value
np.savez(sys.argv[1], **found)
"""


@pytest.fixture(scope="module")
def oldest(tmp_path_factory) -> Path:
    """Python of an environment with the oldest runtime."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("ONNX Runtime 1.15 is for Python 3.11 at most")
    folder = tmp_path_factory.mktemp("oldest")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--retries=1"]
    done = subprocess.run(
        [*install, "--timeout=20", *OLDEST], capture_output=True, text=True, check=False
    )
    unreachable = ("Failed to establish a new connection", "NewConnectionError", "timed out")
    if any(words in done.stderr for words in unreachable):
        pytest.skip("the package registry cannot be reached")
    assert done.returncode == 0, done.stderr
    return python


def test_the_oldest_onnx_runtime_gives_the_same(oldest, tiny, good_parts, tmp_path):
    inspector = fit(good_parts, backbone=tiny, preparation=Preparation((48, 64)))
    models = [tmp_path / "any.onnx", tmp_path / "one.onnx"]
    for model, size_hw in zip(models, (None, (48, 48)), strict=True):
        export(inspector, model, "onnx", size_hw=size_hw)
    pictures = [part(900 + k, defect=k == 1) for k in range(2)]
    np.savez(tmp_path / "pictures.npz", *pictures)
    words = [oldest, "-c", PROGRAM, tmp_path / "pictures.npz", *models]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "pictures.npz")
    verdicts = set()
    for model in models:
        for key, pixels in enumerate(pictures):
            said = {name: found[f"{model} arr_{key} {name}"] for name in ("score", "verdict")}
            expected = inspector.inspect(pixels)
            assert said["score"][0] == pytest.approx(expected.score, rel=1e-5)
            assert bool(said["verdict"][0]) == (expected.verdict == "defect")
            heat_map = found[f"{model} arr_{key} heat_map"][0]
            np.testing.assert_allclose(heat_map, expected.heat_map, rtol=1e-4, atol=1e-5)
            verdicts.add(expected.verdict)
    assert verdicts == {"good", "defect"}

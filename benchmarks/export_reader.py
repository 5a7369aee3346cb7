"""One reader of exports, in an environment of its own: see export_readers.py.

`python export_reader.py READER MODEL PICTURES.npz` prints one line of JSON: for each picture its
score, the largest value of its heat map and the fastest of several runs in milliseconds of
processor time.
NumPy and the reader are all it needs.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

RUNS = 10
OUTPUTS = ["score", "heat_map"]
Run = Callable[[np.ndarray], list[np.ndarray]]


def onnxruntime(model: str) -> Run:
    """Run with ONNX Runtime's defaults."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return lambda picture: session.run(OUTPUTS, {"image": picture})


def openvino(model: str) -> Run:
    """Run with OpenVINO in float32."""
    import openvino

    config = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", config)
    ports = [compiled.output(name) for name in OUTPUTS]

    def run(picture: np.ndarray) -> list[np.ndarray]:
        results = compiled(picture)
        return [results[port].copy() for port in ports]

    return run


def opencv(model: str) -> Run:
    """Run with OpenCV's dnn; all outputs are asked for, OpenCV 5.0 gives no others."""
    import cv2

    network = cv2.dnn.readNetFromONNX(model)
    names = network.getUnconnectedOutLayersNames()

    def run(picture: np.ndarray) -> list[np.ndarray]:
        network.setInput(picture)
        found = dict(zip(names, network.forward(names), strict=True))
        return [found[name] for name in OUTPUTS]

    return run


def mnn(model: str) -> Run:
    """Convert with MNN's own converter, then run."""
    import MNN.nn

    converted = str(Path(model).with_suffix(".mnn"))
    words = ["-f", "ONNX", "--modelFile", model, "--MNNModel", converted, "--bizCode", "golden"]
    converter = str(Path(sys.executable).with_name("mnnconvert"))
    done = subprocess.run([converter, *words], capture_output=True, text=True, check=False)
    if not Path(converted).is_file():
        raise RuntimeError(f"mnnconvert: {(done.stdout + done.stderr).strip()[-300:]}")
    module = MNN.nn.load_module_from_file(converted, ["image"], OUTPUTS)

    def run(picture: np.ndarray) -> list[np.ndarray]:
        expr = MNN.expr
        given = expr.const(picture, picture.shape, expr.NCHW, expr.uint8)
        return [np.array(value.read()) for value in module.forward([given])]

    return run


def tract(model: str) -> Run:
    """Run with tract."""
    import tract

    runnable = tract.onnx().load(model).into_model().into_runnable()
    # its outputs have no names; score and heat map are the first two of an export
    return lambda picture: [value.to_numpy() for value in runnable.run([picture])[:2]]


READERS = {one.__name__: one for one in (onnxruntime, openvino, opencv, mnn, tract)}


def main() -> None:
    """Read the model, run it on every picture and print."""
    reader, model, pictures = sys.argv[1:]
    run = READERS[reader](model)
    found = []
    for picture in np.load(pictures).values():
        durations = []
        for _ in range(RUNS):
            start = time.process_time()
            score, heat_map = run(picture[None])
            durations.append(time.process_time() - start)
        largest = float(np.max(heat_map))
        one = {"score": float(np.ravel(score)[0]), "heat": largest, "ms": 1000 * min(durations)}
        found.append(one)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

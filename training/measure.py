"""Benchmark networks in interleaved rounds: `python -m training.measure a.onnx b.onnx`."""

import argparse
import io
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino
import torch

from training.teachers import resnet18

SIZE = 256
BANK_ROWS = 20_480


@dataclass(frozen=True)
class Runner:
    """A compiled network and a random memory bank of the depth of its patches."""

    name: str
    compiled: openvino.CompiledModel
    bank: np.ndarray


def teacher_bytes(weights: Path) -> bytes:
    """Return ResNet-18 to level 3 as ONNX."""
    buffer = io.BytesIO()
    picture = torch.zeros(1, 3, SIZE, SIZE)
    torch.onnx.export(resnet18(weights), (picture,), buffer, dynamo=False, opset_version=17)
    return buffer.getvalue()


def compile_runner(name: str, model: bytes, precision: str) -> Runner:
    """Compile a network at the fixed size and draw a bank for it."""
    core = openvino.Core()
    graph = core.read_model(model, b"")
    graph.reshape([1, 3, SIZE, SIZE])
    settings = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(graph, "CPU", settings)
    depth = sum(output.shape[1] for output in compiled.outputs)
    bank = np.random.default_rng(0).standard_normal((BANK_ROWS, depth)).astype(np.float32)
    return Runner(name, compiled, bank)


def network_ms(runner: Runner, picture: np.ndarray) -> float:
    """Return the milliseconds of the network."""
    started = time.perf_counter()
    runner.compiled(picture)
    return 1e3 * (time.perf_counter() - started)


def search_ms(runner: Runner) -> float:
    """Return the milliseconds of finding the nearest rows of one picture's patches."""
    started = time.perf_counter()
    queries = runner.bank[: (SIZE // 8) ** 2]
    (queries @ runner.bank.T).argmax(1)
    return 1e3 * (time.perf_counter() - started)


def main() -> None:
    """Print medians over interleaved rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--precision", default="f32")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    models = {"resnet18": teacher_bytes(options.shared / "weights")}
    models |= {path.name: path.read_bytes() for path in options.files}
    runners = [compile_runner(name, model, options.precision) for name, model in models.items()]
    picture = np.random.default_rng(0).standard_normal((1, 3, SIZE, SIZE)).astype(np.float32)
    # networks first, searches after: the matrix library's waiting threads slow the networks
    networks = [[network_ms(runner, picture) for runner in runners] for _ in range(options.rounds)]
    searches = [[search_ms(runner) for runner in runners] for _ in range(options.rounds)]
    minimum, median, search = np.min(networks, 0), np.median(networks, 0), np.median(searches, 0)
    for index, runner in enumerate(runners):
        share = median[index] / median[0]
        print(
            f"{runner.name}: network {median[index]:.2f} ms (least {minimum[index]:.2f}, "
            f"{share:.0%} of ResNet-18), search {search[index]:.1f} ms"
        )


if __name__ == "__main__":
    main()

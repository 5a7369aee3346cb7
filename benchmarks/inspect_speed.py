"""How fast pictures are inspected, stage by stage: `python benchmarks/inspect_speed.py`.

The built-in network, a bank of 10 % of bottle's good pictures at 256x256, and test pictures of
512x512 pixels as PNG and as JPEG files. Nothing else may run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

from goldensample import Preparation, fit, load, open_backbone, read_images, save
from goldensample.backbones.openvino import processor_has
from goldensample.features.extraction import BATCH, extract
from goldensample.fitting.precision import convert_precision
from goldensample.images.folder import Folder, open_images
from goldensample.inspection.inspector import Inspector, limit_blas_threads

RESULTS = Path(__file__).parent / "results"
COUNT = 200
START_SCRIPT = """
import sys
def before():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if "VmHWM" in line)
import numpy, scipy.sparse, PIL.Image, onnx
from goldensample.backbones.openvino import import_openvino
openvino = import_openvino()
from openvino import opset13 as ops
given = ops.parameter([1, 3, 8, 8], numpy.float32)
openvino.Core().compile_model(openvino.Model([ops.relu(given)], [given]), "CPU")
bare = before()
from goldensample import load
inspector = load(sys.argv[1])
image = numpy.asarray(PIL.Image.open(sys.argv[2]).convert("RGB"))
for _ in range(20):
    inspector.inspect(image)
print(bare, before())
"""


def per_picture_ms(call: Callable[[], object], count: int) -> float:
    """Return the milliseconds a picture of the faster of two runs."""
    durations = []
    for _ in range(2):
        start = perf_counter()
        call()
        durations.append(perf_counter() - start)
    return 1000 * min(durations) / count


def stages(inspector: Inspector, pictures: Folder) -> dict[str, float]:
    """Return what each stage takes alone, and all of them together."""
    decoded = list(pictures)
    batches = [decoded[k : k + BATCH] for k in range(0, len(decoded), BATCH)]
    preparation, network = inspector.preparation, inspector.backbone
    canvases = [np.stack([preparation.apply(p.pixels)[0] for p in batch]) for batch in batches]
    features = [extract(batch, preparation, network) for batch in batches]

    def score_batches() -> None:
        with limit_blas_threads():
            for batch, canvas, (maps, places) in zip(batches, canvases, features, strict=True):
                for k in range(len(batch)):
                    inspector._inspect_one(batch, maps, places, canvas, k)

    count = len(decoded)
    return {
        "decoding": per_picture_ms(lambda: list(pictures), count),
        "resizing": per_picture_ms(lambda: [preparation.apply(p.pixels) for p in decoded], count),
        "network": per_picture_ms(lambda: [network.extract(c) for c in canvases], count),
        "patches, search, map, one thread": per_picture_ms(score_batches, count),
        "all": per_picture_ms(lambda: list(inspector.inspect_many(pictures)), count),
        "one at a time, decoded": per_picture_ms(
            lambda: [inspector.inspect(p) for p in decoded], count
        ),
    }


def start_up_figures(file: Path, picture: Path) -> dict[str, float]:
    """Return seconds to the first verdict, for the import, and the memory of inspecting."""
    golden = str(Path(sys.executable).with_name("golden"))
    first_verdict_s, import_s = [], []
    for _ in range(5):
        start = perf_counter()
        subprocess.run([golden, "inspect", file, picture], check=True, capture_output=True)
        first_verdict_s.append(perf_counter() - start)
        command = [sys.executable, "-X", "importtime", "-c", "import goldensample"]
        import_log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        import_s.append(int(import_log.splitlines()[-1].split("|")[1]) / 1e6)
    command = [sys.executable, "-c", START_SCRIPT, str(file), str(picture)]
    memory = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    bare, peak = map(float, memory.split())
    return {
        "process start to first verdict, s": min(first_verdict_s),
        "import, s": min(import_s),
        "memory beyond bare runtimes, MB": peak - bare,
        "file, MB": file.stat().st_size / 1e6,
    }


def main() -> None:
    """Fit, measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    root = parser.parse_args().shared / "data/mvtec_ad/bottle"
    figures: dict[str, object] = {"threads": os.cpu_count()}
    with tempfile.TemporaryDirectory() as directory:
        for number, picture in zip(
            range(COUNT), 3 * list(read_images(root / "test")), strict=False
        ):
            small = Image.fromarray(picture.pixels).resize((512, 512), Image.Resampling.BICUBIC)
            for kind, options in (("png", {}), ("jpg", {"quality": 90})):
                path = Path(directory) / kind / f"{number}.{kind}"
                path.parent.mkdir(exist_ok=True)
                small.save(path, **options)
        file = Path(directory) / "bottle.golden"
        good = read_images(root / "train/good")
        square = Preparation((256, 256))
        save(
            fit(good, backbone=open_backbone("builtin"), preparation=square, precision="fp32"), file
        )
        inspector = load(file)
        for precision in [p for p in ("fp32", "bf16", "int8") if processor_has(p)]:
            for kind in ("png", "jpg"):
                pictures = open_images(Path(directory) / kind)
                figures[f"{precision}, {kind}, ms a picture"] = stages(
                    convert_precision(inspector, precision), pictures
                )
        figures["start"] = start_up_figures(file, Path(directory) / "png/0.png")
    print(json.dumps(figures, indent=1))
    (RESULTS / "inspect_speed.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

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
from goldensample.fitting.precision import at
from goldensample.images.folder import Folder, open_images
from goldensample.inspection.inspector import Inspector, one_thread_each

RESULTS = Path(__file__).parent / "results"
COUNT = 200
START = """
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


def per_picture_ms(work: Callable[[], object], count: int) -> float:
    """Return the milliseconds a picture of the faster of two runs."""
    taken = []
    for _ in range(2):
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    return 1000 * min(taken) / count


def stages(inspector: Inspector, pictures: Folder) -> dict[str, float]:
    """Return what each stage takes alone, and all of them together."""
    decoded = list(pictures)
    batches = [decoded[k : k + BATCH] for k in range(0, len(decoded), BATCH)]
    prepare, network = inspector.preparation, inspector.backbone
    canvases = [np.stack([prepare.apply(p.pixels)[0] for p in batch]) for batch in batches]
    features = [extract(batch, prepare, network) for batch in batches]

    def judge() -> None:
        with one_thread_each():
            for batch, (maps, places) in zip(batches, features, strict=True):
                for k in range(len(batch)):
                    inspector._judge(batch, maps, places, k)

    count = len(decoded)
    return {
        "decoding": per_picture_ms(lambda: list(pictures), count),
        "resizing": per_picture_ms(lambda: [prepare.apply(p.pixels) for p in decoded], count),
        "network": per_picture_ms(lambda: [network.extract(c) for c in canvases], count),
        "patches, search, map, one thread": per_picture_ms(judge, count),
        "all": per_picture_ms(lambda: list(inspector.inspect_many(pictures)), count),
        "one at a time, decoded": per_picture_ms(
            lambda: [inspector.inspect(p) for p in decoded], count
        ),
    }


def started(file: Path, picture: Path) -> dict[str, float]:
    """Return seconds to the first verdict, for the import, and the memory of inspecting."""
    golden = str(Path(sys.executable).with_name("golden"))
    first, imported = [], []
    for _ in range(5):
        began = perf_counter()
        subprocess.run([golden, "inspect", file, picture], check=True, capture_output=True)
        first.append(perf_counter() - began)
        words = [sys.executable, "-X", "importtime", "-c", "import goldensample"]
        said = subprocess.run(words, check=True, capture_output=True, text=True).stderr
        imported.append(int(said.splitlines()[-1].split("|")[1]) / 1e6)
    words = [sys.executable, "-c", START, str(file), str(picture)]
    memory = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    bare, peak = map(float, memory.split())
    return {
        "process start to first verdict, s": min(first),
        "import, s": min(imported),
        "memory beyond bare runtimes, MB": peak - bare,
        "file, MB": file.stat().st_size / 1e6,
    }


def main() -> None:
    """Fit, measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    root = parser.parse_args().shared / "data/mvtec_ad/bottle"
    found: dict[str, object] = {"threads": os.cpu_count()}
    with tempfile.TemporaryDirectory() as place:
        for number, picture in zip(
            range(COUNT), 3 * list(read_images(root / "test")), strict=False
        ):
            small = Image.fromarray(picture.pixels).resize((512, 512), Image.Resampling.BICUBIC)
            for kind, options in (("png", {}), ("jpg", {"quality": 90})):
                path = Path(place) / kind / f"{number}.{kind}"
                path.parent.mkdir(exist_ok=True)
                small.save(path, **options)
        file = Path(place) / "bottle.golden"
        good = read_images(root / "train/good")
        square = Preparation((256, 256))
        save(fit(good, backbone=open_backbone("builtin"), preparation=square), file)
        fitted = load(file)
        for precision in [p for p in ("fp32", "bf16", "int8") if processor_has(p)]:
            for kind in ("png", "jpg"):
                pictures = open_images(Path(place) / kind)
                found[f"{precision}, {kind}, ms a picture"] = stages(
                    at(fitted, precision), pictures
                )
        found["start"] = started(file, Path(place) / "png/0.png")
    print(json.dumps(found, indent=1))
    (RESULTS / "inspect_speed.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""One implementation of inspection, timed in a separate process by `inspect_peers.py`.

`python inspect_peer.py WHO FILE.golden PICTURE.npy ROWS NETWORK` prints milliseconds as JSON.
WHO is ours or authors (our environment; authors is a stand-in in torch) or anomalib (its own: in
torch, and exported to ONNX Runtime and OpenVINO). PICTURE is (1, 3, 224, 224) float32 in [0, 1].
NETWORK is timm's name; its levels are those of strides 8 and 16. The peers have random weights,
which changes nothing in their times: they search the whole bank.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

REPEATS, WARM_UP = 15, 3


def timed(call: Callable[[], object]) -> float:
    """Return the median milliseconds of a call."""
    for _ in range(WARM_UP):
        call()
    durations = []
    for _ in range(REPEATS):
        start = perf_counter()
        call()
        durations.append(perf_counter() - start)
    return 1000 * float(np.median(durations))


def ours(file: str, picture: np.ndarray, rows: int, name: str) -> dict[str, float]:
    """The inspector from the decoded picture to the heat map."""
    from goldensample import load
    from goldensample.backbones.openvino import processor_has
    from goldensample.features.extraction import as_picture, extract
    from goldensample.fitting.precision import convert_precision

    base_inspector = load(file)
    pixels = np.ascontiguousarray((picture[0] * 255).astype(np.uint8).transpose(1, 2, 0))
    canvas = base_inspector.preparation.apply(pixels)[0][None]
    times = {}
    for precision in [name for name in ("fp32", "bf16") if processor_has(name)]:
        inspector = convert_precision(base_inspector, precision)
        times[f"ours {precision}"] = timed(lambda used=inspector: used.inspect(pixels))
        times[f"ours {precision}, the network alone"] = timed(
            lambda used=inspector: used.backbone.extract(canvas)
        )
    features, _ = extract(
        [as_picture(pixels, 0)], base_inspector.preparation, base_inspector.backbone
    )
    patches, _ = base_inspector.detector.settings.patches_of(features, 0)
    search = base_inspector.detector._search(patches)
    times["ours, the search alone"] = timed(lambda: search.find(patches))
    times["ours, products left"] = search.share
    return times


def authors(file: str, picture: np.ndarray, rows: int, name: str) -> dict[str, float]:
    """A stand-in for the authors' code: timm's features, torch's pooling, FAISS's flat index."""
    import faiss
    import timm
    import torch
    from torch.nn import functional

    network = timm.create_model(
        name, features_only=True, out_indices=(2, 3), pretrained=False
    ).eval()
    index = faiss.IndexFlatL2(1024)
    index.add(np.random.default_rng(0).normal(size=(rows, 1024)).astype(np.float32))
    image = torch.from_numpy(picture)

    @torch.inference_mode()
    def inspect() -> None:
        levels = []
        for level in network(image):
            windows = functional.unfold(level, 3, padding=1)[0].T  # (cells, d·9)
            levels.append(functional.adaptive_avg_pool1d(windows[:, None], 1024)[:, 0])
        side = round(len(levels[1]) ** 0.5)
        grid = levels[1].T.reshape(1, 1024, side, side)
        fine = round(len(levels[0]) ** 0.5)
        wide = functional.interpolate(grid, (fine, fine), mode="bilinear", align_corners=False)
        joined = torch.cat([levels[0], wide[0].flatten(1).T], 1)
        patches = functional.adaptive_avg_pool1d(joined[:, None], 1024)[:, 0]
        index.search(np.ascontiguousarray(patches.numpy()), 1)

    return {"authors' stand-in, torch fp32": timed(inspect)}


def anomalib(file: str, picture: np.ndarray, rows: int, name: str) -> dict[str, float]:
    """anomalib's model, whose patches are the levels joined; in torch and exported."""
    import onnxruntime
    import openvino
    import torch
    from anomalib.models.image.patchcore.torch_model import PatchcoreModel

    layers = ("stages.1", "stages.2") if name == "resnetv2_50" else ("layer2", "layer3")
    model = PatchcoreModel(layers=layers, backbone=name, pre_trained=False).eval()
    depth = sum(model.feature_extractor.out_dims)  # the levels joined
    model.memory_bank = torch.randn(rows, depth, generator=torch.Generator().manual_seed(0))
    image = torch.from_numpy(picture)
    with torch.inference_mode():
        times = {"anomalib, torch fp32": timed(lambda: model(image))}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.onnx")
        torch.onnx.export(model, image, path, opset_version=17, dynamo=False)
        session = onnxruntime.InferenceSession(path)
        input_name = session.get_inputs()[0].name
        times["anomalib, ONNX Runtime fp32"] = timed(
            lambda: session.run(None, {input_name: picture})
        )
        core = openvino.Core()
        model = core.read_model(path)
        for precision in ("f32", "bf16"):
            if precision == "bf16" and "BF16" not in core.get_property(
                "CPU", "OPTIMIZATION_CAPABILITIES"
            ):
                continue
            compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})
            times[f"anomalib, OpenVINO {precision}"] = timed(lambda used=compiled: used(picture))
    return times


if __name__ == "__main__":
    who, file, picture, rows, name = sys.argv[1:6]
    ways = {"ours": ours, "authors": authors, "anomalib": anomalib}
    print(json.dumps(ways[who](file, np.load(picture), int(rows), name)))

"""Loss of accuracy by bf16 and int8: `python benchmarks/precision_quality.py`.

The built-in network and timm's ResNet-18 on bottle (10 %) and magnetic_tile (2 %), 256/224, no
re-tuning: one bank, made in fp32, asked in each precision that this processor has. ResNet-18's int8
form is made by NNCF from the set's own good pictures, as `golden fit --precision int8` does.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from goldensample import PatchCore, Preparation, evaluate, fit, open_backbone, read_images
from goldensample.backbones.openvino import OpenVINOBackbone, processor_has
from goldensample.fitting.precision import calibration_canvases, convert_precision
from goldensample.graphs.quantization import quantise

RESULTS = Path(__file__).parent / "results"
SQUARE = Preparation((256, 256), "stretch", (224, 224))
WEIGHTS = "weights/resnet18_imagenet_layer1-3.safetensors"


def main() -> None:
    """Fit, evaluate, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    shared = parser.parse_args().shared
    networks = {
        "builtin": open_backbone(),
        "resnet18": open_backbone("timm:resnet18", weights=shared / WEIGHTS),
    }
    figures: dict[str, dict[str, float]] = {}
    for folder, share in (("mvtec_ad/bottle", 0.1), ("magnetic_tile", 0.02)):
        good = read_images(shared / "data" / folder / "train/good")
        for name, network in networks.items():
            inspector = fit(
                good,
                backbone=network,
                method=PatchCore(coreset=share),
                preparation=SQUARE,
                false_alarms=None,
            )
            if not network.network.int8_graph:
                int8_network = quantise(network.network, calibration_canvases(inspector, good))
                inspector = replace(inspector, backbone=OpenVINOBackbone(int8_network))
            for precision in [p for p in ("fp32", "bf16", "int8") if processor_has(p)]:
                evaluation = evaluate(
                    convert_precision(inspector, precision), shared / "data" / folder
                )
                metrics = {"image": evaluation.image_auroc, "pixel": evaluation.pixel_auroc}
                figures[f"{folder}, {name}, {precision}"] = metrics
                print(folder, name, precision, metrics, flush=True)
                (RESULTS / "precision_quality.json").write_text(
                    json.dumps(figures, indent=1) + "\n"
                )


if __name__ == "__main__":
    main()

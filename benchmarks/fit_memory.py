"""Peak memory of a complete fit, ours and the authors' method: `python benchmarks/fit_memory.py`.

Both fit bottle's 209 good pictures at 224 pixels with timm's ResNet-18 (levels 2 and 3 pooled to
1024 values) to a bank of 10 %. The stand-in for the authors' code keeps all patches in float32 and
makes fifty of its picks, each of which costs the same.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
WEIGHTS = "resnet18_imagenet_layer1-3.safetensors"
AUTHORS = """
import sys
from pathlib import Path
import numpy as np, timm, torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional
network = timm.create_model("resnet18", features_only=True, out_indices=(2, 3))
network.load_state_dict(load_file(sys.argv[2]))
network.eval()
mean = torch.tensor((0.485, 0.456, 0.406)).view(1, 3, 1, 1)
std = torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1)
kept = []
with torch.inference_mode():
    for path in sorted(Path(sys.argv[1]).iterdir()):
        picture = Image.open(path).convert("RGB").resize((256, 256)).crop((16, 16, 240, 240))
        given = torch.from_numpy(np.asarray(picture)).permute(2, 0, 1)[None] / 255
        levels = []
        for level in network((given - mean) / std):
            windows = functional.unfold(level, 3, padding=1)[0].T
            levels.append(functional.adaptive_avg_pool1d(windows[:, None], 1024)[:, 0])
        coarse = levels[1].T.reshape(1, 1024, 14, 14)
        wide = functional.interpolate(coarse, (28, 28), mode="bilinear")[0].flatten(1).T
        joined = torch.cat([levels[0], wide], 1)
        kept.append(functional.adaptive_avg_pool1d(joined[:, None], 1024)[:, 0].numpy())
    features = torch.from_numpy(np.concatenate(kept))
    reduced = torch.nn.Linear(1024, 128, bias=False)(features)
    starts = reduced[torch.randperm(len(reduced))[:10]]
    nearest = torch.cdist(reduced, starts).mean(1, keepdim=True)
    for _ in range(50):
        pick = int(nearest.argmax())
        far = torch.cdist(reduced, reduced[pick : pick + 1])
        nearest = torch.minimum(nearest, far)
    bank = features[: len(features) // 10].clone()
"""


def peak_mb(command: list[str]) -> float:
    """Run a command as the only child of a process and return its peak resident megabytes."""
    script = (
        "import resource, subprocess, sys; "
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, *command], stdout=subprocess.PIPE, text=True, check=True
    )
    return float(process.stdout)


def main() -> None:
    """Measure both, and ours from an ONNX file, which needs no torch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    shared = parser.parse_args().shared
    good, weights = (
        str(shared / "data/mvtec_ad/bottle/train/good"),
        str(shared / "weights" / WEIGHTS),
    )
    golden = str(Path(sys.executable).with_name("golden"))
    common = ["--resize", "256x256", "--crop", "224", "--depth", "1024", "--false-alarms", "0"]
    with tempfile.TemporaryDirectory() as directory:
        output = ["--output", f"{directory}/a.golden"]
        timm = ["--backbone", "timm:resnet18", "--weights", weights]
        peaks = {
            "authors' stand-in": peak_mb([sys.executable, "-c", AUTHORS, good, weights]),
            "ours, timm:resnet18": peak_mb([golden, "fit", good, *output, *timm, *common]),
            "ours, built-in network": peak_mb([golden, "fit", good, *output, *common[:4]]),
        }
    for name, value in peaks.items():
        print(f"{name:28}{value:8.0f} MB")
    (RESULTS / "fit_memory.json").write_text(json.dumps(peaks, indent=1) + "\n")


if __name__ == "__main__":
    main()

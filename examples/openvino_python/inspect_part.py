"""Inspect a picture with an exported model: NumPy, Pillow and OpenVINO are all it takes.

python inspect_part.py part.xml PICTURE
"""

import json
import sys

import numpy as np
import openvino
from PIL import Image, ImageOps

path, picture = sys.argv[1:]
core = openvino.Core()
model = core.read_model(path)
contract = json.loads(model.get_rt_info(["goldensample"]).astype(str))
# by default OpenVINO computes in bfloat16 where the processor can: ask for float32
compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

# as decoded, upright, RGB, 8 bits: the model resizes and normalises by itself
image = ImageOps.exif_transpose(Image.open(picture)).convert("RGB")
results = compiled(np.asarray(image)[None])
found = {name: results[port] for port in compiled.outputs for name in port.names}

print(f"score {found['score'][0]:.6f}")
if "verdict" in found:  # a model without a threshold has none
    print("verdict", "defect" if found["verdict"][0] else "good")

heat = found["heat_map"][0]
row, column = np.unravel_index(heat.argmax(), heat.shape)
print(f"largest heat {heat.max():.6f} at row {row}, column {column}")

# the worst patch, and the good patch that comes nearest to it
distance = found["distance"][0]
worst = np.unravel_index(distance.argmax(), distance.shape)
number, good_row, good_column = found["reason"][0][worst]
name = contract["pictures"][int(number)]
print(f"nearest good patch: {name}, row {good_row:.0f}, column {good_column:.0f}")

"""Inspect a picture with an exported model: NumPy, Pillow and ONNX Runtime are all it takes.

python inspect_part.py part.onnx PICTURE
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

model, picture = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
contract = json.loads(session.get_modelmeta().custom_metadata_map["goldensample"])

# as decoded, upright, RGB, 8 bits: the model resizes and normalises by itself
image = ImageOps.exif_transpose(Image.open(picture)).convert("RGB")
names = [output.name for output in session.get_outputs()]
found = dict(zip(names, session.run(names, {"image": np.asarray(image)[None]}), strict=True))

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

#!/bin/sh
# openvino-model-api 0.4.7: whether an anomaly model gets pixels from 0 to 1 or from 0 to 255 depends on its
# shape. A good guess: a program that loads two exports of one model, of any size and of one size, gets the
# same from both. In fact AnomalyDetection divides by 255 where height and width are open, and passes 0 to 255
# on where they are fixed, unless the model's rt_info holds scale_values of 255 (then both get 0 to 1).
# Guard in the product: graphs/anomalib.py writes scale_values; tests/test_export_anomalib.py reads both forms.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet openvino-model-api==0.4.7 openvino==2026.4.1 opencv-python-headless==4.14.0.94 numpy==2.2.6 pillow==13.0.0
"$here/env/bin/python" - "$here" <<'PROGRAM'
import sys
from importlib.metadata import version

import numpy as np
import openvino as ov
from model_api.models import AnomalyDetection
from openvino import opset13 as ops


def model(height, width, scale):
    """Return a model with the four outputs, whose score is the largest value that it was given."""
    picture = ops.parameter([1, 3, height, width], np.float32, name="input")
    score = ops.reduce_max(picture, [1, 2, 3], keep_dims=False)
    label = ops.greater(score, ops.constant(np.float32(0.5)))
    plane = ops.reduce_mean(picture, [1], keep_dims=True)
    outputs = {
        "pred_score": score,
        "pred_label": label,
        "anomaly_map": plane,
        "pred_mask": ops.greater(plane, ops.constant(np.float32(0.5))),
    }
    for name, node in outputs.items():
        node.output(0).set_names({name})
    built = ov.Model(list(outputs.values()), [picture])
    built.inputs[0].set_names({"input"})
    built.set_rt_info("AnomalyDetection", ["model_info", "model_type"])
    if scale:
        built.set_rt_info("255.0 255.0 255.0", ["model_info", "scale_values"])
    return built


white = np.full((32, 40, 3), 255, np.uint8)
found = {}
for shape in ((-1, -1), (32, 40)):
    for scale in (False, True):
        path = f"{sys.argv[1]}/model.xml"
        ov.save_model(model(*shape, scale), path, compress_to_fp16=False)
        result = AnomalyDetection.create_model(path, device="CPU")(white)
        found[shape, scale] = round(float(result.pred_score), 3)
print(f"openvino-model-api {version('openvino-model-api')}, openvino {version('openvino')}")
for (shape, scale), value in found.items():
    size = "any size" if shape[0] < 0 else "one size"
    print(f"{size:9} scale_values {'255' if scale else 'none':5} a white pixel arrives as {value}")
assert found == {
    ((-1, -1), False): 1.0,
    ((-1, -1), True): 1.0,
    ((32, 40), False): 255.0,
    ((32, 40), True): 1.0,
}, found
PROGRAM

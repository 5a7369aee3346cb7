#!/bin/sh
# pycocotools 2.0.11: a result that holds a mask and its box loses the mask's area in loadRes.
# A good guess: a box beside a mask adds information. In fact loadRes looks for "bbox" first and
# then sets "area" to width times height, so that small, medium and large are told apart wrongly.
# Guard in the product: `golden inspect --coco-results` writes no boxes (tests/test_regions.py).
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet pycocotools==2.0.11 numpy==2.2.6
"$here/env/bin/python" -W ignore - <<'EOF'
import contextlib
import io
from importlib.metadata import version

import numpy as np
from pycocotools import mask
from pycocotools.coco import COCO

ring = np.zeros((20, 20), np.uint8)
ring[2:17, 2:17] = 1
ring[6:12, 6:12] = 0
encoded = mask.encode(np.asfortranarray(ring))
encoded["counts"] = encoded["counts"].decode()
result = {"image_id": 1, "category_id": 1, "segmentation": encoded, "score": 0.9}
areas = {}
for name, extra in (("mask alone", {}), ("mask and box", {"bbox": [2, 2, 15, 15]})):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": 1, "width": 20, "height": 20}],
            "annotations": [],
            "categories": [{"id": 1, "name": "defect"}],
        }
        truth.createIndex()
        loaded = truth.loadRes([{**result, **extra}])
    (annotation,) = loaded.dataset["annotations"]
    areas[name] = int(annotation["area"])
print("pycocotools", version("pycocotools"), "area of a ring of", int(ring.sum()), "pixels:", areas)
assert areas == {"mask alone": 189, "mask and box": 225}, areas
EOF

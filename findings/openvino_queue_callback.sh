#!/bin/sh
# OpenVINO 2026.4.1: AsyncInferQueue.set_callback while a request of the queue is under way.
# A good guess: the requests that are started next get the new callback, or the call waits for its turn.
# But it raises "Infer Request is busy", and a queue has one callback for all who use it: so two threads that
# each set a callback and start requests in one queue either get this error or each other's results.
# Guard in the product: one caller at a time has the queue (backbones/openvino.py);
# tests/test_open_backbone.py has four threads in it.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet openvino==2026.4.1 numpy==2.2.6
"$here/env/bin/python" - <<'EOF'
import numpy as np
import openvino
from openvino import opset13 as ops

x = ops.parameter([1, 1500, 1500], np.float32)
y = x
for _ in range(6):  # long enough to be under way when the next line of this script runs
    y = ops.relu(ops.matmul(y, x, False, False))
model = openvino.Model([y], [x], "long")
compiled = openvino.Core().compile_model(model, "CPU")
queue = openvino.AsyncInferQueue(compiled, 1)
print("OpenVINO", openvino.__version__)

heard = []
queue.set_callback(lambda request, who: heard.append(("first callback", who)))
queue.start_async({0: np.full((1, 1500, 1500), 1e-3, np.float32)}, userdata="first caller")
try:
    queue.set_callback(lambda request, who: heard.append(("second callback", who)))
except RuntimeError as error:
    said = str(error)
else:
    raise SystemExit("a callback can be set now while a request is under way")
finally:
    queue.wait_all()
print("while a request is under way:", said)
assert "busy" in said
queue.set_callback(lambda request, who: heard.append(("second callback", who)))
queue.start_async({0: np.full((1, 1500, 1500), 1e-3, np.float32)}, userdata="first caller")
queue.wait_all()
print("whoever starts a request, the last callback hears of it:", heard)
assert heard == [("first callback", "first caller"), ("second callback", "first caller")]
EOF

#!/bin/sh
# PyAV 16.0.1: options that FFmpeg does not know are passed over in silence.
# A good guess: av.open(..., options={...}) refuses a name that no format or protocol has. In fact it
# opens and says nothing, so a misspelt option does nothing; a known one with a value out of range is
# refused.
# Guard in the product: names of --camera-option are looked up first (tests/test_station_cameras.py).
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet av==16.0.1 numpy==2.2.6
"$here/env/bin/python" - "$here/clip.mkv" <<'EOF'
import sys

import av
import numpy as np

path = sys.argv[1]
with av.open(path, "w") as container:
    stream = container.add_stream("mpeg4", rate=5)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for level in (0, 80, 160):
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
    container.mux(stream.encode())

with av.open(path, options={"probsize": "1000000"}) as container:  # probesize, misspelt
    frames = len(list(container.decode(video=0)))
print("PyAV", av.__version__, "opened with an unknown option; frames", frames)
assert frames == 3, frames
try:
    av.open(path, options={"probesize": "1"})
except av.FFmpegError as error:
    print("a known option with a value out of range:", type(error).__name__)
else:
    raise AssertionError("a value out of range was taken")
EOF

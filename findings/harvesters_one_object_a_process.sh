#!/bin/sh
# harvesters 1.4.3 with genicam 1.6.0: of two Harvester objects in one process the second sees no camera.
# A good guess: each object loads the producer and lists its devices, or the second load is an error. In
# fact the second update() ends without an error, and its list is empty: a station with two cameras, each
# with an object of its own, would say that the second one is not plugged in. (One object for all would
# not do either: update(), which finds a camera that came back, closes the open ones.)
# Guard in the product: each camera is a process of its own (tests/test_station_genicam.py).
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet harvesters==1.4.3 genicam==1.6.0 numpy==2.2.6
"$here/env/bin/python" - <<'EOF'
from pathlib import Path

import genicam
from harvesters.core import Harvester

producer = str(Path(genicam.__file__).parent / "viky.cti")
counts = []
objects = []
for _ in range(2):
    harvester = Harvester()
    harvester.add_file(producer, check_existence=True, check_validity=True)
    harvester.update()
    counts.append(len(harvester.device_info_list))
    objects.append(harvester)
print("cameras seen by the first and the second object:", counts)
assert counts == [3, 0], counts

camera = objects[0].create({"serial_number": "0"})
camera.start()
assert camera.try_fetch(timeout=3, is_raw=True) is not None
objects[0].update()
try:
    is_open = camera.is_valid()
except AttributeError:
    is_open = True
print("an open camera after update() of its object: valid", is_open)
assert not is_open
EOF

#!/bin/sh
# The compiled code under the address and undefined-behaviour sanitizers of the C compiler: a read or
# write beyond an array ends the tests. Usage: sanitized.sh PYTHON, from the repository's root.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cp -r src "$here"
native="$here/src/goldensample/native"
rm -f "$native"/_native_*
digest=$(PYTHONPATH="$here/src" "$1" -c \
    "from goldensample.native.library import source_digest; print(source_digest())")
cc -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-math-errno -Wno-psabi \
    -fPIC -shared -fvisibility=hidden -o "$native/_native_$digest.so" "$native"/*.c -lm
# Python itself is not built with the sanitizers: their library must come first, and Python's own
# leaks are not our business
LD_PRELOAD="$(cc -print-file-name=libasan.so):$(cc -print-file-name=libubsan.so)" \
    ASAN_OPTIONS=detect_leaks=0 PYTHONPATH="$here/src" OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
    "$1" -m pytest -q -p no:cacheprovider tests/test_pruned_search.py tests/test_exact_search.py \
    tests/test_compiled_coreset.py tests/test_png_pixels.py tests/test_preparation.py

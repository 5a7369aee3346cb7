"""What a fit saves changes no bit of it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from goldensample.backbones.openvino import OpenVINOBackbone
from goldensample.errors import WeightsError
from goldensample.fitting.fit import fit_detector
from goldensample.graphs.open_backbone import open_backbone
from goldensample.methods.patchcore import PatchCore
from goldensample.records import Features, silent
from goldensample.runners import local_runner


@pytest.mark.parametrize("threads", [2, 4])
def test_the_number_of_cores_changes_no_bit_of_a_bank(threads):
    draw = np.random.default_rng(0).standard_normal
    maps = tuple(draw((6, d, k, k)).astype("f4") for d, k in ((64, 32), (128, 16)))
    features = [Features(maps, np.ones((6, 32, 32), bool))]
    arrays = []
    for count in (1, threads):
        with threadpool_limits(count, user_api="blas"):
            arrays.append(fit_detector(PatchCore(), features, silent, local_runner).arrays())
    for name, array in arrays[0].items():
        np.testing.assert_array_equal(array, arrays[1][name])


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_shapes_are_those_of_a_run(precision):
    backbone = OpenVINOBackbone(open_backbone().network, precision=precision)
    for height, width in ((64, 96), (256, 256)):
        maps = backbone.extract(np.zeros((1, 3, height, width), np.float32))
        assert backbone.level_shapes(height, width) == [level.shape[1:] for level in maps]


def test_a_size_that_does_not_fit_is_refused_before_it_is_compiled():
    with pytest.raises(WeightsError, match="must take pictures of 256x0 pixels"):
        open_backbone().level_shapes(256, 0)


def test_a_heat_map_needs_no_filters_of_scipy():
    code = (
        "import sys; from goldensample.regions.heatmap import upsampling_matrix;"
        "upsampling_matrix((0.25, 0.75), 64, 4.0); sys.exit('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_threads_that_score_at_a_time_share_one_search():
    draw = np.random.default_rng(0).standard_normal
    maps = (draw((8, 64, 32, 32)).astype("f4"),)
    features = [Features(maps, np.ones((8, 32, 32), bool))]
    detector = PatchCore(coreset=1).fit(features, silent)
    start = Barrier(4)

    def open_one(_: int) -> int:
        start.wait()
        return id(detector._search(detector.bank))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(open_one, range(4)))) == 1

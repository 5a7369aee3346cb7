"""The plan of a fit: what it counts, what it chooses and what it refuses."""

import re
from dataclasses import replace

import pytest

from goldensample.fitting.plan import Load, Machine, check_memory, choose_greedy, estimate
from goldensample.methods.patchcore import PatchCore

MACHINE = Machine(resident_bytes=200_000_000, features_s=0.01, patches_s=0.001, products_s=1e10)
LOAD = Load(
    pictures=1000, held_out=0, cells=1024, depth=384, record_bytes=400_000, largest_px=256 * 256
)


def test_it_counts_by_hand():
    made = estimate(PatchCore(coreset=0.1), LOAD, MACHINE)
    assert made.patches == 1_024_000
    assert made.rows == 102_400
    assert made.depth == 384
    assert made.disk_bytes == 400_000_000
    assert made.memory_bytes > 200_000_000 + 1_024_000 * 128 * 4
    assert estimate(PatchCore(coreset=0.1, stride=2), LOAD, MACHINE).patches == 256_000
    assert estimate(PatchCore(coreset=5000), LOAD, MACHINE).rows == 5000


def test_streaming_memory_does_not_grow_with_the_pictures():
    method = PatchCore(coreset=10_000, greedy="streaming")
    many = [
        estimate(method, replace(LOAD, pictures=n), MACHINE).memory_bytes for n in (2_000, 20_000)
    ]
    level = 120_000 * 128 * 4
    assert many[1] - many[0] <= 18_000 * 1024 * 21 + level  # 21 bytes a patch, and a level
    paper = replace(LOAD, pictures=20_000, cells=784, depth=128)
    own = replace(MACHINE, resident_bytes=60_000_000)
    assert estimate(method, paper, own).memory_bytes < 900_000_000  # 776 MB were measured


def test_exact_is_chosen_where_it_fits_and_streaming_where_it_does_not():
    method = PatchCore(coreset=10_000)
    assert choose_greedy(method, LOAD, MACHINE, 4_000_000_000).greedy == "exact"
    assert choose_greedy(method, LOAD, MACHINE, 750_000_000).greedy == "streaming"


def test_tiles_that_were_refused_a_gigabyte_fit_into_it():
    tiles = replace(LOAD, pictures=609, held_out=152, cells=1020, depth=128)
    chosen = choose_greedy(PatchCore(coreset=0.1), tiles, MACHINE, 1_000_000_000)
    assert chosen.greedy == "exact"
    assert estimate(chosen, tiles, MACHINE).memory_bytes > 471_000_000  # were measured


def test_deep_points_have_a_copy_in_float64():
    deep, patches = replace(LOAD, depth=384), 1_024_000
    plain, whole = (
        estimate(PatchCore(coreset=0.1, projection=size), deep, MACHINE).memory_bytes
        for size in (256, 0)
    )
    assert whole - plain == patches * (384 * (4 + 8) - 256 * 4)


@pytest.mark.parametrize("knobs", [{"denoise": True}, {"subsampler": "random"}, {"coreset": 0.0}])
def test_what_copies_the_points_is_counted(knobs):
    plain = estimate(PatchCore(coreset=0.25), LOAD, MACHINE).memory_bytes
    more = estimate(PatchCore(**({"coreset": 0.25} | knobs)), LOAD, MACHINE).memory_bytes
    assert more > plain + 2 * 1_024_000 * 128 * 4


@pytest.mark.parametrize(
    ("knobs", "limit"),
    [
        ({}, 2_000_000_000),
        ({"denoise": True}, 4_700_000_000),
        ({"subsampler": "random"}, 4_700_000_000),
    ],
)
def test_what_cannot_work_is_refused_with_advice_that_works(knobs, limit):
    method = PatchCore(coreset=0.2, **knobs)
    load = replace(LOAD, pictures=1500)
    with pytest.raises(ValueError, match="memory must be at least") as told:
        choose_greedy(method, load, MACHINE, limit)
    rows = int(re.search(r"--coreset (\d+)", str(told.value))[1])
    chosen = choose_greedy(replace(method, coreset=rows), load, MACHINE, limit)
    assert estimate(chosen, load, MACHINE).memory_bytes <= limit


def test_too_little_for_anything_is_said():
    with pytest.raises(ValueError, match="give it more"):
        check_memory(PatchCore(), LOAD, MACHINE, 100_000_000)

"""Which photographs the built-in network may be trained on, and how they are cut."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from training import photographs, procedural

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020, A. Baker
License: CC-BY-SA-4.0

Files: hills/*
Copyright: 2021, C. Dyer <c@example.org>
License: CC-BY-NC-SA-4.0

Files: hills/steep.jpg
Copyright: 2022, E. Fletcher <e@example.org>
License: CC0-1.0

License: CC-BY-SA-4.0
 Terms.

License: CC-BY-NC-SA-4.0
 Terms.

License: CC0-1.0
 Terms.
"""


@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("CC0-1.0", True),
        ("CC-BY-SA-3.0", True),
        ("GPL-2+", True),
        ("LGPLv3", True),
        ("Expat", True),
        ("public-domain", True),
        ("CC-BY-4.0 and GPL-3+", True),
        ("CC-BY-NC-4.0 or GPL-3+", True),
        ("CC-BY-4.0 and CC-BY-NC-4.0", False),
        ("CC-BY-NC-SA-4.0", False),
        ("CC-BY-ND-4.0", False),
        ("CC-BY-4.0 with exceptions", False),
        ("non-free", False),
        ("custom", False),
        ("", False),
    ],
)
def test_only_licences_known_to_allow_commerce_and_change_are_free(licence, free):
    assert photographs.is_free(licence) is free


def test_the_last_fitting_paragraph_of_the_copyright_file_decides():
    assert photographs.terms(COPYRIGHT, "a.jpg") == ("2020, A. Baker", "CC-BY-SA-4.0")
    assert photographs.terms(COPYRIGHT, "hills/flat.jpg") is None
    assert photographs.terms(COPYRIGHT, "hills/steep.jpg") == ("2022, E. Fletcher", "CC0-1.0")


def test_a_picture_of_which_nothing_is_said_is_not_free():
    assert photographs.terms(COPYRIGHT.replace("Files: *", "Files: other/*"), "a.jpg") is None
    assert photographs.terms("All pictures: Creative Commons.\nSee AUTHORS.\n", "a.jpg") is None


def test_what_a_picture_says_of_itself_must_allow_it_too():
    said = {"KPlugin": {"License": "LGPLv3", "Authors": [{"Name": "G. Hunter"}]}}
    assert photographs.terms(COPYRIGHT, "a.jpg", json.dumps(said)) == ("G. Hunter", "LGPLv3")
    said["KPlugin"]["License"] = "CC-BY-NC-4.0"
    assert photographs.terms(COPYRIGHT, "a.jpg", json.dumps(said)) is None
    assert photographs.terms(COPYRIGHT, "a.jpg", json.dumps({"KPlugin": {}})) is None


def test_the_table_names_the_terms_of_every_picture():
    rows = list(csv.DictReader(io.StringIO(photographs.TABLE.read_text(encoding="utf-8"))))
    assert {row["package"] for row in rows} >= {photographs.HELD_OUT, "scikit-image"}
    assert all(photographs.is_free(row["licence"]) and row["author"] for row in rows)
    assert len({row["sha256"] for row in rows}) == len(rows)


def test_pieces_are_the_whole_made_small_and_crops_that_are_not_flat():
    side = photographs.SIDE
    values = np.zeros((2 * side, 4 * side, 4), np.uint8)
    values[..., 3] = 255
    noise = np.random.default_rng(0).integers(0, 256, (2 * side, 2 * side, 3))
    values[:, 2 * side :, :3] = noise
    picture = Image.fromarray(values)
    first, second = (photographs.pieces(picture, np.random.default_rng(5)) for _ in range(2))
    assert [piece.tobytes() for piece in first] == [piece.tobytes() for piece in second]
    assert first[0].size == (2 * side, side)
    assert 2 <= len(first) <= photographs.CROPS
    assert all(piece.size == (side, side) and np.std(piece) > 6 for piece in first[1:])


def test_the_transparent_part_of_a_picture_becomes_one_grey():
    (piece,) = photographs.pieces(Image.new("RGBA", (200, 180)), np.random.default_rng(1))
    assert piece.mode == "RGB"
    assert len(set(piece.getcolors()[0][1])) == 1


def test_drawn_pictures_depend_on_the_seed_alone():
    one, again, other = (procedural.draw(np.random.default_rng(s), 64) for s in (4, 4, 5))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_no_photograph_is_both_trained_on_and_held_out(tmp_path):
    pytest.importorskip("torch", reason="the extra [torch] is not installed")
    pytest.importorskip("timm", reason="the extra [torch] is not installed")
    from training.validate import photograph_paths

    for name in ("train/a.jpg", "train/b.jpg", "held_out/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [p.name for p in photograph_paths(tmp_path, held_out=False)] == ["a.jpg", "b.jpg"]
    assert [p.name for p in photograph_paths(tmp_path, held_out=True)] == ["c.jpg"]
    found = [set(photograph_paths(tmp_path / "train", held_out)) for held_out in (False, True)]
    assert found[0].isdisjoint(found[1])
    assert len(found[0] | found[1]) == 2

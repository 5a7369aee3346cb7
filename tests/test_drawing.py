"""Masks of shapes that people draw: which pixels they mark, and what is refused."""

import numpy as np
import pytest

from goldensample.label_tools.marks import from_box, from_polygons
from goldensample.masks.drawing import Shape, draw_shapes
from goldensample.masks.reading import read_marked
from goldensample.station.web.drawn import mask_png


def test_a_brush_touches_the_pixels_whose_centre_it_passes():
    dot = draw_shapes([Shape([[2.5, 1.5]], "brush", 2)], (4, 6))
    assert np.argwhere(dot).tolist() == [[0, 2], [1, 1], [1, 2], [1, 3], [2, 2]]
    line = draw_shapes([Shape([[-5, 2.5], [9, 2.5]], width=1)], (4, 6))
    assert np.argwhere(line)[:, 0].tolist() == [2] * 6
    assert not draw_shapes([Shape([[50, 50]], "brush", 3)], (4, 6)).any()


def test_corners_mark_as_those_of_label_tools_do():
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    size_hw = (30, 40)
    box = draw_shapes([Shape([[12, 21], [3, 4]], "rectangle")], size_hw)
    assert np.array_equal(box, from_box("", (3, 4, 12, 21), size_hw).mask())
    points = [[3.2, 2.1], [36.4, 5.3], [30.7, 27.2], [8.1, 24.6]]
    polygon = draw_shapes([Shape(points, "polygon")], size_hw)
    other = from_polygons("", [[value for point in points for value in point]], size_hw).mask()
    edge = draw_shapes([Shape([*points, points[0]], width=0.6)], size_hw)
    assert not (polygon != other)[~edge].any()  # that one goes by a fifth of a pixel


def test_what_is_erased_is_not_marked_and_what_comes_after_is(tmp_path):
    whole = Shape([[0, 0], [8, 6]], "rectangle")
    hole = Shape([[2, 2], [6, 4]], "rectangle", erase=True)
    mask = draw_shapes([whole, hole, Shape([[4.5, 3.5]], width=1)], (6, 8))
    assert mask.sum() == 48 - 8 + 1
    assert mask[3, 4]
    (tmp_path / "mask.png").write_bytes(mask_png(mask))
    assert np.array_equal(read_marked(tmp_path / "mask.png"), mask)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (([[1, 1]], "circle", 3), "must be one of brush, rectangle, polygon"),
        (([[1, 1]], "brush", 0), "a brush must have one point or more, and a width"),
        (([[1, 1]], "rectangle"), "a rectangle must have two corners"),
        (([[1, 1], [2, 2]], "polygon"), "a polygon must have three corners or more"),
        (([[1, 1], [2, 2], [9, 2]], "polygon"), "on the picture of 8x6 pixels; one is at column 9"),
        (([[0, 0], [9999, 9999]] * 999, "brush", 9999), None),
    ],
)
def test_what_cannot_be_drawn_is_said(shape, words):
    if words is None:
        assert draw_shapes([Shape(*shape)], (6, 8)).all()
    else:
        with pytest.raises(ValueError, match=words):
            draw_shapes([Shape(*shape)], (6, 8))


def test_a_drawing_that_would_take_minutes_is_refused():
    shapes = [Shape([[0, 0], [4000, 3000]] * 500, width=4000)]
    with pytest.raises(ValueError, match=r"must be simpler; .* with a polygon, or a smaller brush"):
        draw_shapes(shapes, (3000, 4000))

"""Files of label tools: read as their tools mean them, and written so that nothing is lost."""

import base64
import contextlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from commands import golden
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from goldensample.datasets import labelled
from goldensample.datasets.items import read_mask
from goldensample.datasets.marked import read_with_labels
from goldensample.errors import ImageError
from goldensample.images.codec import encode_png
from goldensample.label_tools.formats import FORMATS, read_labels
from goldensample.label_tools.label_studio import pack, unpack
from goldensample.label_tools.marks import (
    MarkedPicture,
    first_double,
    from_mask,
    from_polygons,
)
from goldensample.masks.rle import decode, encode

SQUARE = [0, 0, 10, 0, 10, 10, 0, 10]
SUFFIX = {"coco": "c.json", "cvat": "c.xml", "label-studio": "l.json"}


def shapes(seed: int) -> np.ndarray:
    """A mask with holes, thin lines, single pixels, and marks on the borders."""
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(3, 40, 2))
    mask = np.zeros((height, width), bool)
    for _ in range(rng.integers(1, 4)):
        top, left = int(rng.integers(0, height)), int(rng.integers(0, width))
        mask[top : top + int(rng.integers(1, 20)), left : left + int(rng.integers(1, 20))] = True
    mask &= rng.random(mask.shape) < rng.choice([0.7, 1.0])  # holes
    mask[int(rng.integers(0, height))] |= rng.random() < 0.5  # a line from border to border
    mask[tuple(rng.integers(0, (height, width)))] = True  # a single pixel
    return mask


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from(list(FORMATS)))
def test_what_is_written_is_read_again_to_the_pixel(seed, form):
    mask = shapes(seed)
    other = np.roll(mask, 1, axis=0) & ~mask
    marks = [from_mask("dent", mask)] + [from_mask("scratch", other)] * bool(other.any())
    pictures = [
        MarkedPicture("a/0.png", mask.shape, tuple(marks)),
        MarkedPicture("a/1.png", mask.shape, ()),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SUFFIX.get(form, "out")
        FORMATS[form].write(pictures, path)
        found_form, found = read_labels(path)
    assert found_form == form
    assert [picture.name.removesuffix(".png") for picture in found] == ["a/0", "a/1"]
    assert found[1].marks == ()
    assert {one.label: one.mask().tolist() for one in found[0].marks} == {
        one.label: one.mask().tolist() for one in marks
    }


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools
@pytest.mark.parametrize("seed", range(20))
def test_pycocotools_reads_what_is_written_and_the_reverse(tmp_path, seed):
    from pycocotools import mask as coco_mask
    from pycocotools.coco import COCO

    mask = shapes(seed)
    picture = MarkedPicture("0.png", mask.shape, (from_mask("dent", mask),))
    FORMATS["coco"].write([picture], tmp_path / "c.json")
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(tmp_path / "c.json")
    assert np.array_equal(coco.annToMask(coco.anns[1]), mask)
    assert coco.anns[1]["area"] == mask.sum()
    theirs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    assert np.array_equal(decode(theirs, mask.shape), mask)
    assert encode(mask)["counts"] == theirs


def test_one_rule_for_the_pixels_of_a_shape():
    assert from_polygons("a", [SQUARE], (20, 20)).mask().sum() == 100
    # beyond the picture, it is cut off
    assert from_polygons("a", [[15, 15, 25, 15, 25, 25, 15, 25]], (20, 20)).mask().sum() == 25
    with pytest.raises(ValueError, match="three corners or more"):
        from_polygons("a", [[1, 1, 2, 2]], (20, 20))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_a_polygon_differs_from_its_centres_by_its_outline_alone(seed):
    corners = np.random.default_rng(seed).uniform(0, 40, (3, 2))  # (x, y)
    mask = from_polygons("a", [corners.ravel().tolist()], (40, 40)).mask()
    x, y = np.meshgrid(np.arange(40) + 0.5, np.arange(40) + 0.5)
    ends = np.roll(corners, -1, axis=0) - corners
    sides = ends / np.maximum(np.hypot(*ends.T), 1e-9)[:, None]
    across = np.stack(
        [s[0] * (y - c[1]) - s[1] * (x - c[0]) for s, c in zip(sides, corners, strict=True)]
    )
    inside = (across > 0.75).all(axis=0) | (across < -0.75).all(axis=0)
    outside = ~((across > -0.75).all(axis=0) | (across < 0.75).all(axis=0))
    assert mask[inside].all()
    assert not mask[outside].any()


def labelme(root: Path, **shape: object) -> Path:
    content = {
        "version": "5.5.0",
        "flags": {},
        "shapes": [{"label": "dent", "group_id": None, "flags": {}, **shape}],
        "imagePath": "..\\pictures\\0.png",
        "imageData": None,
        "imageHeight": 20,
        "imageWidth": 30,
    }
    (root / "0.json").write_text(json.dumps(content))
    return root / "0.json"


def mask_of(path: Path) -> np.ndarray:
    (picture,) = read_labels(path)[1]
    return np.any([mark.mask() for mark in picture.marks], axis=0)


def test_labelme(tmp_path):
    polygon = labelme(tmp_path, shape_type="polygon", points=[[0, 0], [10, 0], [10, 10], [0, 10]])
    assert mask_of(polygon).sum() == 100
    box = labelme(tmp_path, shape_type="rectangle", points=[[12, 8], [2, 3]])
    assert np.argwhere(mask_of(box))[[0, -1]].tolist() == [[3, 2], [7, 11]]
    circle = labelme(tmp_path, shape_type="circle", points=[[15, 10], [15, 15]])
    assert mask_of(circle).sum() == pytest.approx(np.pi * 25, abs=3)
    patch = np.array([[0, 1, 0], [1, 1, 1]], np.uint8)  # 0 and 1, not 255
    brush = labelme(
        tmp_path,
        shape_type="mask",
        points=[[4, 6], [6, 7]],  # both corners belong to it
        mask=base64.b64encode(encode_png(patch)).decode(),
    )
    assert np.array_equal(mask_of(brush)[6:8, 4:7], patch)
    assert mask_of(brush).sum() == 4
    name = read_labels(brush)[1][0].name
    assert name == "0.png"
    with pytest.raises(ImageError, match="dent is a line, which marks no area; draw a polygon"):
        read_labels(labelme(tmp_path, shape_type="line", points=[[1, 1], [5, 5]]))


def coco(path: Path, **annotation: object) -> Path:
    content = {
        "images": [{"id": 7, "file_name": "0.png", "height": 3, "width": 2}],
        "categories": [{"id": 5, "name": "dent"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 5, **annotation}],
    }
    path.write_text(json.dumps(content))
    return path


def test_coco_in_all_its_forms(tmp_path):
    path = tmp_path / "c.json"
    runs = {"size": [3, 2], "counts": [1, 2, 3]}  # by columns
    down = [[False, False], [True, False], [True, False]]
    assert mask_of(coco(path, segmentation=runs, iscrowd=1)).tolist() == down
    text = encode(np.array(down))
    assert mask_of(coco(path, segmentation=text)).tolist() == down
    assert mask_of(coco(path, segmentation=[[0, 0, 1, 0, 1, 3, 0, 3]])).sum() == 3
    assert mask_of(coco(path, segmentation=[], bbox=[1, 0, 1, 2])).tolist() == [
        [False, True], [False, True], [False, False]
    ]  # fmt: skip
    with pytest.raises(ImageError, match="run lengths must fill 2x3 pixels; they fill 4"):
        read_labels(coco(path, segmentation={"size": [3, 2], "counts": [1, 3]}))
    path.write_text(path.read_text().replace("image_id", "picture"))
    with pytest.raises(ImageError, match="it lacks 'image_id'; export"):
        read_labels(path)


CVAT = """<annotations><version>1.1</version>
<image id="0" name="a/0.png" width="30" height="20"><tag label="ok" source="manual"/>{}</image>
<image id="1" name="a/1.png" width="30" height="20"/></annotations>"""


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ('<polygon label="dent" points="0,0;10,0;10,10;0,10"/>', 100),
        ('<box label="dent" xtl="2" ytl="2" xbr="12" ybr="7"/>', 50),
        ('<box label="dent" xtl="2" ytl="2" xbr="12" ybr="7" rotation="90"/>', 50),
        ('<ellipse label="dent" cx="15" cy="10" rx="5" ry="5"/>', 80),
        ('<mask label="dent" rle="1, 2, 2, 1" left="4" top="5" width="3" height="2"/>', 3),
    ],
)
def test_cvat(tmp_path, shape, area):
    (tmp_path / "annotations.xml").write_text(CVAT.format(shape))
    form, (first, second) = read_labels(tmp_path / "annotations.xml")
    assert (form, first.name, second.marks) == ("cvat", "a/0.png", ())
    assert first.marks[0].mask().sum() == pytest.approx(area, abs=5)
    if "mask" in shape:
        assert first.marks[0].mask()[5:7, 4:7].tolist() == [[0, 1, 1], [0, 0, 1]]


def test_cvat_refuses_what_marks_no_area(tmp_path):
    (tmp_path / "a.xml").write_text(CVAT.format('<polyline label="dent" points="0,0;1,1"/>'))
    with pytest.raises(ImageError, match="dent is a polyline, which marks no area"):
        read_labels(tmp_path / "a.xml")


def test_voc_by_colours_and_by_boxes(tmp_path):
    masks = tmp_path / "SegmentationClass"
    masks.mkdir()
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[1:3, 2:5], pixels[4, 4] = (250, 50, 83), (224, 224, 192)
    Image.fromarray(pixels).save(masks / "0.png")
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\ndent:250,50,83::\n")
    lists = tmp_path / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "default.txt").write_text("0\n1\n")  # no PNG for 1, which has no annotation
    form, (first, second) = read_labels(tmp_path)
    assert (form, first.marks[0].label, second.name, second.marks) == ("voc", "dent", "1", ())
    assert first.marks[0].mask().sum() == 6
    pixels[0, 0] = 1
    Image.fromarray(pixels).save(masks / "0.png")
    with pytest.raises(ImageError, match=r"has \(1, 1, 1\); add it"):
        read_labels(tmp_path)
    boxes = tmp_path / "boxes/Annotations"
    boxes.mkdir(parents=True)
    (boxes / "0.xml").write_text(
        "<annotation><filename>0.png</filename><size><width>8</width><height>6</height></size>"
        "<object><name>dent</name><bndbox><xmin>2</xmin><ymin>1</ymin><xmax>5</xmax><ymax>3</ymax>"
        "</bndbox></object></annotation>"
    )
    assert mask_of(tmp_path / "boxes").sum() == 6
    file = boxes / "0.xml"  # VOC's own: from 1, both corners meant, so columns 1 to 4, rows 0 to 2
    own = "<annotation><source><database>The VOC2012 Database</database></source>"
    file.write_text(file.read_text().replace("<annotation>", own))
    assert np.argwhere(mask_of(tmp_path / "boxes"))[[0, -1]].tolist() == [[0, 1], [2, 4]]
    assert mask_of(tmp_path / "boxes").sum() == 12


def studio(path: Path, kind: str, address: str = "/data/upload/3/0a1b2c3d-0.png", **value) -> Path:
    region = {"type": kind, "original_width": 20, "original_height": 10, "value": value}
    tasks = [
        {"id": 1, "data": {"image": address}, "annotations": [{"result": [region]}]},
        {"id": 2, "data": {"image": "/data/upload/3/0a1b2c3d-1.png"}, "annotations": []},
    ]
    path.write_text(json.dumps(tasks))
    return path


def test_label_studio(tmp_path):
    path, labels = tmp_path / "l.json", {"polygonlabels": ["dent"]}
    corners = [[0, 0], [50, 0], [50, 100], [0, 100]]
    assert mask_of(studio(path, "polygonlabels", points=corners, **labels)).sum() == 100
    (picture,) = read_labels(path)[1]  # the second was not looked at
    assert (picture.name, picture.marks[0].label) == ("0.png", "dent")
    local = "/data/local-files/?d=line%201/0.png"
    box = studio(path, "rectanglelabels", local, x=10, y=10, width=50, height=20)
    assert mask_of(box).sum() == 20
    assert read_labels(path)[1][0].name == "line 1/0.png"
    ellipse = studio(path, "ellipselabels", x=50, y=50, radiusX=20, radiusY=40)
    assert mask_of(ellipse).sum() == pytest.approx(np.pi * 16, abs=3)
    brush = np.zeros((10, 20, 4), np.uint8)
    brush[2:4, 3:9] = (255, 0, 0, 120)  # a colour, half transparent
    assert mask_of(studio(path, "brushlabels", rle=pack(brush), format="rle")).sum() == 12


def test_brush_masks_with_runs_of_single_values():
    # 5 values of 8 bits: two that differ, then three alike; lengths of 2, 3, 4 and 5 bits
    bits = f"{5:032b}{7:05b}" + "".join(f"{n:04b}" for n in (1, 2, 3, 4))
    bits += f"0{0:02b}{1:02b}{17:08b}{255:08b}" + f"1{1:02b}{2:03b}{9:08b}"
    bits += "0" * (-len(bits) % 8)
    data = [int(bits[k : k + 8], 2) for k in range(0, len(bits), 8)]
    assert unpack(data).tolist() == [17, 255, 9, 9, 9]
    with pytest.raises(ValueError, match="its run lengths end too soon"):
        unpack(data[:-2])


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Three pictures in no layout, and COCO's file on two of them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("0", "1", "2"):
        Image.fromarray(rng.integers(0, 255, (20, 30, 3), np.uint8)).save(folder / f"{name}.png")
    mask = np.zeros((20, 30), bool)
    mask[3:6, 4:9] = True
    marked = MarkedPicture("line/0.png", (20, 30), (from_mask("dent", mask),))
    good = MarkedPicture("line/1.png", (20, 30), ())
    gone = MarkedPicture("line/9.png", (20, 30), ())
    FORMATS["coco"].write([marked, good, gone], tmp_path / "c.json")
    return folder


def test_a_folder_in_no_layout_has_its_labels_from_the_file(pictures):
    data = read_with_labels(pictures, "", "", pictures.parent / "c.json")
    assert {item.name: item.defect_type for item in data.test} == {"0.png": "dent", "1.png": "good"}
    assert read_mask(data.test[0], (20, 30)).sum() == 15
    assert "1 left out, as c.json lacks them: 2.png" in data.notes[1]
    assert "1 in c.json are not tested here: line/9.png" in data.notes[2]


def test_folders_keep_their_word(pictures):
    (pictures / "good").mkdir()
    (pictures / "0.png").rename(pictures / "good/0.png")
    with pytest.raises(ImageError, match=r"a good picture must have no mark; good/0.png has dent"):
        read_with_labels(pictures, "", "folder", _renamed(pictures, "good/0.png"))


def _renamed(pictures: Path, name: str) -> Path:
    path = pictures.parent / "c.json"
    path.write_text(path.read_text().replace("line/0.png", name))
    return path


def test_a_name_that_may_be_two_pictures(pictures):
    (pictures / "other").mkdir()
    (pictures / "other/0.png").write_bytes((pictures / "0.png").read_bytes())
    with pytest.raises(ImageError, match=r"0.png may be 0.png, other/0.png; export it with"):
        read_with_labels(pictures, "", "", _renamed(pictures, "0.png"))


def test_coordinates_are_those_of_the_picture_turned_by_its_exif_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6  # the file's left column is the top row of what is shown
    pixels = np.full((30, 20, 3), 90, np.uint8)
    pixels[12:20, 4:9] = 255  # as the file has it; shown, it lies in rows 4 to 8, columns 10 to 17
    Image.fromarray(pixels).save(tmp_path / "0.png", exif=exif)
    mark = {"shape_type": "rectangle", "points": [[10, 4], [18, 9]]}
    labelme(tmp_path, **mark)
    (truth,) = labelled(read_with_labels(tmp_path, "", "", tmp_path), None)
    assert truth.picture.pixels.shape == (20, 30, 3)
    assert np.array_equal(truth.mask, truth.picture.pixels[..., 0] == 255)


def test_check_and_convert_from_the_command_line(pictures):
    labels = pictures.parent / "c.json"
    done = golden("data", "check", pictures, "--labels", labels, "--json")
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert findings[-1]["pictures"] == 2
    assert {one["kind"] for one in findings[:-1]} == {"empty_split", "listing"}
    out = pictures.parent / "voc"
    done = golden("data", "convert", labels, out, "--to", "voc")
    assert done.stdout == f"3 pictures, 1 mark: coco to {out}\n"
    back = pictures.parent / "labelme"
    assert golden("data", "convert", out, back, "--to", "labelme").returncode == 0
    assert mask_of(back / "line/0.json").sum() == 15
    wrong = golden("data", "convert", labels, out, "--to", "yolo")
    assert wrong.returncode == 2
    assert "--to must be one of coco, labelme, cvat, voc, label-studio" in wrong.stderr


def test_what_is_no_label_file(tmp_path):
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(ImageError, match="cannot read labels from"):
        read_labels(tmp_path / "a.json")
    (tmp_path / "b.json").write_text('{"polygons": []}')
    with pytest.raises(ImageError, match="it is none of them; export again"):
        read_labels(tmp_path / "b.json")
    with pytest.raises(ImageError, match="it holds neither"):
        read_labels(tmp_path)
    lacking = {"images": [{"id": 1}], "annotations": [{"image_id": 1}], "categories": []}
    (tmp_path / "c.json").write_text(json.dumps(lacking))
    with pytest.raises(ImageError, match="it lacks 'height'; export them again as COCO"):
        read_labels(tmp_path / "c.json")
    with pytest.raises(ImageError, match="No such file or directory; export"):
        read_labels(tmp_path / "d.json")


def test_a_name_that_comes_twice_is_told():
    assert first_double(["a", "b", "b", "a"]) == "b"
    assert first_double(["a", "b"]) == ""

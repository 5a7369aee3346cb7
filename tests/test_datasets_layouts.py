"""Published layouts, each made small; their shapes are those of the data sets' own pages."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goldensample.cli.training_paths import training_paths
from goldensample.datasets import LAYOUTS, Dataset, find_layout, labelled, read_category, read_mask
from goldensample.datasets.checking import check
from goldensample.errors import ImageError
from goldensample.locales.language import speaking

BLACK = np.zeros((6, 8), np.uint8)
MASK = BLACK.copy()
MASK[1:3, 2:5] = 1  # VisA's masks hold 1, 2, … for the kinds of defect


def make(root: Path, *names: str) -> Path:
    """Write a picture for each name; names of masks end in "+" where they mark, "-" where not."""
    for number, name in enumerate(names):
        path = root / name.rstrip("+-")
        path.parent.mkdir(parents=True, exist_ok=True)
        masked = MASK if name.endswith("+") else BLACK
        pixels = masked if name[-1] in "+-" else np.full((6, 8, 3), number, np.uint8)
        Image.fromarray(pixels).save(path)
    return root


def facts(data: Dataset) -> tuple[list[str], dict[str, tuple[str, int]]]:
    """Return what is learnt from, and the type and number of masks of what is tested."""
    train = [path.relative_to(data.root).as_posix() for path in data.train]
    return train, {item.name: (item.defect_type, len(item.masks)) for item in data.test}


def mvtec_loco(root: Path) -> None:
    kinds = "logical_anomalies", "structural_anomalies"
    make(root / "pushpins", "train/good/0.png", "validation/good/0.png", "test/good/0.png")
    make(root / "pushpins", *(f"test/{kind}/000.png" for kind in kinds))
    make(root / "pushpins/ground_truth", *(f"{kind}/000/000.png+" for kind in kinds))
    second = np.zeros((6, 8), np.uint8)
    second[5, 7] = 254
    Image.fromarray(second).save(root / f"pushpins/ground_truth/{kinds[0]}/000/001.png")


def mvtec_ad_2(root: Path) -> None:
    test = ("good/000_regular.png", "bad/000_regular.png", "ground_truth/bad/000_regular_mask.png+")
    make(root / "can/test_public", *test)
    make(root / "can", "train/good/0.png", "validation/good/1.png", "test_private/2.png")


def visa(root: Path) -> None:
    names = ("Images/Normal/0.JPG", "Images/Normal/1.JPG", "Images/Anomaly/0.JPG")
    make(root / "candle/Data", *names, "Masks/Anomaly/0.png+")
    (root / "split_csv").mkdir()
    (root / "split_csv/1cls.csv").write_text(
        "object,split,label,image,mask\n"
        "candle,train,normal,candle/Data/Images/Normal/0.JPG,\n"
        "candle,test,normal,candle/Data/Images/Normal/1.JPG,\n"
        "candle,test,anomaly,candle/Data/Images/Anomaly/0.JPG,candle/Data/Masks/Anomaly/0.png\n"
    )


def real_iad(root: Path, sets: str = "realiad_jsons") -> None:
    names = ["OK/S0001/u_0001_OK_C1.jpg", "OK/S0002/u_0002_OK_C1.jpg", "NG/AK/S0003/u_NG_C1.jpg"]
    mask = "NG/AK/S0003/u_NG_C1.png"
    make(root / "realiad_256/usb", *names, f"{mask}+")
    entries = [
        {"category": "usb", "anomaly_class": kind, "image_path": name, "mask_path": path}
        for name, kind, path in zip(names, ["OK", "OK", "AK"], [None, None, mask], strict=True)
    ]
    told = {"meta": {"normal_class": "OK", "prefix": "usb/"}, "train": entries[:1]}
    (root / "realiad_jsons" / sets).mkdir(parents=True)
    text = json.dumps({**told, "test": entries[1:]})
    (root / "realiad_jsons" / sets / "usb.json").write_text(text)
    (root / "realiad_jsons" / sets / "toy.json").write_text(text)  # its pictures are not here


def dagm(root: Path) -> None:
    make(root / "Class1/Train", "1.PNG", "2.PNG", "Label/2_label.PNG+")
    make(root / "Class1/Test", "3.PNG", "4.PNG", "Label/4_label.PNG+")
    (root / "Class1/Test/Label/Labels.txt").write_text("1\n")


def magnetic_tile(root: Path) -> None:
    free = [f"MT_Free/Imgs/exp{k}_num_{number}" for k, number in ((1, 30), (6, 4), (2, 31), (3, 9))]
    make(root, *(f"{name}.jpg" for name in free), *(f"{name}.png-" for name in free))
    make(root, "MT_Break/Imgs/exp1_num_7.jpg", "MT_Break/Imgs/exp1_num_7.png+")


def kolektorsdd(root: Path) -> None:
    names = [f"kos{folder:02}/Part{part}" for folder in (1, 2, 3, 10) for part in (0, 1)]
    make(root, *(f"{name}.jpg" for name in names))
    marks = {"kos02/Part1", "kos10/Part0"}
    make(root, *(f"{name}_label.bmp{'+' if name in marks else '-'}" for name in names))


def kolektorsdd2(root: Path) -> None:
    make(root / "train", "10000.png", "10000_GT.png-", "10001.png", "10001_GT.png+")
    make(root / "test", "20000.png", "20000_GT.png-", "20001.png", "20001_GT.png+")


def csv(root: Path) -> None:
    make(root, "a/0.png", "a/1.png", "a/2.png", "m/2.png+")
    (root / "parts.csv").write_text(
        "path,split,label,mask\na/0.png,train,good,\na/1.png, test, good\n"
        "a/2.png,test,dent,m/2.png\n"
    )


EXPECTED: dict[str, tuple[str, list[str], dict[str, tuple[str, int]]]] = {
    "mvtec_ad": (
        "bottle",
        ["train/good/0.png"],
        {"good/0.png": ("good", 0), "dent/0.png": ("dent", 1)},
    ),
    "mvtec_loco": (
        "pushpins",
        ["train/good/0.png"],
        {
            "good/0.png": ("good", 0),
            "logical_anomalies/000.png": ("logical_anomalies", 2),
            "structural_anomalies/000.png": ("structural_anomalies", 1),
        },
    ),
    "mvtec_ad_2": (
        "can",
        ["train/good/0.png"],
        {"good/000_regular.png": ("good", 0), "bad/000_regular.png": ("bad", 1)},
    ),
    "visa": (
        "candle",
        ["candle/Data/Images/Normal/0.JPG"],
        {
            "candle/Data/Images/Normal/1.JPG": ("good", 0),
            "candle/Data/Images/Anomaly/0.JPG": ("anomaly", 1),
        },
    ),
    "btad": ("01", ["train/ok/0.png"], {"ok/0.bmp": ("good", 0), "ko/0.bmp": ("ko", 1)}),
    "mpdd": (
        "tubes",
        ["train/good/0.png"],
        {"good/0.png": ("good", 0), "dent/0.png": ("dent", 1)},
    ),
    "kolektorsdd": (
        "",
        ["kos01/Part0.jpg", "kos01/Part1.jpg", "kos02/Part0.jpg"],
        {
            "kos02/Part1.jpg": ("defect", 1),
            "kos03/Part0.jpg": ("good", 0),
            "kos03/Part1.jpg": ("good", 0),
            "kos10/Part0.jpg": ("defect", 1),
            "kos10/Part1.jpg": ("good", 0),
        },
    ),
    "kolektorsdd2": (
        "",
        ["train/10000.png"],
        {"test/20000.png": ("good", 0), "test/20001.png": ("defect", 1)},
    ),
    "dagm": ("Class1", ["Train/1.PNG"], {"Test/3.PNG": ("good", 0), "Test/4.PNG": ("defect", 1)}),
    "magnetic_tile": (
        "",
        ["MT_Free/Imgs/exp6_num_4.jpg", "MT_Free/Imgs/exp3_num_9.jpg"],
        {
            "free/exp1_num_30.jpg": ("good", 0),
            "free/exp2_num_31.jpg": ("good", 0),
            "break/exp1_num_7.jpg": ("break", 1),
        },
    ),
    **dict.fromkeys(
        ("real_iad_sv", *(f"real_iad_fuiad_{k}" for k in ("0.0", "0.1", "0.2", "0.4")), "real_iad"),
        (
            "usb",
            ["OK/S0001/u_0001_OK_C1.jpg"],
            {"OK/S0002/u_0002_OK_C1.jpg": ("good", 0), "NG/AK/S0003/u_NG_C1.jpg": ("AK", 1)},
        ),
    ),
    "folder": (
        "",
        ["good/0.png", "good/1.png"],
        {"good/2.png": ("good", 0), "good/3.png": ("good", 0), "dent/0.png": ("dent", 1)},
    ),
    "csv": ("", ["a/0.png"], {"a/1.png": ("good", 0), "a/2.png": ("dent", 1)}),
}


def build(name: str, root: Path) -> Path:
    """Write the small copy of a layout and return what a user would name."""
    plain = ("train/good/0.png", "test/good/0.png", "test/dent/0.png")
    if name in ("mvtec_ad", "mpdd"):
        make(root / EXPECTED[name][0], *plain, "ground_truth/dent/0_mask.png+")
    elif name == "btad":
        make(root / "01", "train/ok/0.png", "test/ok/0.bmp", "test/ko/0.bmp")
        make(root / "01", "ground_truth/ko/0.png+")
    elif name == "folder":
        make(root, *(f"good/{k}.png" for k in range(4)), "dent/0.png")
        make(root, "ground_truth/dent/0_mask.png+")
    elif name.startswith("real_iad"):
        real_iad(root, f"realiad_jsons{name.removeprefix('real_iad')}")
    else:
        globals()[name](root)
    return root / "parts.csv" if name == "csv" else root


def test_every_layout_has_its_small_copy() -> None:
    assert list(EXPECTED) == list(LAYOUTS)
    assert all(layout.title and layout.licence for layout in LAYOUTS.values())
    assert [name for name, layout in LAYOUTS.items() if not layout.url] == ["folder", "csv"]


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_are_found_and_read(name: str, tmp_path: Path) -> None:
    root = build(name, tmp_path)
    category, train, test = EXPECTED[name]
    assert find_layout(root) == name
    assert LAYOUTS[name].categories(root) == [category]
    data = read_category(root, category)
    assert facts(data) == (train, test)
    assert data.has_masks
    assert data.category == category
    assert data.name == {"folder": tmp_path.name, "csv": "parts"}.get(name, name)
    assert data == read_category(str(root), category, name)
    for truth, item in zip(labelled(data, None), data.test, strict=True):
        assert (truth.picture.name, truth.kind) == (item.name, item.defect_type)
        assert truth.mask is not None
        assert truth.mask.any() == truth.defect == (item.defect_type != "good")


@pytest.mark.parametrize("name", LAYOUTS)
def test_fit_learns_what_evaluate_leaves_to_it(name: str, tmp_path: Path) -> None:
    root, category = build(name, tmp_path), EXPECTED[name][0]
    data = read_category(root, category)
    assert training_paths([str(root)], category=category) == list(map(str, data.train))


@pytest.mark.parametrize("name", LAYOUTS)
def test_stray_copies_are_left_out_alike(name: str, tmp_path: Path) -> None:
    root, category = build(name, tmp_path), EXPECTED[name][0]
    before = read_category(root, category)
    originals = [before.train[0], before.test[0].path]
    for path in originals:
        copy = path.with_name(f"{path.stem} (copy){path.suffix}")
        copy.write_bytes(path.read_bytes())
    data = read_category(root, category)
    assert facts(data) == facts(before)
    assert training_paths([str(root)], category=category) == list(map(str, before.train))
    if not name.startswith(("visa", "real_iad", "csv")):  # there a table names each picture
        assert any("left out, as copies of the files beside them" in note for note in data.notes)
        assert any("(copy)" in found.text for found in check(data))


def test_regions_of_loco_are_united(tmp_path: Path) -> None:
    data = read_category(build("mvtec_loco", tmp_path), "pushpins")
    (item,) = (item for item in data.test if len(item.masks) == 2)
    wanted = MASK > 0
    wanted[5, 7] = True
    assert np.array_equal(read_mask(item, (6, 8)), wanted)


def test_magnetic_tiles_in_mvtec_layout_are_read_as_that(tmp_path: Path) -> None:
    make(tmp_path, "train/good/0.jpg", "test/good/0.jpg", "test/fray/0.jpg")
    assert find_layout(tmp_path) == "mvtec_ad"
    data = read_category(tmp_path, "", "magnetic_tile")
    assert facts(data) == (
        ["train/good/0.jpg"],
        {"fray/0.jpg": ("fray", 0), "good/0.jpg": ("good", 0)},
    )
    assert not data.has_masks


def test_a_folder_with_train_is_learnt_from_that(tmp_path: Path) -> None:
    make(tmp_path, "train/good/0.png", "good/0.png", "dent/deep/0.png")
    data = read_category(tmp_path, "")
    assert facts(data) == (
        ["train/good/0.png"],
        {"dent/deep/0.png": ("dent", 0), "good/0.png": ("good", 0)},
    )


def test_a_missing_mask_leaves_no_label_where_it_is_the_label(tmp_path: Path) -> None:
    root = build("kolektorsdd2", tmp_path)
    (root / "train/10000_GT.png").unlink()
    (root / "test/20000_GT.png").write_bytes(b"no picture")
    with pytest.raises(
        ImageError, match=r"a label; 2 have none: test/20000\.png, train/10000\.png; move"
    ):
        read_category(root, "")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"known layout \(mvtec_ad, .*it holds nothing; name"):
        find_layout(tmp_path)
    with pytest.raises(ImageError, match="there is no such folder"):
        find_layout(tmp_path / "no")
    root = build("visa", tmp_path)
    with pytest.raises(ValueError, match=r"those there \('candle'\); got 'pcb1'"):
        read_category(root, "pcb1")
    with pytest.raises(ValueError, match=r"layout must be one of mvtec_ad, .*; got 'visual'"):
        read_category(root, "candle", "visual")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path,label\na,good\n", "must have the columns path, split, label; split is missing"),
        ("", "must have the columns"),
        ("path,split,label\na.png,test,good\na.png,test,good\n", "line 3: .* named once; .*line 2"),
        ("path,split,label\na.png,train,dent\n", "line 2: .* it is 'train' with 'dent'"),
        ("path,split,label\na.png,test\n", "line 2: .* it is 'test' with ''"),
        ("path,split,label\na.png,val,good\n", "line 2: .* it is 'val' with 'good'"),
        ("path,split,label\na.png,test,good,,\n", "line 2: .* at most as many values"),
        ("path,split,label\n../a.png,test,good\n", "line 2: .* stay below .*'../a.png'"),
        ("path,split,label\n/a.png,test,good\n", "line 2: .* stay below"),
        ("path,split,label\n,test,good\n", "line 2: a path must be given"),
        ("path,split,label,mask\na.png,test,dent,../m.png\n", "line 2: .* stay below .*m.png"),
        ('path,split,label\n"a.png,test,good\n', "readable CSV file in UTF-8"),
    ],
)
def test_mistakes_in_a_table_are_told_by_line(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "parts.csv").write_text(text)
    with pytest.raises(ImageError, match=reason):
        read_category(tmp_path / "parts.csv", "")


def test_real_iad_must_be_as_published(tmp_path: Path) -> None:
    root = build("real_iad", tmp_path)
    table = root / "realiad_jsons/realiad_jsons/usb.json"
    for text, reason in (("{", "JSONDecodeError"), ('{"meta": {}}', "KeyError: 'normal_class'")):
        table.write_text(text)
        with pytest.raises(ImageError, match=rf"usb\.json must be .*; it is not \({reason}"):
            read_category(root, "usb")
    (root / "realiad_512").mkdir()
    with pytest.raises(ImageError, match=r"of one size, .* has realiad_256, realiad_512; keep"):
        read_category(root, "usb")


def test_noisy_sets_of_real_iad_have_defects_to_learn_from(tmp_path, capsys) -> None:
    root = build("real_iad_fuiad_0.4", tmp_path)
    table = root / "realiad_jsons/realiad_jsons_fuiad_0.4/usb.json"
    told = json.loads(table.read_text())
    defect = {**told["test"][-1], "image_path": "NG/AK/S0004/u_NG_C1.jpg"}
    make(root / "realiad_256/usb", defect["image_path"])
    told["train"].append(defect)
    table.write_text(json.dumps(told))
    data = read_category(root)
    assert (len(data.train), data.train_defects, len(data.test)) == (2, 1, 2)
    assert training_paths([str(root)]) == list(map(str, data.train))
    words = capsys.readouterr().err
    assert "learning from its 2 pictures for training, of which 1 is a defect; 2 others" in words
    with speaking("ko"):
        training_paths([str(root)])
    assert "학습용: 사진 2장, 그중 불량 1장; 나머지 2장" in capsys.readouterr().err
    table.rename(root / "realiad_jsons/usb.json")
    real = root / "realiad_jsons/realiad_jsons"
    real.mkdir()
    (root / "realiad_jsons/usb.json").rename(real / "usb.json")
    with pytest.raises(ImageError, match="it is 'train' with 'AK'"):
        read_category(root, "usb", "real_iad")


def test_the_set_with_all_views_goes_first(tmp_path) -> None:
    for sets in ("realiad_jsons", "realiad_jsons_sv"):
        real_iad(tmp_path, sets)
    assert find_layout(tmp_path) == "real_iad"
    assert read_category(tmp_path, "usb", "real_iad_sv").name == "real_iad_sv"


def test_visa_names_the_types_of_defects(tmp_path):
    visa(tmp_path)
    (tmp_path / "candle/image_anno.csv").write_text(
        "image,label,mask\ncandle/Data/Images/Normal/1.JPG,normal,\n"
        'candle/Data/Images/Anomaly/0.JPG,"wax melded out of the candle,foreign particals on '
        'candle",candle/Data/Masks/Anomaly/0.png\n'
    )
    kinds = {item.name: item.defect_type for item in read_category(tmp_path, "candle").test}
    assert kinds["candle/Data/Images/Normal/1.JPG"] == "good"
    named = "wax melded out of the candle,foreign particals on candle"
    assert kinds["candle/Data/Images/Anomaly/0.JPG"] == named

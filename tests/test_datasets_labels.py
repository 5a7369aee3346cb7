"""One list of labels, one finder of layouts: every command reads the same of a data set."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import golden
from conftest import part, part_mask
from picture_files import save_picture

from goldensample.cli.training_paths import training_paths
from goldensample.datasets import find_layout, list_category, read_category
from goldensample.datasets.items import unmasked_note
from goldensample.errors import ImageError


def write(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        save_picture(root / name, np.full((6, 8), number, np.uint8))
    return root


def kinds(root: Path) -> dict[str, str]:
    return {item.name: item.defect_type for item in read_category(root).test}


@pytest.mark.parametrize("good", ["good", "Good", "GOOD", "OK", "ok", "Normal", "normal"])
def test_folders_of_good_pictures_have_many_names(tmp_path: Path, good: str) -> None:
    names = (f"train/{good}/0.png", f"test/{good}/1.png", "test/dent/2.png")
    root = write(tmp_path / "mvtec", *names)
    assert kinds(root) == {f"{good}/1.png": "good", "dent/2.png": "dent"}
    assert read_category(root).train == (root / names[0],)
    root = write(tmp_path / "any", f"{good}/0.png", f"{good}/1.png", "NG/2.png")
    assert find_layout(root) == "folder"
    assert kinds(root) == {f"{good}/1.png": "good", "NG/2.png": "NG"}
    assert training_paths([str(root)]) == [str(root / good / "0.png")]


@pytest.mark.parametrize("masks", ["MASK", "masks", "ground_truth", "Ground_Truth", "gt"])
@pytest.mark.parametrize("name", ["NG/2.png", "NG/2_mask.png", "2.png", "2_GT.bmp"])
def test_folders_of_masks_have_many_names(tmp_path: Path, masks: str, name: str) -> None:
    root = write(tmp_path, "OK/0.png", "OK/1.png", "NG/2.png", f"{masks}/{name}")
    data = read_category(root)
    assert data.has_masks
    assert {i.name: i.masks for i in data.test} == {
        "OK/1.png": (),
        "NG/2.png": (root / masks / name,),
    }


def test_a_mask_in_no_folder_belongs_to_one_picture(tmp_path: Path) -> None:
    root = write(tmp_path, "OK/0.png", "OK/1.png", "dent/2.png", "hole/2.png", "MASK/2.png")
    assert "2 defect pictures have no mask" in unmasked_note(read_category(root))


@pytest.mark.parametrize("ending", ["_mask", "_GT", "_label", "_MASK"])
def test_masks_beside_pictures_are_masks(tmp_path: Path, ending: str) -> None:
    names = ("good/0.png", "good/1.png", f"good/1{ending}.png", "cut/0.jpg", f"cut/0{ending}.png")
    for root, prefix in ((tmp_path / "any", ""), (tmp_path / "mvtec", "test/")):
        write(root, *(prefix + name for name in names))
        cut = next(item for item in read_category(root).test if item.defect)
        assert cut.masks == (root / f"{prefix}cut/0{ending}.png",)
        assert not any(ending in item.name for item in read_category(root).test)


def kolektorsdd2(root: Path) -> Path:
    """Write a small KolektorSDD2 with the stray copies of the published archive."""
    for number, name in enumerate(("train/10301", "train/10302", "test/20000", "test/20001")):
        save_picture(root / f"{name}.png", part(700 + number, defect=name == "test/20001"))
        save_picture(root / f"{name}_GT.png", part_mask() * (name == "test/20001"))
    save_picture(root / "train/10301 (copy).png", part(700))
    save_picture(root / "train/10301_GT (copy).png", part_mask() * 0)
    return root


def test_every_command_reads_kolektorsdd2(line: Path, tmp_path: Path) -> None:
    root, file = kolektorsdd2(tmp_path / "ksdd2"), line / "part.golden"
    told = "left out, as copies of the files beside them: train/10301 (copy).png, train/10301_GT"
    done = golden("evaluate", file, root, "--json")
    assert done.returncode == 0, done.stderr
    assert told in done.stderr
    values = json.loads(done.stdout)
    assert (values["images"], list(values["by_type"])) == (2, ["defect"])
    done = golden("data", "check", root)
    assert told in done.stdout
    assert done.stdout.endswith("4 pictures: problems 0, notes 1\n")
    assert [Path(one).name for one in training_paths([str(root)])] == ["10301.png", "10302.png"]


HEADINGS = [
    "path,split,label",
    "Path, Split, Label",
    "image_path,set,class",
    "File Name,subset,Type",
]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("headings", HEADINGS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_as_spreadsheets_write_them(
    tmp_path: Path, separator: str, headings: str, encoding: str
) -> None:
    lines = [headings, "a\\0.png,Train,Good", "a\\1.png,test,OK", "a\\ö.png,TEST,dent", ",,"]
    text = "\r\n".join(lines).replace(",", separator)
    (tmp_path / "parts.csv").write_bytes(text.encode(encoding))
    data = read_category(tmp_path / "parts.csv")
    assert data.train == (tmp_path / "a/0.png",)
    assert [(i.path, i.defect_type) for i in data.test] == [
        (tmp_path / "a/1.png", "good"),
        (tmp_path / "a/ö.png", "dent"),
    ]
    names = {";": "a semicolon", "\t": "a tab"}
    note = f"the values of parts.csv are read with {names.get(separator)} between them"
    assert data.notes == (() if separator == "," else (note,))


def test_more_of_spreadsheets(tmp_path: Path) -> None:
    table = tmp_path / "a.tsv"
    table.write_text("sep=\t\nimage\tlabel\tdefect_type\tsplit\nx.png\tNORMAL \t\ttest\n")
    assert [item.defect_type for item in list_category(table).test] == ["good"]
    table.write_text("sep=\t\nimage\tlabel\tsplit\nx.png\t\ttest\n")
    with pytest.raises(ImageError, match=r"a\.tsv, line 3: "):
        list_category(table)
    table.write_text("path;split;label;label\nx.png;test;good;bad\n")
    with pytest.raises(ImageError, match="each column once; label is there twice"):
        list_category(table)
    table.write_text("path|split|label\n")
    with pytest.raises(ImageError, match=r"is missing in its first line, 'path\|split\|label'"):
        list_category(table)


def test_a_file_is_fitted_from_a_table(line: Path, tmp_path: Path, tiny_file: Path) -> None:
    rows = [f"train\\good\\{k:03}.png;train;{('good', 'Good', 'OK')[k % 3]}" for k in range(40)]
    rows += [f"test/good/{k:03}.png;test;{('normal', 'good')[k % 2]}" for k in range(6)]
    rows += [f"test/spot/{k:03}.png;test;spot" for k in range(6)]
    table, file = line / "table.csv", tmp_path / "a.golden"
    table.write_text("\n".join(["path;split;label", *rows]))
    same = ("--backbone", f"onnx:{tiny_file}", "--size", "64x64")
    done = golden("fit", table, "-o", file, *same)
    assert done.returncode == 0, done.stderr
    assert "read with a semicolon between them" in done.stderr
    assert "learning from its 40 good pictures" in done.stderr
    assert file.stat().st_size > 0
    of_table, of_folder = (golden("evaluate", file, one, "--json") for one in (table, line))
    told, expected = (json.loads(done.stdout) for done in (of_table, of_folder))
    assert told["image_auroc"] == expected["image_auroc"]
    assert list(told["by_type"]) == list(expected["by_type"]) == ["spot"]


def test_a_fit_on_a_data_set_learns_its_training_pictures(line: Path, tmp_path: Path) -> None:
    train = [str(path) for path in sorted((line / "train/good").glob("*.png"))]
    assert training_paths([str(line)]) == train
    assert training_paths([str(line / "train/good")]) == [str(line / "train/good")]
    assert training_paths(["no", "s3://a/b", str(line / "train/*/0*.png")])[0] == "no"
    root = write(tmp_path / "goods", "good/0.png", "good/1.png")  # no defects: a plain folder
    assert training_paths([str(root)]) == [str(root)]
    with pytest.raises(ImageError, match="must have good pictures to learn from"):
        training_paths([str(write(tmp_path / "x", "test/good/0.png", "test/dent/0.png"))])
    write(tmp_path / "all", *(f"{one}/test/{kind}/0.png" for one in "ab" for kind in ("ok", "ng")))
    with pytest.raises(ValueError, match=r"\('a', 'b'\); got ''; name it with --category"):
        training_paths([str(tmp_path / "all")])


def test_a_missing_mask_costs_the_pixel_figures_of_its_picture(line: Path, tmp_path: Path) -> None:
    root = tmp_path / "iad"
    entries: dict[str, list[dict[str, str | None]]] = {"train": [], "test": []}
    for k in range(4):
        save_picture(root / f"realiad_256/usb/OK/{k}.png", part(800 + k))
        save_picture(root / f"realiad_256/usb/NG/{k}.png", part(900 + k, defect=True))
        save_picture(root / f"realiad_256/usb/NG/{k}_m.png", part_mask())
        kind, mask = ("BX", None) if k == 3 else ("AK", f"NG/{k}_m.png")
        good = {"anomaly_class": "OK", "image_path": f"OK/{k}.png", "mask_path": None}
        bad = {"anomaly_class": kind, "image_path": f"NG/{k}.png", "mask_path": mask}
        entries["test"] += [good, bad]
    folder = root / "realiad_jsons/realiad_jsons"
    folder.mkdir(parents=True)
    (folder / "usb.json").write_text(json.dumps({"meta": {"normal_class": "OK"}, **entries}))
    done = golden("evaluate", line / "part.golden", root, "--json")
    assert done.returncode == 0, done.stderr
    assert "1 defect picture has no mask and cannot count in the figures on pixels: NG/3" in (
        done.stderr
    )
    values = json.loads(done.stdout)
    assert values["without_mask"] == 1
    assert values["image_auroc"] > 0.9
    assert values["pixel_auroc"] == values["by_type"]["AK"]["pixel_auroc"] > 0.8
    assert values["by_type"]["BX"]["image_auroc"] > 0.9
    assert values["by_type"]["BX"]["pixel_auroc"] is None
    assert "left out of the pixel figures, for want of a mask: 1" in (
        golden("evaluate", line / "part.golden", root).stdout
    )
    check = golden("data", "check", root).stdout
    assert "problem  usb: NG/3.png shows a defect and has no mask" in check

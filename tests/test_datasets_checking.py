"""What `golden data check` finds, and what the command says."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import check_printed, golden
from picture_files import save_picture
from PIL import Image

from goldensample.datasets import LAYOUTS
from goldensample.datasets.checking import check

MASK = np.zeros((6, 8), np.uint8)
MASK[1:3, 2:5] = 255


def write(path: Path, pixels: np.ndarray | int) -> Path:
    """Write a picture; a number stands for a picture of its own."""
    return save_picture(path, noise(pixels) if isinstance(pixels, int) else pixels)


def noise(seed: int, width: int = 8, height: int = 6) -> np.ndarray:
    """Return a picture of its own."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data set in MVTec AD's layout with nothing wrong."""
    names = ("train/good/0.png", "train/good/1.png", "test/good/0.png", "test/dent/0.png")
    for number, name in enumerate(names):
        write(tmp_path / name, number)
    write(tmp_path / "ground_truth/dent/0_mask.png", MASK)
    return tmp_path


def found(root: Path) -> dict[str, tuple[str, ...]]:
    """Return the files of each kind of finding, each of which must be there once."""
    findings = check(LAYOUTS["mvtec_ad"].read(root, ""))
    problems = [finding.problem for finding in findings]
    assert problems == sorted(problems, reverse=True)
    kinds = {finding.kind: finding.files for finding in findings}
    assert len(kinds) == len(findings)
    return kinds


def test_nothing_is_found_where_nothing_is_wrong(root: Path) -> None:
    told: list[tuple[str, int, int]] = []
    assert not check(LAYOUTS["mvtec_ad"].read(root, ""), lambda *words: told.append(words))
    assert told == [("check", done, 4) for done in range(1, 5)]


def test_files_that_cannot_be_read(root: Path) -> None:
    (root / "train/good/1.png").write_bytes(b"")
    assert found(root) == {"unreadable": ("train/good/1.png",)}
    write(root / "train/good/1.png", 9)
    (root / "ground_truth/dent/0_mask.png").write_bytes(b"no picture")
    assert found(root) == {"unreadable": ("ground_truth/dent/0_mask.png",)}


def test_masks(root: Path) -> None:
    mask, picture = "ground_truth/dent/0_mask.png", "test/dent/0.png"
    write(root / mask, MASK * 0)
    assert found(root) == {"mask_empty": (mask, picture)}
    write(root / mask, MASK[:, :7])
    assert found(root) == {"mask_size": (mask, picture)}
    (root / mask).unlink()
    assert found(root) == {"mask_missing": (picture,)}
    (root / mask).parent.rmdir()
    (root / "ground_truth").rmdir()
    assert found(root) == {"no_masks": ()}


@pytest.mark.parametrize(
    ("copied", "to", "kind"),
    [
        ("train/good/0.png", "train/good/7.bmp", "twice_in_train"),
        ("train/good/0.png", "test/good/7.bmp", "train_and_test"),
        ("test/good/0.png", "test/dent/0.png", "good_and_defect"),
        ("train/good/0.png", "test/dent/0.png", "good_and_defect"),
        ("test/good/0.png", "test/good/7.bmp", "twice_in_test"),
    ],
)
def test_the_same_picture_twice(root: Path, copied: str, to: str, kind: str) -> None:
    with Image.open(root / copied) as picture:
        picture.save(root / to)
    assert found(root) == {kind: (copied, to) if "train" in copied else tuple(sorted((copied, to)))}


def test_what_shows_no_part(root: Path) -> None:
    write(root / "train/good/dark.png", noise(7) * 0)
    assert found(root) == {"single_value": ("train/good/dark.png",)}
    write(root / "train/good/dark.png", noise(7) // 16 * 16)
    assert found(root) == {"few_levels": ("train/good/dark.png",)}
    (root / "train/good/dark.png").rename(root / "train/good/dark.gif")
    assert found(root) == {"left_out": ("train/good/dark.gif",)}


def test_deep_pictures_of_few_levels(root: Path) -> None:
    for number, path in enumerate(sorted(root.glob("t*/*/*.png"))):
        deep = np.random.default_rng(number).integers(0, 1 << 12, (6, 8), np.uint16)
        save_picture(path, deep if number % 3 else deep // 2 + 1000)
    assert list(found(root)) == []
    for number, path in enumerate(sorted(root.glob("t*/*/*.png"))):
        save_picture(path, np.random.default_rng(number).integers(2000, 2003, (6, 8), np.uint16))
    [finding] = check(LAYOUTS["mvtec_ad"].read(root, ""))
    assert (finding.kind, finding.problem) == ("few_levels", True)


def test_masks_among_pictures(root: Path, tmp_path: Path) -> None:
    write(root / "train/good/0.bmp", MASK)
    write(root / "test/dent/0.bmp", MASK)
    data = LAYOUTS["mvtec_ad"].read(root, "")
    assert [path.name for path in data.train] == ["0.png", "1.png"]
    assert [item.path.name for item in data.test] == ["0.png", "0.png"]
    assert not check(data)
    table = tmp_path / "parts.csv"
    names = ["train/good/0.png", "train/good/0.bmp", "train/good/1.png"]
    tests = [f"{name},test,{kind}" for kind in ("good", "dent") for name in [f"test/{kind}/0.png"]]
    lines = ["path,split,label", *(f"{name},train,good" for name in names), *tests]
    table.write_text("\n".join(lines))
    kinds = {finding.kind: finding.files for finding in check(LAYOUTS["csv"].read(table, ""))}
    assert kinds["masks_beside"] == ("train/good/0.bmp",)


def test_labels_splits_and_sizes(root: Path) -> None:
    write(root / "test/9.png", 200)
    assert found(root) == {"no_label": ("test/9.png",)}
    (root / "test/9.png").unlink()
    write(root / "test/good/0.png", noise(7, width=9))
    assert found(root) == {"size": ("test/good/0.png",)}
    for name in ("train/good/0.png", "train/good/1.png", "test/good/0.png"):
        (root / name).unlink()
    findings = check(LAYOUTS["mvtec_ad"].read(root, ""))
    assert [finding.text for finding in findings] == [
        "there are no good pictures to learn from",
        "there are no good test pictures",
    ]


def test_the_command_says_what_is_wrong_and_how_much(root: Path) -> None:
    done = golden("data", "check", root)
    assert (done.returncode, done.stdout) == (0, "4 pictures: problems 0, notes 0\n")
    assert "read as mvtec_ad: MVTec AD" in done.stderr
    (root / "test/good/0.png").write_bytes(b"")
    write(root / "train/good/0.png", noise(8, height=5))
    done = golden("data", "check", root, "--json")
    *findings, summary = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert [(one["kind"], one["problem"]) for one in findings] == [
        ("unreadable", True),
        ("size", False),
    ]
    assert summary == {"pictures": 4, "problems": 1, "notes": 1}
    lines = golden("data", "check", root).stdout.splitlines()
    assert lines[0].startswith("problem  cannot read ")
    assert lines[1].startswith("note     1 of 3 pictures have another size than the commonest, 8x6")
    assert lines[2] == "4 pictures: problems 1, notes 1"


def test_a_category_that_cannot_be_read_does_not_hide_the_others(root: Path) -> None:
    write(root / "ground_truth/dent/0.png", MASK)  # beside 0_mask.png
    write(root.parent / "cups/jug/test/good/0.png", 1)
    root.rename(root.parent / "cups/cup")
    done = golden("data", "check", root.parent / "cups", "--layout", "mvtec_ad")
    assert done.returncode == 0
    first, *rest = done.stdout.splitlines()
    assert first.startswith("problem  cup: a picture must have one mask;")
    assert rest == [
        "problem  jug: there are no good pictures to learn from",
        "problem  jug: there are no defect test pictures",
        "1 picture in 2 categories: problems 3, notes 0",
    ]


def test_wrong_use_is_told(tmp_path: Path) -> None:
    for words, reason in (
        ((tmp_path,), "a data set must have a known layout"),
        ((tmp_path, "--layout", "mvtec"), "--layout must be one of mvtec_ad, "),
        ((tmp_path, "--layout", "dagm"), "must hold categories of DAGM 2007; it holds none"),
    ):
        done = golden("data", "check", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert reason in done.stderr


def test_the_list_says_where_and_under_which_licence() -> None:
    done = golden("data", "list", "--json")
    told = {values.pop("layout"): values for values in map(json.loads, done.stdout.splitlines())}
    assert list(told) == list(LAYOUTS)
    assert told["visa"]["licence"] == "CC BY 4.0"
    assert "nothing is downloaded" in done.stderr
    for line, layout in zip(
        golden("data", "list").stdout.splitlines(), LAYOUTS.values(), strict=True
    ):
        assert layout.url in line
        assert f" {layout.licence} " in line


def test_it_speaks_the_language(root: Path) -> None:
    (root / "test/good/0.png").write_bytes(b"")
    write(root / "train/good/0.png", noise(8, height=5))
    shutil.copy(root / "train/good/1.png", root / "test/good/1.png")
    (root / "ground_truth/dent/0_mask.png").unlink()
    printed = check_printed("data", "check", root, told="사진 5장: 문제 3, 참고 1")
    assert "같은 사진으로 학습도 하고 시험도 합니다" in printed
    assert "마스크가 없습니다" in printed  # found in a thread
    lines = golden("data", "list", "--language", "ko").stdout.splitlines()
    assert len(lines) == len(LAYOUTS)
    assert lines[-1].endswith("사용자의 디스크")


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "pictures", "empty", "notes"),
    [
        ("mvtec_ad", 292, 0, []),
        ("mvtec_ad_small", 120, 0, []),
        ("magnetic_tile", 1344, 4, ["size"]),
    ],
)
def test_real_data_sets(
    shared: Path, name: str, pictures: int, empty: int, notes: list[str]
) -> None:
    folder = shared / "data" / name
    read = [LAYOUTS["mvtec_ad"].read(folder, one) for one in LAYOUTS["mvtec_ad"].categories(folder)]
    assert sum(len(data.train) + len(data.test) for data in read) == pictures
    kinds = [finding.kind for data in read for finding in check(data)]
    assert kinds == ["mask_empty"] * empty + notes

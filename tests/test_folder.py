"""Pictures in folders: how they are found and named."""

import os
from pathlib import Path

import pytest
from picture_files import write_png

from goldensample.errors import ImageError
from goldensample.images.folder import open_images
from goldensample.images.listing import find_pictures


def names(*paths: str | Path) -> list[str]:
    return [name for name, _ in find_pictures(paths)]


def test_a_folder_is_read_whole_in_order(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.PNG", "a.jpeg", "c/d/3.TifF", "z.webp", "y.bmp", "x.jpg", "w.tif"):
        write_png(tmp_path / name)
    for name in ("notes.txt", ".hidden.png", ".cache/4.png", "b/thumbs.db", "png"):
        write_png(tmp_path / name)
    expected = ["a.jpeg", "b/1.PNG", "b/2.png", "c/d/3.TifF", "w.tif", "x.jpg", "y.bmp", "z.webp"]
    assert names(tmp_path) == expected
    assert find_pictures(tmp_path) == [(name, tmp_path / name) for name in expected]
    assert find_pictures(str(tmp_path)) == find_pictures([tmp_path])


def test_loops_of_links_end_and_each_file_counts_once(tmp_path: Path) -> None:
    write_png(tmp_path / "parts/a/1.png")
    write_png(tmp_path / "parts/b/2.png")
    write_png(tmp_path / "far/3.png")
    for link, target in {
        "parts/a/loop": "parts",
        "parts/b/loop": "parts",
        "parts/b/self": "parts/b",
        "parts/c": "far",
        "parts/d.png": "parts/a/1.png",
    }.items():
        (tmp_path / link).symlink_to(tmp_path / target)
    (tmp_path / "far/back").symlink_to(tmp_path / "parts")
    found = find_pictures(tmp_path / "parts")
    assert sorted(path.resolve().name for _, path in found) == ["1.png", "2.png", "3.png"]
    assert found == find_pictures(tmp_path / "parts")
    deep = find_pictures(tmp_path / "parts" / "**" / "*.png")
    assert sorted(path.resolve().name for _, path in deep) == ["1.png", "2.png", "3.png"]


def test_a_broken_link_is_found_and_then_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    assert names(tmp_path) == ["a.png"]
    with pytest.raises(ImageError, match=r"a\.png: there is no such file"):
        open_images(tmp_path)[0]


def test_names_are_as_short_as_is_unique(tmp_path: Path) -> None:
    for name in ("a/good/0.png", "b/good/0.png", "b/good/1.png", "b/bad/0.png"):
        write_png(tmp_path / name)
    assert names(tmp_path / "a/good/0.png") == ["0.png"]
    both = names(tmp_path / "b/good/0.png", tmp_path / "b/bad/0.png", tmp_path / "b/good/1.png")
    assert both == ["good/0.png", "bad/0.png", "1.png"]
    two = names(tmp_path / "a/good", tmp_path / "b/good")
    assert two == ["a/good/0.png", "b/good/0.png", "1.png"]
    assert names(tmp_path / "a", tmp_path / "a/good/0.png") == ["good/0.png"]
    three = names(tmp_path / "a/good/0.png", tmp_path / "b")
    assert three == ["0.png", "bad/0.png", "good/0.png", "good/1.png"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.png", ["0.png"]),
        ("a/*.png", ["1.png", "2.png"]),
        ("a/[1]*", ["1.png"]),
        ("a/?.png", ["1.png", "2.png"]),
        ("*/good/*.png", ["a/good/3.png", "b/good/4.png"]),
        ("*/good", ["a/good/3.png", "b/good/4.png"]),
        ("**/*.png", ["0.png", "a/1.png", "a/2.png", "a/good/3.png", "b/good/4.png"]),
        ("**/good/*.png", ["a/good/3.png", "b/good/4.png"]),
        ("a/**", ["1.png", "2.png", "good/3.png"]),
        ("**/good", ["a/good/3.png", "b/good/4.png"]),
    ],
)
def test_patterns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, expected: list[str]
) -> None:
    for name in ("0.png", "a/1.png", "a/2.png", "a/good/3.png", "b/good/4.png", "a/.x/5.png"):
        write_png(tmp_path / name)
    write_png(tmp_path / "a/1.txt")
    assert names(tmp_path / pattern) == expected
    monkeypatch.chdir(tmp_path)
    assert names(pattern) == expected


def test_a_name_that_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    write_png(tmp_path / "part[1].png")
    assert names(tmp_path / "part[1].png") == ["part[1].png"]


def test_what_cannot_be_found_is_told(tmp_path: Path) -> None:
    write_png(tmp_path / "notes.txt")
    for given, reason in {
        tmp_path: "a folder must hold pictures .* holds none; name another",
        tmp_path / "notes.txt": r"a picture must end in .*notes\.txt does not; convert or rename",
        tmp_path / "no": "a picture or folder must be there to read; .*no is not; check the path",
        tmp_path / "*.png": "a pattern must match pictures .* matches none; check it",
        tmp_path / "**" / "*.png": "a pattern must match pictures",
    }.items():
        with pytest.raises(ImageError, match=reason):
            find_pictures(given)
    with pytest.raises(ImageError, match="pictures must be given; there were none"):
        find_pictures([])


def test_a_folder_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        pytest.skip("root may read all")
    write_png(tmp_path / "a.png")
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(ImageError, match=r"cannot read the folder .*closed: Permission denied"):
        find_pictures(tmp_path)
    with pytest.raises(ImageError, match=r"must be there to read; .*a\.png is not"):
        find_pictures(tmp_path / "closed" / "a.png")

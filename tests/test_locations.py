"""Pictures by URL: found, named, read and refused as those on disk are."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import fit, part
from remote_parts import s3_store, serve_folder

from goldensample import save
from goldensample.errors import ImageError, StoreError
from goldensample.images.codec import encode_png, read_image
from goldensample.images.folder import open_images, read_images
from goldensample.images.listing import find_pictures
from goldensample.storage import locations

COLORS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
PICTURE = encode_png(COLORS)
NAMES = (
    *("a.jpeg", "b/1.PNG", "b/2.png", "b-c/5.png", "b/good/3.png", "c/good/4.png", "d e/[1].png"),
    *("notes.txt", ".hidden.png", ".cache/4.png", "b/.x/5.png"),
)


@pytest.fixture(scope="module")
def s3():
    with s3_store() as store:
        yield store


@pytest.fixture
def web(tmp_path):
    (tmp_path / "web").mkdir()
    with serve_folder(tmp_path / "web") as served:
        yield served


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Pictures on disk."""
    root = tmp_path_factory.mktemp("pictures")
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PICTURE)
    return root


@pytest.fixture(scope="module", params=["s3", "memory", "file", "http"])
def root(request, folder):
    """The URL of a folder with the same pictures."""
    if request.param == "file":
        yield folder.as_uri()
        return
    if request.param == "http":
        with serve_folder(folder) as served:
            yield served.url
        return
    if request.param == "s3":
        store, url = request.getfixturevalue("s3"), "s3://line/parts"
    else:
        store, url = pytest.importorskip("fsspec").filesystem("memory"), "memory://parts"
    for name in NAMES:
        store.pipe_file(f"{url}/{name}", PICTURE)
    yield url


def names(*paths: str | Path) -> list[str]:
    return [name for name, _ in find_pictures(paths)]


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "/", "/b", "/b/", "/b/2.png", "/b/*.png", "/*/good", "/*/good/*.png", "/**/*.png"),
        *("/**/good", "/[bc]/good/*", "/b/[2]*", "/d e/[1].png", "/b*"),
    ],
)
def test_urls_are_read_as_paths_are(root, folder, pattern):
    found = [(name, str(place)) for name, place in find_pictures(f"{root}{pattern}")]
    assert [name for name, _ in found] == names(f"{folder}{pattern}")
    if not root.startswith("file"):
        assert all(place.startswith(root) for _, place in found)


def test_a_question_mark_is_a_pattern_but_on_the_web(root):
    if root.startswith("http"):
        assert names(f"{root}/b/2.png?wide=1") == ["2.png?wide=1"]
    else:
        assert names(f"{root}/b/?.png") == ["2.png"]


def test_several_urls_have_names_that_are_as_short_as_is_unique(root, folder):
    given = ("b/2.png", "b/good", "c/good", "b/good/3.png")
    here, there = (names(*(f"{start}/{one}" for one in given)) for start in (folder, root))
    assert here == there == ["2.png", "3.png", "4.png"]
    twice = names(f"{root}/b/2.png", f"{folder}/b/2.png")
    assert twice == ["2.png"] if root.startswith("file") else len(set(twice)) == 2


def test_what_cannot_be_found_is_told(root):
    for given, reason in {
        "/notes.txt": "a picture must end in .*does not; convert|cannot read the folder .*notes",
        "/no": "a picture or folder must be there|no such file",
        "/no.png": "a picture or folder must be there to read; .*no.png is not; check",
        "/x*": "a pattern must match pictures .* matches none; check it",
        "/.cache/*.jpg": "a pattern must match pictures",
    }.items():
        with pytest.raises(ImageError, match=reason):
            find_pictures(root + given)


def test_pictures_are_read_when_they_are_asked_for(root):
    folder = read_images(f"{root}/b")
    assert [picture.name for picture in folder] == ["1.PNG", "2.png", "good/3.png"]
    assert np.array_equal(folder[1].pixels, COLORS)
    assert open_images(f"{root}/b").shapes() == folder.shapes() == ((6, 8),) * 3
    assert len(pickle.dumps(folder)) < 1000
    again = pickle.loads(pickle.dumps(folder))
    assert np.array_equal(again[0].pixels, COLORS)
    for name, size, stamp in folder.stamps():
        assert name in folder.names
        assert size == len(PICTURE)
        assert stamp


def test_stamps_tell_files_that_have_changed(s3, tmp_path):
    paths = {"disk": tmp_path / "a.png", "s3": "s3://line/changing/a.png"}
    stamps = []
    for data in (PICTURE, encode_png(255 - COLORS)):
        paths["disk"].write_bytes(data)
        s3.pipe_file(paths["s3"], data)
        stamps.append([open_images(path).stamps() for path in paths.values()])
    folders = [open_images(path) for path in paths.values()]
    paths["disk"].unlink()
    s3.rm(paths["s3"])
    for first, second in zip(*stamps, strict=True):
        assert first[0][0] == second[0][0] == "a.png"
        assert first != second
    assert folders[0].stamps() == [("a.png", 0, "")]
    for gone in folders:
        with pytest.raises(ImageError, match=r"cannot read .*a\.png: there is no such file"):
            gone[0]


def test_a_fit_from_a_store_gives_the_same_file(s3, tiny, tmp_path):
    for k in range(6):
        data = encode_png(part(k))
        (tmp_path / f"{k}.png").write_bytes(data)
        s3.pipe_file(f"line/good/{k}.png", data)
    made = []
    for source in (str(tmp_path), "s3://line/good"):
        save(fit(read_images(source), backbone=tiny), tmp_path / "made.golden")
        made.append((tmp_path / "made.golden").read_bytes())
    assert made[0] == made[1]


def test_endpoints_are_taken_from_fsspecs_own_settings(s3, monkeypatch):
    from fsspec.config import conf, set_conf_env

    s3.pipe_file("line/own/a.png", PICTURE)
    endpoint = {"FSSPEC_S3_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]}
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setitem(conf, "s3", {})
    set_conf_env(conf, endpoint)
    locations._open_file_system.cache_clear()
    assert names("s3://line/own") == ["a.png"]
    locations._open_file_system.cache_clear()


def test_no_rights_and_no_server_are_told(web, tmp_path):
    (tmp_path / "web/a.png").write_bytes(PICTURE)
    folder = open_images(f"{web.url}/a.png")
    web.refused = {"a.png": 403}
    with pytest.raises(ImageError, match=r"cannot read http.*a\.png: there are no rights to it"):
        folder[0]
    web.refused = {"a.png": 503}
    with pytest.raises(StoreError, match=r"must be in a store that answers; it did not \(503"):
        list(folder.attempts())
    web.close()
    for ask in (lambda: folder[0], lambda: find_pictures(f"{web.url}/a.png")):
        with pytest.raises(StoreError, match=r"store that answers; it did not .*check its address"):
            ask()


def test_wrong_credentials_are_no_matter_of_one_picture():
    with pytest.raises(StoreError, match=r"did not \(Unable to locate credentials"), _words():
        raise PermissionError("Unable to locate credentials")
    with pytest.raises(ImageError, match="no rights to it"), _words():
        raise PermissionError("Access Denied")


def _words():
    return locations.translate_errors("s3://line/a.png")


def test_urls_that_cannot_be_used_are_told(monkeypatch):
    for url, reason in {
        "s3://": "a URL must name a bucket",
        "file://elsewhere/a.png": "must be file:///PATH, of this machine",
    }.items():
        with pytest.raises(ImageError, match=reason):
            find_pictures(url)
    for url, reason in {
        "xyz://a/b.png": "of a kind that fsspec knows",
        "gs://a/b.png": r"gs:// must have a package of its own; .*pip install gcsfs",
    }.items():
        monkeypatch.setitem(sys.modules, "gcsfs", None)
        with pytest.raises(StoreError, match=reason):
            find_pictures(url)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    locations._open_file_system.cache_clear()
    with pytest.raises(StoreError, match=r"extra \[remote\]; pip install"):
        find_pictures("s3://a/b.png")


def test_nothing_of_it_is_imported_for_pictures_on_disk(folder):
    code = (
        "import sys; from goldensample.images.folder import read_images\n"
        "import goldensample.cli.app\n"
        f"read_images({str(folder)!r})[0]\n"
        "assert not {'fsspec', 's3fs', 'aiohttp', 'pyarrow', 'ray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_text_that_a_user_gives_is_a_url(web, tmp_path):
    from goldensample.station.setup.fit_process import read_pictures

    (tmp_path / "web/a.png").write_bytes(PICTURE)
    url = f"{web.url}/a.png"
    with pytest.raises(ImageError, match="must be there to read"):
        find_pictures(Path(url))
    with pytest.raises(ImageError, match="no such file"):
        read_image(url)
    with pytest.raises(ImageError, match="must be there to read"):  # whatever a request smuggles in
        read_pictures({"pictures": [[0, "a.png", url]]}, lambda *_: None)
    assert not web.requests

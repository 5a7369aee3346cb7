"""Methods of one's own: run where a user names their file, never because a `.golden` file does."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from commands import golden
from conftest import check_round_trip, part, read_writable_parts

import goldensample
from goldensample import ArtifactError, GoldenError, PatchCore, Preparation
from goldensample.artifact.container import write_parts
from goldensample.artifact.own_method import open_method
from goldensample.graphs.limits import check_size

CODE = """
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from goldensample.methods.mean_map import MeanMap

Path(__file__).with_name("was_run").touch()


@dataclass(frozen=True)
class Mine:
    sigma_px: float = 2.0

    def fit(self, features, notify):
        return MeanMap(sigma_px=self.sigma_px).fit(features, notify)

    def restore(self, arrays):
        return MeanMap(sigma_px=self.sigma_px).restore(arrays)


class Plain:
    pass


@dataclass(frozen=True)
class Wrong(Mine):
    def fit(self, features, notify):
        return {}["nothing"]
"""
SMALL = Preparation((48, 48))


@pytest.fixture(scope="module")
def code(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("code") / "mine.py"
    file.write_text(CODE)
    return file


@pytest.fixture(scope="module")
def fitted(code, tiny):
    kind = open_method(f"{code}:Mine")
    pictures = [part(seed) for seed in range(20)]
    return goldensample.fit(pictures, backbone=tiny, method=kind(3.0), preparation=SMALL)


@pytest.fixture(scope="module")
def file(fitted, code) -> Path:
    path = code.with_name("mine.golden")
    goldensample.save(fitted, path)
    code.with_name("was_run").unlink()
    return path


def test_it_inspects_as_before_and_its_file_names_it(fitted, file):
    kind = type(fitted.method)
    loaded = goldensample.load(file, method=kind)
    own, before = loaded.inspect(part(50)), fitted.inspect(part(50))
    assert own.score == before.score
    assert np.array_equal(own.heat_map, before.heat_map)
    assert (loaded.method, loaded.method_name) == (kind(3.0), "mine.py:Mine")
    header, _ = read_writable_parts(file)
    assert header["method"] == "mine.py:Mine"
    assert len(header["method_sha256"]) == 64
    with pytest.raises(ValueError, match="must be of one of golden's methods"):
        check_size(loaded)


COMMANDS = (
    *("inspect {} {}", "evaluate {} {}", "thresholds {}", "thresholds {} --set 9%"),
    *("soak {} {}", "learn {} {}", "forget {} x", "history {}", "revert {} 0"),
    *("export {} --to onnx", "serve {}"),
)


@pytest.mark.parametrize("words", COMMANDS)
def test_no_command_runs_code_because_a_file_names_it(file, code, line, words):
    before = file.read_bytes()
    done = golden(*words.format(file, line).split(), cwd=code.parent)
    assert done.returncode == 2
    assert "no code is run because a file asks for it" in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_bytes() == before
    assert not code.with_name("was_run").exists()


def test_info_tells_what_the_header_has_and_runs_nothing(file, code, tmp_path):
    done = golden("info", file, "--json", cwd=code.parent)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["method"], told["knobs"]) == ("mine.py:Mine", {"sigma_px": 3.0})
    assert told["pictures"] == 20
    assert told["threshold"] > 0
    assert "good pictures" in told["threshold_in_words"]
    assert told["the_rest"].endswith(f"golden info {file} --method mine.py:Mine")
    assert "the rest" in golden("info", file, cwd=code.parent).stdout
    assert not code.with_name("was_run").exists()
    header, arrays = read_writable_parts(file)
    for broken in ({"network": []}, {"thresholds": {"fp32": {"score": 1}}}, {"pictures": 7}):
        write_parts(tmp_path / "broken.golden", {**header, **broken}, arrays)
        done = golden("info", tmp_path / "broken.golden")
        assert done.returncode == 2
        assert "header must be as golden fit writes it" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_changed_or_another_file_is_refused(file, code, tmp_path):
    (tmp_path / "mine.py").write_text(CODE + "# changed\n")
    with pytest.raises(ArtifactError, match=r"what you gave is Mine, SHA-256 .* or fit anew"):
        goldensample.load(file, method=open_method(f"{tmp_path / 'mine.py'}:Mine"))
    with pytest.raises(ArtifactError, match="what you gave is Wrong"):
        goldensample.load(file, method=open_method(f"{code}:Wrong"))
    header, arrays = read_writable_parts(file)
    del header["method_sha256"]
    write_parts(tmp_path / "bare.golden", header, arrays)
    with pytest.raises(ArtifactError, match="give the Python file of the fit"):
        goldensample.load(tmp_path / "bare.golden", method=open_method(f"{code}:Mine"))


def test_a_file_of_a_built_in_method_takes_none(fitted, code, tiny, tmp_path):
    pictures = [part(seed) for seed in range(3)]
    plain = goldensample.fit(pictures, backbone=tiny, preparation=SMALL, false_alarms=None)
    check_round_trip(plain, tmp_path / "plain.golden")
    with pytest.raises(ArtifactError, match=r"golden's own method patchcore, .* leave --method"):
        goldensample.load(tmp_path / "plain.golden", method=type(fitted.method))


def test_what_is_no_method_is_refused_in_words(code, tmp_path):
    (tmp_path / "broken.py").write_text("import nothing_like_it\n")
    for text, error, words in (
        (f"{tmp_path / 'none.py'}:Mine", ValueError, "there is no file"),
        ("mine:Mine", ValueError, "must be one of golden's, or FILE.py:Class"),
        (f"{code}:Other", ValueError, "must have a class Other; it has none"),
        (f"{code}:MeanMap", ValueError, "must have a class MeanMap; it has none of its own"),
        (f"{code}:Plain", ValueError, "it lacks fit and restore"),
        (f"{tmp_path / 'broken.py'}:Mine", GoldenError, "ModuleNotFoundError: No module named"),
    ):
        with pytest.raises(error, match=words):
            open_method(text)


def test_one_that_derives_from_a_built_in_would_be_lost(tiny):
    @dataclass(frozen=True, kw_only=True)
    class Derived(PatchCore):
        pass

    pictures = [part(seed) for seed in range(3)]
    method = Derived()
    with pytest.raises(ValueError, match="must not derive from PatchCore; Derived does"):
        goldensample.fit(pictures, backbone=tiny, method=method, preparation=SMALL)


def test_the_command_says_whose_mistake_it_is(code, line, tmp_path):
    good = line / "train/good"
    small = ("--size", "48x48", "--precision", "fp32")
    done = golden("fit", good, "-o", tmp_path / "x.golden", "--method", f"{code}:Wrong", *small)
    assert done.returncode == 2
    assert "an error of your method, KeyError: 'nothing'" in done.stderr
    for text, words in (("depth=3", "NAME one of sigma_px"), ("sigma_px=a", "must be a number")):
        words_of_fit = ("fit", good, "-o", tmp_path / "x.golden", "--method", f"{code}:Mine")
        done = golden(*words_of_fit, "--knob", text)
        assert done.returncode == 2
        assert words in done.stderr

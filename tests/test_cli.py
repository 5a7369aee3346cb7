"""The command line as a user meets it: a process, its streams and its exit code."""

import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from commands import golden
from conftest import part
from picture_files import save_picture


def test_fit_says_what_it_did(line, tiny_file, tmp_path):
    done = golden(
        "fit", line / "train/good", "-o", tmp_path / "a.golden", "--backbone", f"onnx:{tiny_file}",
        "--coreset", "5%", "--size", "48x64", "--false-alarms", "10%", "--json",
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert (done.returncode, said["size_hw"], said["held_out"]) == (0, [48, 64], 9)
    assert said["bank_rows"] == round(0.05 * 31 * 12 * 12)  # 12 of 16 columns are picture
    assert said["false_alarms"] == 0.1


def test_the_same_command_gives_the_same_file(line, tiny_file, tmp_path):
    words = ("--backbone", f"onnx:{tiny_file}", "--size", "64x64")
    for name in ("a.golden", "b.golden"):
        golden("fit", line / "train/good", "-o", tmp_path / name, *words)
    assert (tmp_path / "a.golden").read_bytes() == (tmp_path / "b.golden").read_bytes()
    assert (tmp_path / "a.golden").read_bytes() == (line / "part.golden").read_bytes()


def test_inspect_in_json_and_in_words(line):
    done = golden("inspect", line / "part.golden", line / "test", "--json")
    results = [json.loads(text) for text in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [r["picture"] for r in results][:2] == ["good/000.png", "good/001.png"]
    assert all(r["verdict"] == "defect" for r in results if r["picture"].startswith("spot"))
    region = next(r for r in results if r["picture"] == "spot/003.png")["regions"][0]
    top, left, height, width = region["box_px"]
    assert top < 25 < top + height
    assert left < 35 < left + width
    assert set(region["nearest_good"]) == {"picture", "row_px", "column_px"}
    words = golden("inspect", line / "part.golden", line / "test/spot/000.png").stdout
    assert words.startswith("defect")
    assert "000.png  1 region, largest" in words


def test_exit_codes(line):
    file, spot = line / "part.golden", line / "test/spot/000.png"
    assert golden("inspect", file, spot).returncode == 0
    assert golden("inspect", file, spot, "--fail-on-defect").returncode == 1
    calm = golden("inspect", file, spot, "--fail-on-defect", "--threshold", "1000")
    assert (calm.returncode, calm.stdout[:4]) == (0, "good")
    assert golden("inspect", file).returncode == 2
    assert golden("nonsense").returncode == 2


def test_a_broken_picture_has_its_own_line_and_the_run_goes_on(line, tmp_path):
    save_picture(tmp_path / "a.png", part(1))
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:300])
    (tmp_path / "c.png").write_bytes(b"")
    save_picture(tmp_path / "d.png", part(2, defect=True))
    done = golden("inspect", line / "part.golden", tmp_path, "--json", "--report", tmp_path / "r")
    results = [json.loads(text) for text in done.stdout.splitlines()]
    assert done.returncode == 2
    assert [r["picture"] for r in results] == ["a.png", "b.png", "c.png", "d.png"]
    assert "b.png" in results[1]["error"]
    assert "empty" in results[2]["error"]
    assert results[3]["verdict"] == "defect"
    page = (tmp_path / "r/report.html").read_text(encoding="utf-8")
    assert "c.png" in page
    assert "Traceback" not in done.stderr


def test_fit_refuses_broken_pictures_unless_told(line, tiny_file, tmp_path):
    save_picture(tmp_path / "good/a.png", part(1))
    save_picture(tmp_path / "good/b.png", part(2))
    (tmp_path / "good/c.png").write_bytes(b"\x89PNG\r\n")
    words = (
        "fit",
        tmp_path / "good",
        "-o",
        tmp_path / "x.golden",
        "--backbone",
        f"onnx:{tiny_file}",
    )
    refused = golden(*words)
    assert refused.returncode == 2
    assert "c.png" in refused.stderr
    assert not (tmp_path / "x.golden").exists()
    done = golden(*words, "--skip-unreadable")
    assert done.returncode == 0
    assert "left out" in done.stderr
    assert "is an estimate from" in done.stdout


def test_evaluate_has_the_promised_keys(line, tmp_path):
    report = tmp_path / "r"
    done = golden("evaluate", line / "part.golden", line, "--json", "--report", report)
    values = json.loads(done.stdout)
    assert set(values) == {
        "image_auroc", "pixel_auroc", "pro", "f1", "f1_threshold", "misclassified", "images",
        "pixels", "seconds_per_image", "pro_5", "pixel_average_precision", "pixel_f1",
        "pixel_error", "image_average_precision", "image_auroc_interval", "by_type",
        "without_mask", "spro", "spro_5", "type_auroc", "image_auroc_by_view",
        "image_auroc_per_part",
    }  # fmt: skip
    assert values["image_auroc"] == 1.0
    assert "may help" not in done.stderr
    assert values["misclassified"] == {"false_positive": 0, "false_negative": 0}
    assert (values["images"], values["pixels"]) == (12, "full picture")
    assert (report / "report.html").stat().st_size > 20_000


def test_evaluate_without_masks(line, tmp_path):
    (tmp_path / "test").symlink_to(line / "test")
    values = json.loads(golden("evaluate", line / "part.golden", tmp_path, "--json").stdout)
    assert (values["pixel_auroc"], values["pro"]) == (None, None)


def test_where_defects_score_as_good_parts_do_it_says_what_may_help(line, tmp_path):
    for name in ("good", "called_defect"):
        shutil.copytree(line / "test/good", tmp_path / "test" / name)
    done = golden("evaluate", line / "part.golden", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the defect scores higher only 50% of the time. What may help" in done.stderr


def test_info(line):
    said = json.loads(golden("info", line / "part.golden", "--json").stdout)
    assert len(said["network_sha256"]) == 64
    assert said["knobs"]["coreset"] == 0.1
    assert "on average over fits" in said["threshold_in_words"]
    package = json.loads(golden("info", "--json").stdout)
    assert len(package["builtin_network_sha256"]) == 64


@pytest.mark.parametrize(
    ("words", "part_of_message"),
    [
        (["inspect", "none.golden", "."], "none.golden must be a .golden file; there is none"),
        (["fit", "nowhere", "-o", "x.golden"], "nowhere"),
        (["fit", "empty", "-o", "x.golden"], "empty"),
        (["fit", "p.png", "-o", "x.golden", "--backbone", "magic"], "backbone must be"),
        (["fit", "p.png", "-o", "x.golden", "--coreset", "2.5"], "coreset must be in (0, 1]"),
        (["fit", "p.png", "-o", "x.golden", "--coreset", "many"], "number or a percentage"),
        (["fit", "p.png", "-o", "x.golden", "--preset", "fast"], "preset must be paper"),
        (["fit", "p.png", "-o", "x.golden", "--crop", "9"], "--crop must go with --resize"),
        (["fit", "p.png", "-o", "x.golden", "--resize", "9", "--crop", "99"], "crop_hw"),
        (["fit", "p.png", "-o", "x.golden", "--size", "ab"], "HEIGHTxWIDTH"),
        (
            ["fit", "p.png", "-o", "x.golden", "--false-alarms", "150%"],
            "at most 100%",
        ),
        (["fit", "p.png", "-o", "x.golden", "--coreset", "inf"], "coreset must be in (0, 1]"),
        (["fit", "p.png", "-o", "x.golden", "--coreset", "200%"], "at most 100%"),
        (["fit", "p.png", "-o", "x.golden", "--levels", "2,2"], "each level once"),
        (["fit", "p.png", "-o", "x.golden", "--resize", "256"], "--resize N must go with --crop"),
        (["fit", "p.png", "-o", "x.golden", "--size", "²"], "HEIGHTxWIDTH"),
        (["fit", "p.png", "-o", "x.png"], "--output must end in .golden"),
        (["fit", "p.png", "-o", "dir.golden"], "must be a file; it is a folder"),
        (["fit", "p.png", "-o", "p.png/x.golden"], "must be in a folder that can be written"),
        (["inspect", "empty", "p.png"], "must be a .golden file; it is a folder"),
        (["inspect", "none.golden", "p.png", "--report", "p.png"], "in a folder that can be"),
        (["evaluate", "p.png", "."], "p.png"),
    ],
)
def test_mistakes_end_in_one_message(words, part_of_message, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "dir.golden").mkdir()
    save_picture(tmp_path / "p.png", part(1))
    done = golden(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert part_of_message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "x.golden").exists()


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_threshold_must_be_a_number(line, value):
    done = golden("inspect", line / "part.golden", line / "test/good", "--threshold", value)
    assert (done.returncode, done.stdout) == (2, "")
    assert "score must be finite" in done.stderr


def test_an_unreadable_picture_is_a_result_line(line, tmp_path):
    (tmp_path / "c.png").write_bytes(b"")
    done = golden("inspect", line / "part.golden", tmp_path)
    assert done.returncode == 2
    assert done.stdout.startswith("error")
    assert "c.png" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_results_go_to_stdout_when_people_watch(line, tmp_path):
    import os
    import pty

    watcher, terminal = pty.openpty()
    words = ["inspect", line / "part.golden", line / "test", "--json"]
    with (tmp_path / "out").open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "goldensample.cli", *map(str, words)],
            stdout=out,
            stderr=terminal,
        )
        os.close(terminal)
        shown = b""
        while True:
            try:
                shown += os.read(watcher, 4096)
            except OSError:  # the other end is closed
                break
            if child.poll() is not None and not shown.endswith(b"more"):
                break
        assert child.wait() == 0
    os.close(watcher)
    assert len([json.loads(text) for text in (tmp_path / "out").read_text().splitlines()]) == 12
    assert b"checking" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for children")
def test_ctrl_c_ends_cleanly(line):
    import signal

    command = [sys.executable, "-m", "goldensample.cli", "inspect", line / "part.golden"]
    command += [line / "train/good", line / "test", "--batch"]
    for batch in ("1", "4"):
        child = subprocess.Popen([*map(str, command), batch], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)  # fmt: skip
        child.stdout.readline()  # it is at work
        child.send_signal(signal.SIGINT)
        said = child.communicate()[1]
        assert child.returncode in (0, 1, 130), said  # never a signal: no abort
        assert b"FATAL" not in said


def test_a_reader_that_leaves_is_not_a_defect(line):
    words = [sys.executable, "-m", "goldensample.cli", "inspect", line / "part.golden"]
    child = subprocess.Popen([*map(str, words), str(line / "train/good")], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)  # fmt: skip
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    assert child.wait() == 2, said
    assert b"Traceback" not in said


def test_debug_shows_the_traceback(tmp_path):
    done = golden("--debug", "info", "none.golden", cwd=tmp_path)
    assert done.returncode != 0
    assert "Traceback" in done.stderr


def test_deep_pictures_keep_the_scale_of_the_fit(tiny_file, tmp_path):
    for k in range(4):
        grey = part(k)[:, :, 0].astype(np.uint16) * 16  # 12 bits in 16
        save_picture(tmp_path / f"good/{k}.png", grey)
    dim = part(9)[:, :, 0].astype(np.uint16)  # a dim picture must not be brightened
    save_picture(tmp_path / "dim.png", dim)
    file = tmp_path / "deep.golden"
    fitted = golden("fit", tmp_path / "good", "-o", file, "--backbone", f"onnx:{tiny_file}")
    assert fitted.returncode == 0, fitted.stderr
    preparation = json.loads(golden("info", file, "--json").stdout)["preparation"]
    assert 0 <= preparation["black"] < preparation["white"] <= 5120
    found = golden("inspect", file, tmp_path / "dim.png", tmp_path / "good/0.png", "--json").stdout
    dark, same, counted = map(json.loads, found.splitlines())
    assert dark["score"] > 5 * same["score"]
    assert counted["single_value"]["names"] == ["dim.png"]


def test_a_killed_fit_leaves_no_file(line, tiny_file, tmp_path):
    command = [sys.executable, "-m", "goldensample.cli", "fit", str(line / "train/good"), "-o",
               str(tmp_path / "x.golden"), "--backbone", f"onnx:{tiny_file}"]  # fmt: skip
    for wait_s in (0.2, 0.6, 1.0):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            child.wait(wait_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if (tmp_path / "x.golden").exists():
            assert golden("info", tmp_path / "x.golden").returncode == 0


def test_a_killed_fit_is_gone_on_with(line, tiny_file, tmp_path):
    words = ["fit", line / "train/good", "-o", tmp_path / "x.golden", "--backbone",
             f"onnx:{tiny_file}", "--size", "512x512", "--coreset", "500"]  # fmt: skip
    partial = tmp_path / "x.golden.partial"
    command = [sys.executable, "-m", "goldensample.cli", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        while child.poll() is None and len(list(partial.glob("*.features"))) < 2:
            time.sleep(0.005)
        child.kill()
    assert partial.exists(), "the fit was done before it could be killed"
    assert not (tmp_path / "x.golden").exists()
    again = golden(*words, "--resume")
    assert again.returncode == 0, again.stderr
    assert "going on from the features of" in again.stderr
    assert not partial.exists()
    resumed = (tmp_path / "x.golden").read_bytes()
    assert golden(*words).returncode == 0
    assert resumed == (tmp_path / "x.golden").read_bytes()


def test_other_pictures_are_not_gone_on_with(line, tiny_file, tmp_path):
    words = ["-o", tmp_path / "x.golden", "--backbone", f"onnx:{tiny_file}", "--size", "64x64",
             "--resume"]  # fmt: skip
    head = tmp_path / "x.golden.partial" / "of.json"
    head.parent.mkdir()
    head.write_bytes(b"{}\n")
    done = golden("fit", line / "train/good", *words)
    assert done.returncode == 2
    assert "run without --resume" in done.stderr
    assert head.read_bytes() == b"{}\n"
    done = golden("fit", line / "train/good", *words[:-1])
    assert done.returncode == 0
    assert "replacing x.golden.partial" in done.stderr


def test_the_plan_is_told_and_too_little_memory_is_refused(line, tiny_file, tmp_path):
    words = ["fit", line / "train/good", "-o", tmp_path / "x.golden", "--backbone",
             f"onnx:{tiny_file}"]  # fmt: skip
    done = golden(*words, "--memory", "8GB")
    assert done.stderr.startswith("plan: 86,016 patches of depth 16 from 21 pictures, 8,602 kept")
    assert "; remembers " in done.stdout
    done = golden(*words, "--memory", "20MB")
    assert done.returncode == 2
    assert "memory must be at least" in done.stderr
    assert "give it more" in done.stderr
    assert golden(*words, "--memory", "much").returncode == 2


def test_a_streaming_bank_says_so(line, tiny_file, tmp_path):
    done = golden("fit", line / "train/good", "-o", tmp_path / "x.golden", "--backbone",
                  f"onnx:{tiny_file}", "--greedy", "streaming", "--coreset", "100", "--size",
                  "64x64")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "100 kept by the streaming greedy coreset" in done.stderr
    assert "; remembers " in done.stdout
    said = json.loads(golden("info", tmp_path / "x.golden", "--json").stdout)
    assert said["radius"] > 0

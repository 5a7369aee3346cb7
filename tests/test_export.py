"""What is exported agrees with the inspector, or is refused."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from commands import check_printed, golden
from conftest import fit, part
from onnx import numpy_helper
from picture_files import save_picture
from references import exact

from goldensample import ArtifactError, PatchCore, Preparation, load, read_images, save
from goldensample.backbones.openvino import processor_has
from goldensample.export import parity
from goldensample.export.export import check, export, open_export
from goldensample.fitting.precision import convert_precision
from goldensample.graphs.graph import to_onnx
from goldensample.graphs.runtimes import Exported, Run, contract_of, open_all, to_openvino

FIT = Preparation((48, 64))


@pytest.fixture(scope="module")
def fitted(tiny, good_parts):
    return fit(good_parts, backbone=tiny, preparation=FIT)


@pytest.fixture(scope="module")
def line(tmp_path_factory, fitted) -> Path:
    """A folder with a .golden file, its exports, and new pictures."""
    root = tmp_path_factory.mktemp("line")
    save(fitted, root / "part.golden")
    for to, ending in (("onnx", "onnx"), ("openvino", "xml")):
        export(fitted, root / f"part.{ending}", to)
    for k in range(4):
        save_picture(root / f"new/{k}.png", part(700 + k, defect=k % 2 == 1))
    return root


def spoiled(file: Path, path: Path, part_of: str) -> None:
    """Write a model with another weight or another limit."""
    model = onnx.load(file)
    limit = [node.input[1] for node in model.graph.node if node.op_type == "Greater"][-1]
    name = {"network": "network/a", "limit": limit}[part_of]
    tensor = next(one for one in model.graph.initializer if one.name.startswith(name))
    values = numpy_helper.to_array(tensor).copy()
    values.flat[0] += values.dtype.type(0.1)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, path)


@pytest.mark.parametrize(("to", "ending"), [("onnx", ".onnx"), ("openvino", ".xml")])
def test_an_export_agrees_and_says_what_it_takes(to, ending, fitted, tmp_path):
    written = export(fitted, tmp_path / f"a.b{ending}", to)
    beside = {".xml": {"a.b.xml", "a.b.bin"}, ".onnx": {"a.b.onnx"}}[ending]
    assert {path.name for path in tmp_path.iterdir()} == beside
    assert {path.name for path in written.paths} == beside
    assert written.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    agreements = exact(written.agreements)
    assert all(one.score <= 1e-5 and one.heat_map <= 1e-5 for one in agreements)
    assert {len(one.differences) for one in written.agreements} == {6 + 7}
    model = open_export(tmp_path / f"a.b{ending}")
    assert contract_of(model) == contract_of(Exported("a.onnx", to_onnx(fitted)))
    pixels = part(900, defect=True, shape=(60, 50))
    for run in open_all(model).values():
        assert run(pixels[None])["score"][0] == pytest.approx(
            fitted.inspect(pixels).score, rel=parity.HALF_TOLERANCE if run.half else 1e-5
        )


def test_a_file_without_a_threshold_is_exported_too(tiny, good_parts, tmp_path):
    written = export(
        fit(good_parts[:4], backbone=tiny, preparation=FIT, false_alarms=None),
        tmp_path / "a.onnx",
        "onnx",
    )
    assert all(not one.changed_verdicts(at_limit=False) for one in written.agreements)
    run = open_all(open_export(tmp_path / "a.onnx"))["ONNX Runtime"]
    assert "verdict" not in run(part(1)[None])


def test_an_int8_inspector_becomes_an_int8_openvino_model_and_an_fp32_onnx_one(tmp_path):
    pictures = [part(k, shape=(64, 64)) for k in range(40)]
    builtin = fit(pictures, backbone="builtin", preparation=Preparation((64, 64)))
    limits = {**builtin.thresholds, "int8": builtin.thresholds["fp32"]}
    eight = convert_precision(replace(builtin, thresholds=limits), "int8")
    assert export(eight, tmp_path / "a.xml", "openvino").precision == "int8"
    assert export(eight, tmp_path / "a.onnx", "onnx").precision == "fp32"
    runs = open_all(open_export(tmp_path / "a.xml"))
    run = runs.get("OpenVINO, f32", runs["OpenVINO"])  # else what is not int8 may be bf16
    assert "u8" in run.computed_in
    found = run(pictures[0][None])["score"][0]
    assert found == pytest.approx(eight.inspect(pictures[0]).score, rel=1e-4)
    assert found != pytest.approx(builtin.inspect(pictures[0]).score, rel=1e-4)


def test_a_model_that_differs_is_not_written(fitted, tmp_path):
    class OnePixelOff(type(fitted)):
        """An inspector whose own answers are not those of its parts."""

        def inspect_many(self, images):
            return super().inspect_many(np.roll(image.pixels, 1, axis=1) for image in images)

    other = OnePixelOff(**{name: getattr(fitted, name) for name in fitted.__dataclass_fields__})
    for to, ending in (("onnx", "onnx"), ("openvino", "xml")):
        with pytest.raises(ArtifactError, match=r"must agree .* in OpenVINO, .* differs in"):
            export(other, tmp_path / f"a.{ending}", to)
    assert not list(tmp_path.iterdir())


def test_wrong_kinds_and_endings(fitted, tmp_path):
    with pytest.raises(ValueError, match="to must be one of onnx, openvino; got 'tflite'"):
        export(fitted, tmp_path / "a.tflite", "tflite")
    with pytest.raises(ValueError, match=r"for openvino must end in .xml; got a.onnx"):
        export(fitted, tmp_path / "a.onnx", "openvino")
    with pytest.raises(ArtifactError, match=r"must end in one of .onnx, .xml; a.golden does not"):
        open_export(tmp_path / "a.golden")
    with pytest.raises(ArtifactError, match=r"a.onnx must be a file; there is none"):
        open_export(tmp_path / "a.onnx")
    (tmp_path / "a.xml").write_text("<net/>")
    with pytest.raises(ArtifactError, match=r"a.bin must be a file; there is none"):
        open_export(tmp_path / "a.xml")


def test_what_is_no_export_is_refused(tiny, tmp_path):
    for name, data in (("a.onnx", b"nonsense"), ("b.onnx", tiny.network.graph)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ArtifactError, match=f"{name} must be an export with its contract"):
            contract_of(open_export(tmp_path / name))
    with pytest.raises(ArtifactError, match=r"a.onnx must be a model that OpenVINO can run"):
        open_all(open_export(tmp_path / "a.onnx"))
    with pytest.raises(ArtifactError, match=r"must take image .*; it takes image and gives level2"):
        open_all(open_export(tmp_path / "b.onnx"))


def test_parity_counts_what_is_not_finite_and_verdicts_at_the_limit(fitted):
    limit = fitted.threshold.score
    found = fitted.inspect(part(1))

    def judged(score, verdict, said, said_score, computed_in="f32"):
        reference = replace(found, score=score, verdict=verdict)
        outputs = {
            "score": np.array([said_score], np.float32),
            "heat_map": found.heat_map[None],
            "verdict": np.array([said]),
        }
        pictures = [(part(1), reference)]
        pictures = [(parity.Picture("one", pixels), one) for pixels, one in pictures]
        runs = {"ours": Run(lambda _: outputs, computed_in)}
        (agreement,) = parity.compare(fitted, runs, pictures)
        return agreement.worst

    assert judged(limit * 1.5, "defect", True, limit * 1.5).within
    assert not judged(limit * 1.5, "defect", False, limit * 1.5).within
    assert not judged(limit * 1.5, "defect", True, limit * 1.502).within
    assert not judged(limit * 1.5, "defect", True, float("nan")).within
    close = judged(limit, "good", True, limit * 1.0001)
    assert close.within
    assert close.verdict
    assert close.at_limit
    for precision in ("bf16", "f16", "bf16, u8"):
        assert judged(limit * 1.5, "defect", True, limit * 1.54, precision).within
        assert not judged(limit * 1.5, "defect", True, limit * 1.55, precision).within
        assert not judged(limit * 1.01, "defect", False, limit * 0.99, precision).within
        assert judged(limit, "good", True, limit * 1.0001, precision).within


def test_verify_on_the_command_line(line, tmp_path):
    ours = ["OpenVINO", "OpenVINO, f32"] if processor_has("bf16") else ["OpenVINO"]
    for name, runtimes in (("onnx", [*ours, "ONNX Runtime"]), ("xml", ours)):
        words = (line / f"part.{name}", line / "part.golden", line / "new")
        done = golden("verify", *words, "--json")
        assert done.returncode == 0, done.stderr
        said = [json.loads(text) for text in done.stdout.splitlines()]
        assert [one["runtime"] for one in said] == runtimes
        assert all(one["pictures"] == 4 and one["within"] for one in said)
        in_float32 = [one for one in said if one["computed_in"] == "f32"]
        assert all(one["score"] < 1e-5 and one["tolerance"] == 1e-3 for one in in_float32)
        assert len(in_float32) == len(runtimes) - processor_has("bf16")
    told = golden("verify", *words).stdout
    assert "all the same" in told
    assert ("not measured here" in told) != processor_has("bf16")
    (tmp_path / "cut.png").write_bytes((line / "new/0.png").read_bytes()[:200])
    done = golden("verify", *words, tmp_path / "cut.png")
    assert done.returncode == 2
    assert "cut.png" in done.stderr
    assert "       4  " in done.stdout


def test_export_speaks_the_language(line, tmp_path):
    words = ("export", line / "part.golden", "--picture-size", "48x64", "--to", "onnx", "--output")
    check_printed(*words, tmp_path / "a.onnx", told="48x64 px 사진을 한 번에 하나씩")


def test_verify_speaks_the_language(line, tmp_path):
    words = ("verify", line / "part.onnx", line / "part.golden", line / "new")
    check_printed(*words, told="모두 같음")
    spoiled(line / "part.onnx", tmp_path / "odd.onnx", "network")
    done = golden("verify", tmp_path / "odd.onnx", *words[2:], "--language", "de")
    assert "odd.onnx muss mit seiner .golden-Datei übereinstimmen" in done.stderr
    assert re.search(r"unterscheidet sich bei \d.png die Abweichung um", done.stderr)


@pytest.mark.parametrize(
    ("part_of", "words"), [("network", "the score by"), ("limit", "its verdict alone")]
)
def test_a_tampered_export_is_refused(part_of, words, line, fitted, tmp_path):
    spoiled(line / "part.onnx", tmp_path / "odd.onnx", part_of)
    beyond = np.clip(part(1) * 1.05, 0, 255).astype(np.uint8)  # a little brighter than good ones
    assert 0.002 < fitted.inspect(beyond).score - fitted.threshold.score < 0.1
    save_picture(tmp_path / "beyond.png", beyond)
    done = golden("verify", tmp_path / "odd.onnx", line / "part.golden", tmp_path / "beyond.png")
    assert done.returncode == 2
    assert "odd.onnx must agree with its .golden file" in done.stderr
    assert f"beyond.png differs in {words}" in done.stderr


def test_the_export_of_another_file_is_refused(line, tiny, good_parts, tmp_path):
    save(fit(good_parts[:8], backbone=tiny, preparation=FIT), tmp_path / "other.golden")
    done = golden("verify", line / "part.onnx", tmp_path / "other.golden", line / "new")
    assert done.returncode == 2
    assert "differs in" in done.stderr


def test_export_on_the_command_line(line, tmp_path):
    done = golden("export", line / "part.golden", "--to", "onnx", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("part.onnx: 0.")
    assert "fp32, opset 17" in done.stdout
    assert (tmp_path / "part.onnx").read_bytes() == (line / "part.onnx").read_bytes()
    done = golden(
        "export", line / "part.golden", "--to", "openvino", "--out", tmp_path / "x.xml", "--json"
    )
    said = json.loads(done.stdout)
    assert [Path(name).name for name in said["files"]] == ["x.bin", "x.xml"]
    assert said["bytes"] == sum((tmp_path / f"x.{end}").stat().st_size for end in ("bin", "xml"))
    assert (said["precision"], said["tolerance"], said["opset"]) == ("fp32", 1e-3, None)
    assert "computes in" not in done.stderr
    refused = golden("export", line / "part.golden", "--to", "coreml")
    assert refused.returncode == 2
    assert "onnx, openvino" in refused.stderr


SETS = {  # one of how many test pictures
    "mvtec_ad/bottle": 5,
    "mvtec_ad_small/hazelnut": 3,
    "mvtec_ad_small/transistor": 3,
    "magnetic_tile": 60,
}


@pytest.mark.real
@pytest.mark.parametrize("data", SETS)
def test_the_same_verdicts_on_real_pictures(shared, tmp_path, data):
    root = shared / "data" / data
    good = read_images(root / "train/good")
    fitted = fit([good[k] for k in range(40)], backbone="builtin", method=PatchCore(coreset=1000))
    save(fitted, tmp_path / "a.golden")
    inspector = load(tmp_path / "a.golden")
    probes = list(read_images(root / "test"))[:: SETS[data]]
    for to, ending, every in (("onnx", "onnx", 1), ("openvino", "xml", 8)):
        precision = export(inspector, tmp_path / f"a.{ending}", to).precision
        reference, some = convert_precision(inspector, precision), probes[::every]
        judged = zip(some, reference.inspect_many(some), strict=True)
        runs = open_all(open_export(tmp_path / f"a.{ending}"))
        agreements = parity.compare(reference, runs, judged)
        check(f"a.{ending}", exact(agreements))
        assert not any(one.verdict for found in exact(agreements) for one in found.differences)
        if precision == "fp32":
            assert max(found.score for found in agreements if not found.half) < 1e-5


def test_openvinos_format_loses_nothing(fitted):
    graph = to_onnx(fitted)
    whole = Exported("a.onnx", graph)
    kept = to_openvino("a.xml", graph, fitted.backbone.network)
    pixels = part(5, shape=(90, 70))[None]
    first, second = (open_all(model)["OpenVINO"](pixels) for model in (whole, kept))
    assert first["score"] == second["score"]


def test_a_cross_fitted_file_is_refused_in_words(tiny, good_parts, tmp_path):
    crossed = fit(good_parts[:20], backbone=tiny, preparation=FIT, calibration="cross")
    with pytest.raises(ValueError, match="must have one bank; this one is crossed"):
        export(crossed, tmp_path / "a.onnx", "onnx")
    assert not list(tmp_path.iterdir())


def test_an_approximate_search_is_exported_as_the_exact_one(tiny, good_parts, tmp_path):
    ivfpq = PatchCore(search="ivfpq")
    near = fit(good_parts, backbone=tiny, method=ivfpq, preparation=Preparation((96, 96)))
    exact = replace(near, detector=replace(near.detector, settings=PatchCore(search="exact")))
    export(near, tmp_path / "a.onnx", "onnx")
    one, two = (near.inspect(part(5)), exact.inspect(part(5)))
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    score, heat_map = session.run(["score", "heat_map"], {"image": part(5)[None]})
    assert score[0] == pytest.approx(two.score, rel=1e-4)
    np.testing.assert_allclose(heat_map[0], two.heat_map, rtol=1e-4)
    assert not np.allclose(heat_map[0], one.heat_map, rtol=1e-3)

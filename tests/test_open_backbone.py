"""Networks: opened by name, cut to their levels, checked, and refused in words."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from conftest import tiny_onnx

from goldensample import WeightsError, open_backbone
from goldensample.backbones.network import Network
from goldensample.backbones.openvino import OpenVINOBackbone
from goldensample.graphs.levels import select_levels
from goldensample.graphs.open_backbone import DEFAULT_LEVELS, _open_graph, builtin_graph


def pictures(n: int = 3, h: int = 64, w: int = 48) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (n, 3, h, w)).astype(np.float32)


def test_an_onnx_file_and_its_levels(tiny_file):
    both = open_backbone(f"onnx:{tiny_file}")
    assert both.network.levels == ("level2", "level3")
    assert both.network.stride == 8
    assert [level.shape for level in both.extract(pictures())] == [(3, 6, 16, 12), (3, 10, 8, 6)]
    one = open_backbone(f"onnx:{tiny_file}", levels=("2",))
    assert len(one.network.graph) < len(both.network.graph)
    np.testing.assert_array_equal(one.extract(pictures())[0], both.extract(pictures())[0])
    named = open_backbone(f"onnx:{tiny_file}", levels=("level2", "level3", "level4"))
    assert len(named.extract(pictures())) == 3


def test_features_equal_onnx_runtime(tiny):
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    session = runtime.InferenceSession(tiny.network.graph, providers=["CPUExecutionProvider"])
    mean, std = (np.reshape(v, (3, 1, 1)) for v in (tiny.network.mean, tiny.network.std))
    given = ((pictures() / 255 - mean) / std).astype(np.float32)
    theirs = session.run(list(tiny.network.levels), {"image": given})
    for ours, other in zip(tiny.extract(pictures()), theirs, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-3, atol=1e-4)


def test_alone_is_as_in_a_batch(tiny):
    together = tiny.extract(pictures(5))
    for index in range(5):
        alone = tiny.extract(pictures(5)[index : index + 1])
        for one, many in zip(alone, together, strict=True):
            assert np.array_equal(one[0], many[index])


def test_several_threads_get_what_each_would_alone():
    """Without a lock they share a queue: pictures got each other's maps, or it was "busy"."""
    backbone = OpenVINOBackbone(open_backbone().network)
    given = [pictures()[k : k + 1] for k in range(3)] + [pictures()]
    expected = [backbone.extract(one) for one in given]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            found = list(pool.map(backbone.extract, given * 2))
            for ours, theirs in zip(found, expected * 2, strict=True):
                for one, other in zip(ours, theirs, strict=True):
                    assert np.array_equal(one, other)


def test_weights_are_halved_only_where_nothing_is_lost():
    import onnx
    from onnx import numpy_helper

    model = onnx.load_model_from_string(tiny_onnx())
    for tensor in model.graph.initializer:
        if tensor.name == "a":
            values = numpy_helper.to_array(tensor).astype(np.float16).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, "a"))
    network = Network("made", model.SerializeToString(), ("level2", "level3"))
    kept = onnx.load_model_from_string(select_levels(network).graph)
    kinds = {tensor.name: tensor.data_type for tensor in kept.graph.initializer}
    assert kinds == {"a_half": onnx.TensorProto.FLOAT16, "b": onnx.TensorProto.FLOAT}
    from goldensample.backbones.openvino import OpenVINOBackbone

    before = OpenVINOBackbone(network).extract(pictures())
    after = OpenVINOBackbone(select_levels(network)).extract(pictures())
    for one, two in zip(before, after, strict=True):
        assert np.array_equal(one, two)


def test_the_pixels_before_the_levels_of_a_network(tiny_file):
    name = f"onnx:{tiny_file}"
    both = open_backbone(name, levels=("pixels", "2", "3"))
    alone = [open_backbone("pixels"), open_backbone(name)]
    expected = [level for one in alone for level in one.extract(pictures())]
    for ours, level in zip(both.extract(pictures()), expected, strict=True):
        np.testing.assert_allclose(ours, level, rtol=1e-4, atol=1e-5)
    assert both.network.stride == alone[1].network.stride
    with pytest.raises(ValueError, match="levels must name"):
        open_backbone(name, levels=("pixels",))


def test_what_cannot_be_used_is_named(tiny_file, tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        open_backbone(f"onnx:{tmp_path / 'none.onnx'}")
    (tmp_path / "bad.onnx").write_bytes(b"not a graph at all")
    with pytest.raises(WeightsError, match="must be an ONNX model"):
        open_backbone(f"onnx:{tmp_path / 'bad.onnx'}")
    with pytest.raises(WeightsError, match="lacks nothing_like_it; its outputs are level2"):
        open_backbone(f"onnx:{tiny_file}", levels=("nothing_like_it",))
    with pytest.raises(WeightsError, match="finest first"):
        open_backbone(f"onnx:{tiny_file}", levels=("3", "2"))
    for name in ("resnet", "timm:", "onnx:", ""):
        with pytest.raises(ValueError, match="must be builtin, effnet-lite0 to 2, timm:NAME"):
            open_backbone(name)
    with pytest.raises(ValueError, match="device must be"):
        open_backbone("builtin", device="tpu")
    with pytest.raises(ValueError, match="levels must name"):
        open_backbone("builtin", levels=())


def test_a_size_that_does_not_fit_is_named():
    import onnx

    model = onnx.load_model_from_string(tiny_onnx())
    dims = model.graph.input[0].type.tensor_type.shape.dim
    dims[0].dim_value, dims[2].dim_value, dims[3].dim_value = 1, 64, 64
    model.graph.node.insert(
        0,
        onnx.helper.make_node("Reshape", ["image", "shape"], ["fixed"]),
    )
    model.graph.node[1].input[0] = "fixed"
    shape = onnx.numpy_helper.from_array(np.array([1, 3, 64, 64]), "shape")
    model.graph.initializer.append(shape)
    from goldensample.backbones.openvino import OpenVINOBackbone

    backbone = OpenVINOBackbone(Network("fixed", model.SerializeToString(), ("level2",)))
    assert backbone.extract(pictures(1, 64, 64))[0].shape == (1, 6, 16, 16)
    with pytest.raises(WeightsError, match="must take pictures of 32x32"):
        backbone.extract(pictures(1, 32, 32))


class TestTimm:
    """With torch and timm."""

    @pytest.fixture(autouse=True)
    def _needs_timm(self):
        pytest.importorskip("timm", reason="the extra [torch] is not installed")

    def test_exported_once_and_checked(self):
        backbone = open_backbone("timm:resnet18", weights="random")
        shapes = [level.shape for level in backbone.extract(pictures(2, 64, 64))]
        assert shapes == [(2, 128, 8, 8), (2, 256, 4, 4)]
        assert (backbone.network.name, backbone.network.stride) == ("timm:resnet18", 16)

    def test_levels_one_two_three(self):
        backbone = open_backbone("timm:resnet18", levels=("1", "2", "3"), weights="random")
        assert [m.shape[1] for m in backbone.extract(pictures(1, 64, 64))] == [64, 128, 256]

    def test_missing_weights_say_where_to_get_them(self, monkeypatch):
        constants = pytest.importorskip("huggingface_hub.constants")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # read from the environment once
        with pytest.raises(WeightsError) as caught:
            open_backbone("timm:wide_resnet50_2.tv_in1k")
        said = str(caught.value)
        assert "huggingface.co/timm/wide_resnet50_2.tv_in1k" in said
        assert "--weights FILE" in said

    def test_wrong_names_levels_and_files(self, tmp_path):
        with pytest.raises(WeightsError, match="must be a network of timm; there is none"):
            open_backbone("timm:resnet1818", weights="random")
        with pytest.raises(WeightsError, match="levels"):
            open_backbone("timm:resnet18", levels=("2", "9"), weights="random")
        with pytest.raises(WeightsError, match="finest first"):
            open_backbone("timm:resnet18", levels=("3", "2"), weights="random")
        with pytest.raises(WeightsError, match="there is no such file"):
            open_backbone("timm:resnet18", weights=tmp_path / "none.pth")
        (tmp_path / "bad.safetensors").write_bytes(b"x" * 40)
        with pytest.raises(WeightsError, match=r"must be a whole \.safetensors file"):
            open_backbone("timm:resnet18", weights=tmp_path / "bad.safetensors")

    def test_a_pickle_with_code_is_refused(self, tmp_path):
        import pickle

        class Trap:
            def __reduce__(self):
                return (tmp_path.joinpath("sprung").touch, ())

        (tmp_path / "trap.pth").write_bytes(pickle.dumps({"a": Trap()}))
        with pytest.raises(WeightsError, match=r"must be a whole \.safetensors file"):
            open_backbone("timm:resnet18", weights=tmp_path / "trap.pth")
        assert not (tmp_path / "sprung").exists()

    def test_weights_from_pth_and_safetensors_are_the_same(self, tmp_path):
        import timm
        import torch
        from safetensors.torch import save_file

        network = timm.create_model("resnet18", features_only=True, out_indices=(2, 3))
        torch.save(network.state_dict(), tmp_path / "w.pth")
        save_file(network.state_dict(), tmp_path / "w.safetensors")
        one = open_backbone("timm:resnet18", weights=tmp_path / "w.pth")
        two = open_backbone("timm:resnet18", weights=tmp_path / "w.safetensors")
        assert one.network.source_sha256 == two.network.source_sha256
        torch.save(dict(list(network.state_dict().items())[:20]), tmp_path / "few.pth")
        with pytest.raises(WeightsError, match="it lacks"):
            open_backbone("timm:resnet18", weights=tmp_path / "few.pth")

    def test_torch_backbone_scores_the_same(self, good_parts):
        """The path of `--device cuda`, run on the CPU: tensors all the way to the distances."""
        from goldensample import PatchCore, fit
        from goldensample.backbones import torch as room

        torch_module, names = room.build("resnet18", (2, 3), "random")
        network = room.export(torch_module, "timm:resnet18", names)
        from goldensample.backbones.openvino import OpenVINOBackbone

        # the whole bank: picks may differ where features differ in the last bit
        whole = PatchCore(coreset=1.0)
        ours = fit(good_parts[:3], backbone=OpenVINOBackbone(network), method=whole)
        device = room.TorchBackbone(network, torch_module, "cpu")
        theirs = fit(good_parts[:3], backbone=device, method=whole)
        probe = good_parts[7]
        assert ours.inspect(probe).score == pytest.approx(theirs.inspect(probe).score, rel=5e-3)


def test_the_built_in_network_is_its_graph_cut_to_its_levels():
    both, cut = open_backbone(), _open_graph("builtin", builtin_graph(), DEFAULT_LEVELS)
    assert replace(both.network, graph=b"", int8_graph=b"", int8_weights=b"") == replace(
        cut, graph=b""
    )
    probe = pictures(1, 64, 48)
    for ours, theirs in zip(both.extract(probe), OpenVINOBackbone(cut).extract(probe), strict=True):
        np.testing.assert_array_equal(ours, theirs)

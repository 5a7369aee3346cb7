"""Vision transformers of timm: their blocks as levels, on any grid of patches."""

import json
from dataclasses import replace

import numpy as np
import pytest
from commands import golden
from conftest import fit

from goldensample import WeightsError, open_backbone
from goldensample.artifact.store import save
from goldensample.backbones.openvino import OpenVINOBackbone, normalise
from goldensample.export.export import export
from goldensample.graphs.join import join
from goldensample.graphs.levels import select_levels
from goldensample.graphs.open_backbone import _open_graph
from goldensample.preparation.preparation import Preparation

timm = pytest.importorskip("timm", reason="the extra [torch] is not installed")
torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")
NAMES = ("vit_small_patch14_dinov2", "vit_small_patch14_reg4_dinov2", "vit_small_patch16_dinov3")
SMALL = {"depth": 3, "embed_dim": 48, "num_heads": 3}
TINY = "timm:vit_tiny_patch16_224"


def disturb(model):
    """Make each weight matter: as made, positions and blocks hardly change what comes out."""
    torch.manual_seed(0)
    for name, values in model.named_parameters():
        if name.endswith(("pos_embed", "cls_token", "reg_token", "gamma_1", "gamma_2", "gamma")):
            torch.nn.init.normal_(values, 0.5)
    return model.eval()


@pytest.mark.parametrize("name", NAMES)
def test_blocks_are_timms_tokens_of_patches_on_any_grid(name):
    from goldensample.backbones import torch as room
    from goldensample.backbones.transformer import Blocks

    if not timm.is_model(name):
        pytest.skip(f"this version of timm has no {name}")
    theirs = disturb(timm.create_model(name, num_classes=0, dynamic_img_size=True, **SMALL))
    state = {key: value.clone() for key, value in theirs.state_dict().items()}
    ours = timm.create_model(name, num_classes=0, dynamic_img_size=True, **SMALL)
    ours.load_state_dict(state)
    network = room.export(Blocks(ours, (0, 1)).eval(), name, ("block0", "block1"))
    backbone = OpenVINOBackbone(select_levels(network))
    patch = network.stride
    assert patch == theirs.patch_embed.patch_size[0]
    for rows, columns in ((5, 3), (40, 12)):  # fewer and more than it was trained on
        shape = (1, 3, rows * patch, columns * patch)
        picture = np.random.default_rng(rows).uniform(0, 255, shape).astype(np.float32)
        given = torch.from_numpy(normalise(picture[0], network))[None]
        with torch.inference_mode():
            _, expected = theirs.forward_intermediates(given, indices=[0, 1], norm=True)
        for actual, reference in zip(backbone.extract(picture), expected, strict=True):
            assert actual.shape == (1, SMALL["embed_dim"], rows, columns)
            np.testing.assert_allclose(actual, reference.numpy(), rtol=1e-3, atol=1e-3)


def test_a_part_is_fitted_and_exported(good_parts, tmp_path):
    from goldensample.backbones import torch as room
    from goldensample.backbones.transformer import Blocks

    model = disturb(timm.create_model(NAMES[1], num_classes=0, dynamic_img_size=True, **SMALL))
    network = room.export(Blocks(model, (0, 1)), "small", ("block0", "block1"))
    preparation = Preparation((56, 70))
    fitted = fit(
        good_parts[:4], backbone=OpenVINOBackbone(select_levels(network)), preparation=preparation
    )
    save(fitted, tmp_path / "a.golden")
    facts = json.loads(golden("info", tmp_path / "a.golden", "--json").stdout)
    assert (facts["size_hw"], facts["grid_hw"]) == ([56, 70], [4, 5])
    for to, ending in (("onnx", "onnx"), ("openvino", "xml")):
        for one in export(fitted, tmp_path / f"a.{ending}", to).agreements:
            assert one.half or max(one.score, one.heat_map) <= 1e-4


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file as timm publishes it, with its classifier, of made numbers."""
    from safetensors.torch import save_file

    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_file(disturb(timm.create_model(TINY.partition(":")[2])).state_dict(), path)
    return path


def test_weights_of_a_file_and_a_canvas_of_whole_patches(weights, good_parts):
    backbone = open_backbone(TINY, ("0", "1"), weights)
    assert (backbone.network.levels, backbone.network.stride) == (("block0", "block1"), 16)
    with pytest.raises(
        WeightsError, match="must take pictures of 50x64 pixels; take pictures of 48x64"
    ):
        fit(good_parts[:2], backbone=backbone, preparation=Preparation((50, 64)))
    again = _open_graph("onnx:vit", backbone.network.graph, ("block0", "block1"))
    assert again.stride == 16


def test_without_levels_the_middle_of_the_depth_is_taken():
    from goldensample.backbones import torch as room

    module, names = room.build(TINY.partition(":")[2], (), "random")
    assert (names, len(module.model.blocks)) == (("block5", "block8"), 9)
    with pytest.raises(WeightsError, match="whole patches of 16x16 pixels; 50x64 is not"):
        module(torch.zeros(1, 3, 50, 64))


def test_wrong_blocks_and_weights_are_named(weights):
    with pytest.raises(WeightsError, match="must be of its blocks, 0 to 11; got 3, 12"):
        open_backbone(TINY, levels=("3", "12"), weights="random")
    with pytest.raises(WeightsError, match="must be numbers"):
        open_backbone(TINY, levels=("block3",), weights="random")
    with pytest.raises(WeightsError, match=r"must fit timm:vit_tiny_patch16_384; size mismatch"):
        open_backbone("timm:vit_tiny_patch16_384", weights=weights)
    with pytest.raises(WeightsError, match="must be DINOv3's; RotaryEmbeddingCat is another kind"):
        open_backbone("timm:eva02_tiny_patch14_224", weights="random")


def test_networks_of_other_patches_share_a_canvas(tiny):
    networks = [replace(tiny.network, stride=stride) for stride in (14, 16)]
    assert join(networks)[0].stride == 112

"""The backbone "pixels": one level, the picture itself."""

from hashlib import sha256

from goldensample.backbones.network import Network

PIXELS = "pixels"


def pixels_network() -> Network:
    """Return the network whose only level is the picture, (n, 3, H, W) RGB in [0, 1]."""
    from onnx import TensorProto, helper

    sides = ("n", 3, "H", "W")
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, sides) for name in ("image", PIXELS)
    ]
    node = helper.make_node("Identity", ["image"], [PIXELS])
    graph = helper.make_graph([node], PIXELS, values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data = model.SerializeToString(deterministic=True)
    return Network(
        PIXELS, data, (PIXELS,), (0.0,) * 3, (1.0,) * 3, 1, source_sha256=sha256(data).hexdigest()
    )

"""What many tests share: a small real network, small real pictures, and the data beside us."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")  # no test hangs on luck, or on how busy the machine is
ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files on real pictures: they take longest, and cores share tests by file."""
    real = {item.path for item in items if item.get_closest_marker("real")}
    items.sort(key=lambda item: item.path not in real)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real pictures and weights beside the project."""
    if not (SHARED / "data" / "README.md").is_file():
        pytest.skip("the real pictures beside the project (../shared) are not here")
    return SHARED


def tiny_onnx(seed: int = 0) -> bytes:
    """A network of two levels with fixed random weights: stride 4 with 6 maps, 8 with 10."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(seed)

    def weight(name: str, out: int, into: int, size: int):
        values = rng.normal(0, (2 / (into * size * size)) ** 0.5, (out, into, size, size))
        return numpy_helper.from_array(values.astype(np.float32), name)

    weights = [weight("a", 6, 3, 4), weight("b", 10, 6, 3), weight("unused", 2, 10, 3)]
    nodes = [
        helper.make_node("Conv", ["image", "a"], ["ca"], strides=[4, 4]),
        helper.make_node("Relu", ["ca"], ["level2"]),
        helper.make_node("Conv", ["level2", "b"], ["cb"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["cb"], ["level3"]),
        helper.make_node("Conv", ["level3", "unused"], ["level4"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "H", "W"])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", d, None, None])
        for name, d in (("level2", 6), ("level3", 10), ("level4", 2))
    ]
    graph = helper.make_graph(nodes, "tiny", [image], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network as a file."""
    path = tmp_path_factory.mktemp("network") / "tiny.onnx"
    path.write_bytes(tiny_onnx())
    return path


@pytest.fixture(scope="session")
def tiny(tiny_file: Path):
    """The tiny network, ready to run."""
    from goldensample import open_backbone

    return open_backbone(f"onnx:{tiny_file}")


def part(seed: int, defect: bool = False, shape: tuple[int, int] = (48, 48)) -> np.ndarray:
    """A small picture of a striped plate; a defect is a square at rows 20-30, columns 30-40."""
    rng = np.random.default_rng(seed)
    h, w = shape
    stripes = 120 + 40 * np.sin(np.arange(w) / 3.0)[None, :, None] * np.ones((h, 1, 3))
    picture = stripes + rng.normal(0, 6, (h, w, 3))
    if defect:
        picture[20:30, 30:40] = 10
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def good_parts() -> list[np.ndarray]:
    """Forty good pictures."""
    return [part(seed) for seed in range(40)]

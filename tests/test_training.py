"""The recipe of the built-in network, in miniature."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")
pytest.importorskip("timm", reason="the extra [torch] is not installed")

from training import export, int8, network, procedural, start, targets, teachers  # noqa: E402
from training.network import Design, Student  # noqa: E402

WHOLE = Design(rank=64, near=(64, 64), two=(128, 128), three=(256, 256), depths=(64, 96))


def drawn(count: int, size: int) -> "torch.Tensor":
    random = np.random.default_rng(0)
    pictures = np.stack([procedural.draw(random, size) for _ in range(count)])
    return teachers.normalise(torch.from_numpy((pictures * 255).astype(np.uint8)))


@pytest.fixture(scope="module")
def resnet18():
    """ResNet-18 with random weights, and its state: the wiring is the same."""
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    return timm.create_model("resnet18", features_only=True, out_indices=(2, 3)).eval()


def projections(teacher, pictures):
    with torch.no_grad():
        levels = [teachers.mean3(level) for level in teacher(pictures)]
    made = []
    for level, depth in zip(levels, (64, 96), strict=True):
        rows = level.permute(0, 2, 3, 1).flatten(0, 2).double()
        made.append(targets.pca_projection(rows.mean(0), rows.T.cov(), depth))
    return made


def test_thinning_to_the_full_width_gives_the_teacher(resnet18):
    pictures = drawn(6, 96)
    wanted = projections(resnet18, pictures)
    student = Student(WHOLE)
    start.initialise_from_teacher(student, resnet18.state_dict(), pictures, wanted)
    with torch.no_grad():
        teacher = resnet18(pictures)
        after_two = student.two(student.near(student.stem(pictures)))
        after_three = student.three(after_two)
    for own, theirs in ((after_two, teacher[0]), (after_three, teacher[1])):
        assert (own - theirs).abs().max() < 0.02 * theirs.abs().max()


def test_a_thinner_student_starts_nearer_the_teacher_than_a_random_one(resnet18):
    pictures = drawn(6, 96)
    wanted = projections(resnet18, pictures)
    thinned, random = Student(network.DESIGNS["thin"]), Student(network.DESIGNS["thin"])
    start.initialise_from_teacher(thinned, resnet18.state_dict(), pictures, wanted)
    with torch.no_grad():
        target = wanted[0].apply(resnet18(pictures)[0])[:, :48]
        errors = [(one(pictures)[0] - target).square().mean() for one in (thinned, random)]
    assert errors[0] < 0.5 * errors[1]


def limited() -> Student:
    torch.manual_seed(1)
    student = Student(network.DESIGNS["small"])
    int8.set_limits(student, drawn(4, 96))
    return student


def test_equalising_changes_nothing():
    torch.manual_seed(1)
    before = Student(network.DESIGNS["small"])
    after = copy.deepcopy(before)
    pictures = drawn(4, 96)
    int8.set_limits(after, pictures)
    for module in after.modules():
        if isinstance(module, network.ClippedReLU):
            module.top.fill_(float("inf"))
    with torch.no_grad():
        for one, two in zip(before(pictures), after(pictures), strict=True):
            torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_simulated_int8_rounds_and_can_be_switched_off():
    student, pictures = limited(), drawn(2, 96)
    with torch.no_grad():
        exact = student(pictures)[0]
        int8.simulate_quantisation(student, True)
        rounded = student(pictures)[0]
        int8.simulate_quantisation(student, False)
        again = student(pictures)[0]
    assert torch.equal(exact, again)
    assert 0 < (rounded - exact).abs().mean() < 0.1 * exact.abs().mean()


def test_rounding_keeps_to_its_steps():
    values = network.quantise(torch.tensor([0.0, 0.26, 0.49, 1.0]), torch.tensor(0.5))
    assert values.tolist() == [0.0, 0.5, 0.5, 1.0]
    limit = network.ClippedReLU()
    limit.top.fill_(2.55)
    limit.rounded = True
    assert limit(torch.tensor([-1.0, 0.014, 9.0])).tolist() == pytest.approx([0, 0.01, 2.55])


@pytest.mark.parametrize("with_limits", [False, True])
def test_the_exported_file_computes_what_the_student_does(tmp_path, with_limits):
    import openvino

    torch.manual_seed(1)
    student = limited() if with_limits else Student(network.DESIGNS["small"])
    export.write(student, tmp_path / "student.onnx")
    pictures = drawn(1, 96)
    with torch.no_grad():
        wanted = student(pictures)
    compiled = openvino.Core().compile_model(
        str(tmp_path / "student.onnx"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    found = compiled(pictures.contiguous().numpy())
    for name, level in zip(("level2", "level3"), wanted, strict=True):
        np.testing.assert_allclose(found[name], level.numpy(), atol=0.02)  # half-precision weights

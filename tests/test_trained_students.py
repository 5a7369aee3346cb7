"""The uninformed students: patches, what they learn and what they do not, and their score."""

from dataclasses import replace

import numpy as np
import pytest
from commands import golden_in_process

from goldensample.cli.options import parse_levels
from goldensample.features.store import InMemoryArrayStore
from goldensample.methods.registry import METHODS, default_levels
from goldensample.methods.trained import students
from goldensample.methods.trained.inputs import gather_levels
from goldensample.methods.trained.recipe import Recipe
from goldensample.methods.trained.training import train
from goldensample.records import silent
from test_trained_contract import pictures, seen
from test_training_networks import category  # noqa: F401

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")


def inputs(n: int, seed: int, planted: tuple[int, int] | None = None) -> list:
    given = gather_levels([seen("students", pictures(n, seed, planted))])
    return [torch.from_numpy(level) for level in given]


@pytest.mark.parametrize("patch", [17, 33, 65])
def test_a_picture_gives_what_each_patch_alone_gives(patch):
    torch.manual_seed(0)
    network = students.student(patch, 3, 5)
    pixels = torch.rand(1, 3, 67, 90)  # no multiples of the stride
    stride = students.STRIDES[patch]
    with torch.no_grad():
        around = students.around(pixels, patch)
        cells = network(around)
        assert cells.shape[2:] == students.grid_of(pixels, patch) == (67 // stride, 90 // stride)
        for row, column in np.ndindex(*cells.shape[2:]):
            top, left = stride * row, stride * column
            alone = network(around[:, :, top : top + patch, left : left + patch])
            assert torch.allclose(cells[0, :, row, column], alone[0, :, 0, 0], atol=1e-5)


def test_the_part_that_a_quick_step_sees_is_one_of_the_whole(monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(students, "QUICK_CELLS", 3)
    network, pixels = students.student(33, 3, 5), torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        around = students.around(pixels, 33)
        part, cells = students.draw_part(around, network(around), 33)
        assert cells.shape == (2, 5, 3, 3)
        assert torch.allclose(network(part), cells, atol=1e-5)


@pytest.fixture(scope="module")
def trained():
    """Two students that learned what the teacher says of good pictures."""
    method = students.Students(patch=17, students=2, width=4, budget="hand", epochs=12)
    torch.manual_seed(0)
    given = inputs(12, 0)
    networks = method._networks(*given)
    schedule = replace(students.SCHEDULE, learning_rate=3e-3)
    recipe = Recipe(schedule, method._networks, method._losses, method._score, method._finish)
    losses = train(method, networks, given, recipe, InMemoryArrayStore(), silent)
    networks.eval()
    with torch.no_grad():
        method._finish(networks, *given)
    return method, networks, losses


def test_the_teacher_has_mean_0_and_deviation_1_on_good_pictures(trained):
    _, networks, _ = trained
    _, *levels = inputs(12, 0)
    values = students.standardised(networks["teacher"], students.describe((16, 16), *levels))
    moved = values.std(dim=(0, 2, 3), correction=0)
    assert values.mean(dim=(0, 2, 3)).numpy() == pytest.approx(0, abs=1e-4)
    assert set(moved.numpy().round(3)) <= {0.0, 1.0}  # a channel may always be 0
    assert (moved > 0.5).sum() >= 6


def test_students_err_little_on_patches_like_those_seen_and_much_on_others(trained):
    method, networks, losses = trained
    assert (losses[-1] < 0.3 * losses[0]).all()
    with torch.no_grad():
        good = method._judged(networks, *inputs(4, 1))[0]
        odd = method._judged(networks, *inputs(4, 1, planted=(40, 8)))[0]
    assert good.mean() < 0.5 * losses[0].min()
    assert odd[:, 10:14, 2:6].mean() > 5 * good.mean()
    assert odd[:, :6, 8:].mean() < 1.5 * good.mean()  # patches that show nothing of it


def test_the_map_is_error_and_variance_each_in_its_own_deviations(trained):
    method, networks, _ = trained
    pixels, *levels = inputs(12, 0)
    teacher = networks["teacher"]
    with torch.no_grad():
        around = students.around(pixels, 17)
        answers = [networks[f"student{k}"](around).numpy() for k in (1, 2)]
        wanted = students.standardised(teacher, students.describe((16, 16), *levels)).numpy()
        ours = method._score(networks, pixels, *levels)["map"].numpy()
    mean = (answers[0] + answers[1]) / 2
    error = ((mean - wanted) ** 2).sum(axis=1)
    # as the paper has it: the mean of the squares less the square of the mean
    variance = ((answers[0] ** 2 + answers[1] ** 2) / 2 - mean**2).sum(axis=1)
    expected = error / error.std() + variance / variance.std()
    np.testing.assert_allclose(ours, expected, rtol=1e-3)


def test_the_command_takes_the_levels_that_students_need(category, tmp_path):  # noqa: F811
    path = tmp_path / "plate.golden"
    words = ["--method", "students", "--width", "2", "--students", "1", "--budget", "hand"]
    words += ["--size", "64", "--false-alarms", "0", "-o", path]
    assert parse_levels(default_levels(METHODS["students"])) == ("pixels", "2", "3")
    golden_in_process("fit", category / "train/good", *words)
    assert "0/pixels, 1/level2, 1/level3" in golden_in_process("info", path)
    with pytest.raises(ValueError, match=r"--levels pixels,2,3; got levels of depth"):
        golden_in_process("fit", category / "train/good", *words, "--levels", "2,3")

"""Real-IAD: five views of each part, measured by view and by whole part."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from commands import golden
from conftest import part
from picture_files import save_picture

from goldensample.bench.figures import METRICS
from goldensample.datasets import read_category
from goldensample.evaluation.evaluate import Tally
from goldensample.evaluation.views import View, auroc_by_view, auroc_per_part
from goldensample.records import Inspection

VIEWS = [f"C{number}" for number in range(1, 6)]


def real_iad(
    root: Path, sets: str = "realiad_jsons", train: tuple[str, ...] = ("OK/S0001",)
) -> Path:
    """Write parts of five views; a defect shows in some of them, the others are OK."""
    parts = {"OK/S0001": "", "OK/S0002": "", "OK/S0003": "", "NG/AK/S0001": "C2 C3"}
    parts |= {"NG/BX/S0007": "C1 C2 C3 C5"}
    told = {"meta": {"normal_class": "OK", "prefix": "usb/"}, "train": [], "test": []}
    for number, ((folder, shown), view) in enumerate(product(parts.items(), VIEWS)):
        defect = view in shown.split()
        name = f"{folder}/usb_{folder[-4:]}_{folder.split('/')[-2]}_{view}_20230917.jpg"
        save_picture(root / f"realiad_256/usb/{name}", part(900 + number, defect=defect))
        kind = folder.split("/")[-2] if defect else "OK"
        entry = {"category": "usb", "anomaly_class": kind, "image_path": name, "mask_path": None}
        told["train" if folder in train else "test"].append(entry)
    table = root / "realiad_jsons" / sets / "usb.json"
    table.parent.mkdir(parents=True)
    table.write_text(json.dumps(told))
    return root


def slow_auroc(pairs: list[tuple[float, bool]]) -> float | None:
    """The share of pairs of a defect and a good one in which the defect scores higher."""
    won = [
        (high > low) + 0.5 * (high == low)
        for (high, bad), (low, other) in product(pairs, pairs)
        if bad and not other
    ]
    return sum(won) / len(won) if won else None


def test_figures_by_view_and_part_against_a_slow_reference(tmp_path: Path) -> None:
    data, tally, rng = read_category(real_iad(tmp_path)), Tally(), np.random.default_rng(4)
    by_view: dict[str, list[tuple[float, bool]]] = {view: [] for view in VIEWS}
    by_part: dict[Path, list[tuple[float, bool]]] = {}
    for item in data.test:
        score = float(rng.integers(4))
        found = Inspection(item.name, score, None, None, (0, 0, 8, 8))
        tally.add(found, item.defect, None, item.defect_type, view=item.view)
        by_view[item.name.split("_")[3]].append((score, item.defect))
        by_part.setdefault(item.path.parent, []).append((score, item.defect))
    values = tally.result().as_json()
    assert len(by_part) == 4
    wanted = {view: slow_auroc(pairs) for view, pairs in by_view.items()}
    assert values["image_auroc_by_view"] == pytest.approx(wanted)
    assert wanted["C4"] is None
    parts = [(max(s for s, _ in pairs), any(d for _, d in pairs)) for pairs in by_part.values()]
    assert values["image_auroc_per_part"] == pytest.approx(slow_auroc(parts))
    for number, view in enumerate(VIEWS, 1):
        share = METRICS[f"image_auroc_view_c{number}"].read({"evaluation": values})
        assert share == (None if wanted[view] is None else pytest.approx(100 * wanted[view]))


def test_one_view_for_each_part_is_the_same_figure_three_times() -> None:
    scores, defects = np.array([1.0, 3.0, 2.0, 4.0]), np.array([False, False, True, True])
    views = [View("C1", str(k)) for k in range(4)]
    assert auroc_by_view(scores, defects, views) == {"C1": 0.75}
    assert auroc_per_part(scores, defects, views) == 0.75
    assert auroc_by_view(scores, defects, [None] * 4) == {}
    assert auroc_per_part(scores, defects, [None] * 4) is None


def test_evaluate_tells_views_and_parts(line: Path, tmp_path: Path) -> None:
    root = real_iad(tmp_path)
    odd = root / "realiad_256/usb/OK/S0003/usb_0003_OK_C5_20230917.jpg"
    odd.rename(odd.with_name("usb_0003_OK_20230917.jpg"))
    table = root / "realiad_jsons/realiad_jsons/usb.json"
    table.write_text(table.read_text().replace("usb_0003_OK_C5_", "usb_0003_OK_"))
    done = golden("evaluate", line / "part.golden", root)
    assert done.returncode == 0, done.stderr
    assert "in no view, as no _C1_ to _C5_ is in the name: OK/S0003/usb_0003_OK_2023" in done.stderr
    names = [*(f"image AUROC, view {view}" for view in VIEWS), "image AUROC, parts"]
    assert all(name in done.stdout for name in names), done.stdout
    assert "pictures of one kind alone" in done.stdout
    assert "a part has the largest score of its views" in done.stdout

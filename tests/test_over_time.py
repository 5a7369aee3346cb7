"""Control charts of a line's records: what they cost, what they see, and what they rest on."""

import csv
from contextlib import closing
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goldensample.cli.qualify_tables import read_records
from goldensample.errors import GoldenError
from goldensample.locales.language import speaking
from goldensample.qualification.control import autocorrelation, run_length
from goldensample.qualification.followed import LEAST_BASELINE
from goldensample.qualification.history import normal_scores, read_history
from goldensample.qualification.over_time import over_time
from goldensample.qualification.page import section_html
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.migration import open_database
from goldensample.station.records.rows import Record


def records(count: int = 3000, seed: int = 0, held_out: int = 95, moved_at: int = 10**9):
    """Records whose p-values are uniform, until good parts look odder than in the fit."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        odd = rng.random() ** (1.0 if k < moved_at else 1.6)
        p_value = np.ceil(odd * (held_out + 1)) / (held_out + 1)
        verdict = "defect" if p_value < 0.025 else "good"
        yield {
            "time": 1.75e9 + 600.0 * k,
            "verdict": verdict,
            "answer": "good" if verdict == "defect" and k % 3 else "",
            "score": float(np.exp(-p_value)),
            "p_value": float(p_value),
            "brightness": float(rng.normal(0.5, 0.01)) if k % 2 else None,
            "sharpness": float(rng.normal(-2, 0.1)) if k % 2 else None,
        }


def record(values) -> Record:
    """A record with these values, as a station stores it."""
    nothing = {"limit_score": None, "limit_review": None, "limit_pixel": None, "heat_sha256": None}
    empty = {"name": "", "source": "api", "operator": "", "milliseconds": 1.0, "note": ""}
    file = {"height": 1, "width": 1, "revision": 0, "file_sha256": "", "picture_bytes": 1}
    known = {**nothing, **empty, **file, "regions": [], "picture_sha256": ""}
    return Record(**known, **{**values, "answer": values["answer"] or None})


@pytest.mark.parametrize(
    ("weight", "width", "published"),
    [
        (0.4, 3.054, (500, 224, 71.2, 28.4, 14.3, 5.9, 3.5, 2.5, 2.0)),
        (0.25, 2.998, (500, 170, 48.2, 20.1, 11.1, 5.5, 3.6, 2.7, 2.3)),
        (0.2, 2.962, (500, 150, 41.8, 18.2, 10.5, 5.5, 3.7, 2.9, 2.4)),
        (0.1, 2.814, (500, 106, 31.3, 15.9, 10.3, 6.1, 4.4, 3.4, 2.9)),
    ],
)
def test_run_lengths_are_those_that_were_published(weight, width, published):
    """Lucas and Saccucci, 1990; as in Montgomery, Introduction to statistical quality control,
    table 9.11."""
    shifts = (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3)
    found = [run_length(shift, weight, width) for shift in shifts]
    assert found == pytest.approx(published, rel=0.02)


def test_single_values_leave_their_chart_once_in_370():
    assert run_length(0) == pytest.approx(370.4, abs=0.1)
    assert run_length(1) == pytest.approx(43.9, abs=0.1)
    with pytest.raises(ValueError, match="weight must be"):
        run_length(0, 0)


def test_normal_scores_are_normal_also_where_few_pictures_were_held_out():
    for held_out, quarter in ((19, 5), (95, 24)):
        history = read_history(records(4000, held_out=held_out))
        scores = normal_scores(history)
        assert np.isfinite(scores).all()
        assert scores.mean() == pytest.approx(0, abs=0.05)
        assert scores.std() == pytest.approx(1, abs=0.05)
        assert np.unique(scores).size == held_out + 1
        assert np.quantile(scores, 0.25) == pytest.approx(-0.674, abs=1.5 / quarter)
    without = replace(history, p_value=np.full(len(history), np.nan))
    assert np.allclose(normal_scores(without), np.log(history.score))


def test_a_line_that_stays_is_steady_and_one_that_moves_is_seen():
    steady = over_time(read_history(records()), 0.02)
    assert not any("outside the limits since" in words for words in steady.answer)
    assert steady.values["score"]["outside_since"] is None
    assert abs(steady.values["score"]["correlation"]) < 0.3
    assert abs(steady.values["score"]["skewness"]) < 1
    history = read_history(records(moved_at=2000))
    moved = over_time(history, 0.02)
    assert "higher" in moved.answer[0]
    since = moved.values["score"]["outside_since"]
    assert since > history.time[2000]
    assert moved.values["score"]["signals_ewma"] > 20
    assert moved.values["score"]["parts_a_point"] == 20
    rate = moved.values["false_alarms"]
    assert sum(rate["undecided"]) > 0
    assert sum(rate["good"]) == history.good.sum()
    darker = [{**one, "brightness": one["brightness"] and one["brightness"] - 0.02 * (k > 2000)}
              for k, one in enumerate(records())]  # fmt: skip
    section = over_time(read_history(darker), None)
    assert "lower" in section.answer[1]
    assert "since" not in section.answer[2]


def test_unanswered_defects_are_no_good_parts_and_answers_count():
    row = {"time": 1.0, "verdict": "defect", "score": 1.0}
    rows = [row, {**row, "answer": "good"}, {**row, "verdict": "good", "answer": "defect"}]
    rows.append({"time": "1970-01-01T00:00:00+00:00", "verdict": "review", "score": "2"})
    rows.append({**row, "score": ""})
    history = read_history(rows)
    assert history.good.tolist() == [False, False, True, False]
    assert history.answered.tolist() == [False, False, True, True]
    for wrong, words in (
        ([{"time": 1.0}], "verdict, score is missing"),
        ([{**row, "score": "far"}], "row 2"),
        ([{**row, "time": "noon"}], "row 2"),
        ([], "there are none"),
    ):
        with pytest.raises(GoldenError, match=words):
            read_history(wrong)
    with pytest.raises(GoldenError, match=f"must have {2 * LEAST_BASELINE} good parts"):
        over_time(history, None)


def test_neighbours_that_resemble_each_other_are_said():
    assert autocorrelation(np.array([1.0, 1, 1])) == 0
    rng, level, rows = np.random.default_rng(0), 0.0, []
    for one in records(140):
        level = 0.9 * level + rng.normal()
        rows.append({**one, "p_value": None, "score": float(np.exp(level)), "verdict": "good"})
    assert "resemble each other (Oddness" in over_time(read_history(rows), None).answer[-1]


@pytest.mark.parametrize("language", ["en", "de", "ko", "zh_Hans"])
def test_the_section_is_said_in_each_language(language):
    with speaking(language):
        section = over_time(read_history(records(moved_at=2000)), 0.02)
        page = section_html(section)
    assert page.count("<svg") == 5
    assert "%(" not in page
    assert ("Whether defects are still found" in page) == (language == "en")


def test_records_are_read_from_tables_of_the_station(tmp_path):
    rows = [{**one, "product": "part"} for one in records(60)]
    rows += [{**one, "product": "other"} for one in records(5, seed=1)]
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    found = [read_records(tmp_path / name, "part") for name in ("a.csv", "a.parquet")]
    assert len(found[0]) == len(found[1]) == 60
    assert np.array_equal(found[0].score, found[1].score)
    with pytest.raises(GoldenError, match="those of other, part"):
        read_records(tmp_path / "a.csv", "third")
    with pytest.raises(GoldenError, match="must be a station's folder"):
        read_records(tmp_path, "part")
    with closing(Ledger(open_database(f"sqlite:///{tmp_path / 'records.sqlite'}"))) as ledger:
        ledger.add([record(one) for one in rows])
        assert np.array_equal(read_records(tmp_path, "part").score, found[0].score)
    (tmp_path / "b.parquet").write_bytes(b"no table")
    with pytest.raises(GoldenError, match="must be a table of records"):
        read_records(tmp_path / "b.parquet", "part")

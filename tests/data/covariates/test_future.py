"""The known future at forecast time: merged, required, and written out to be filled in."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsconv.config.schema import DataConfig
from tsconv.data.covariates.encode import Encoding
from tsconv.data.covariates.future import require_future
from tsconv.data.covariates.template import template_frame
from tsconv.data.panel.panel import Panel, build_panel
from tsconv.data.reading.future_file import read_future, with_future
from tsconv.data.reading.read import table_from_frame
from tsconv.data.write import write_table
from tsconv.errors import DataError
from tsconv.notes import NoteKind

DAYS = pd.date_range("2024-01-01", periods=8, freq="D")
ROLES = DataConfig(future_covariates=["promo", "event"], categories="event")
LEARNT = [
    Encoding("event", "future", categories=("", "fair", "gala")),
    Encoding("promo", "future", 0.5, 0.5),
]
PAST = pd.DataFrame(
    {
        "unique_id": ["a"] * 4 + ["b"] * 3,
        "ds": [*DAYS[:4], *DAYS[2:5]],
        "y": [1.0, 2, 3, 4, 5, 6, 7],
        "promo": [0.0, 1, 0, None, 1, 0, 1],
        "event": ["", "fair", "", "", "fair", "", ""],
    }
)
AHEAD = pd.DataFrame(
    {
        "unique_id": ["a"] * 3 + ["b"] * 2,
        "ds": [*DAYS[3:6], *DAYS[5:7]],
        "promo": [1, 0, 1, 0, 0],
        "event": ["fair", "gala", "fair", "gala", "gala"],
    }
)


def merged(ahead: pd.DataFrame = AHEAD, past: pd.DataFrame = PAST, **changes: Any) -> Panel:
    roles = dataclasses.replace(ROLES, **changes)
    extra = table_from_frame(ahead, roles, future_only=True)
    return build_panel(with_future(table_from_frame(past, roles), extra))


def test_a_second_file_fills_and_goes_on() -> None:
    panel = merged()
    assert panel.lengths.tolist() == [4, 3]
    known = panel.covariates
    assert known is not None
    assert known.lengths.tolist() == [6, 5]
    promo = known.values[:, known.names.index("promo"), 0]
    assert promo.tolist() == [0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 0]  # row 4 of the first was empty
    events = known.values[:, known.names.index("event"), 0].tolist()
    named = [known.categories["event"][int(c)] for c in events]
    assert named == ["", "fair", "", "fair", "gala", "fair", "fair", "", "", "gala", "gala"]
    require_future(panel, LEARNT, 2, 9)


def test_two_values_for_one_time_are_refused() -> None:
    wrong = AHEAD.assign(ds=[DAYS[1], *DAYS[4:6], *DAYS[5:7]], promo=[0, 0, 1, 0, 0])
    with pytest.raises(DataError, match=r"row 3 and the DataFrame: row 2 give series `a` two "):
        merged(wrong)
    fair = PAST.assign(event=["fair"] * 7)
    with pytest.raises(DataError, match=r"row 5 and the DataFrame: row 2 .* of `event`"):
        merged(AHEAD.assign(event=["gala"] * 5), fair)


def test_series_that_are_not_forecast_are_told_and_left_out() -> None:
    panel = merged(AHEAD.assign(unique_id=["a"] * 3 + ["c"] * 2))
    assert panel.ids == ("a", "b")
    assert any("series `c` is not in" in str(note) for note in panel.notes)


def test_a_file_of_other_series_is_refused() -> None:
    with pytest.raises(DataError, match=r"none of its series \(`A`, ...\) is in"):
        merged(AHEAD.assign(unique_id="A"))


def test_what_reading_the_second_file_told_is_told() -> None:
    panel = merged(AHEAD.assign(promo=[1, 0, 1, -9999, 0]), PAST.assign(promo=1.0).iloc[:3])
    assert any("-9999" in str(note) for note in panel.notes)


def test_times_of_another_kind_are_refused() -> None:
    with pytest.raises(DataError, match="not of the kind"):
        merged(AHEAD.assign(ds=AHEAD["ds"].dt.tz_localize("UTC")))


@pytest.mark.parametrize(
    ("ahead", "message"),
    [
        (AHEAD[:3], r"event, promo of series `b` at 2024-01-06 to 2024-01-07 \(2 of 2 steps\)"),
        (AHEAD.drop(index=1), r"`a` at 2024-01-05 \(1 of 2 steps\)"),
        (
            AHEAD.assign(promo=[1, 0, None, 0, None]),
            r"promo of series `a` and 1 more at 2024-01-06",
        ),
    ],
)
def test_missing_dates_are_named(ahead: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        require_future(merged(ahead), LEARNT, 2, 9)


def test_a_category_that_was_never_empty_is_missing_where_it_is() -> None:
    empty = merged(AHEAD.assign(event=""))
    _, notes = require_future(empty, LEARNT, 2, 9)
    assert [str(n) for n in notes] == ["`event` is empty in all steps to forecast"]
    assert notes[0].kind is NoteKind.EMPTY_OVER_HORIZON
    never = [Encoding("event", "future", categories=("fair", "gala")), LEARNT[1]]
    with pytest.raises(DataError, match="missing: event of series `a` and 1 more"):
        require_future(empty, never, 2, 9)


def test_a_series_that_ended_before_the_others_is_left_out() -> None:
    """Nobody plans promotions for what is no longer sold."""
    origins, notes = require_future(merged(AHEAD[3:]), LEARNT, 2, 9)
    assert origins.tolist() == [-1, 2]
    assert any("series `a` ends before the others" in str(note) for note in notes)


def test_what_cannot_be_forecast_needs_no_future() -> None:
    """Neither a series without a target, nor one with none in its context."""
    past = PAST.drop(columns="event").assign(y=[None] * 4 + [5.0, 6, 7])
    ahead = AHEAD[3:].drop(columns="event")
    panel = merged(ahead, past, categories=None, future_covariates="promo")
    origins, _ = require_future(panel, LEARNT[1:], 2, 9)
    assert origins[1] == 2


def test_a_row_that_never_had_a_covariate_does_without() -> None:
    frame = pd.DataFrame(
        {
            "ds": [*DAYS[:5], *DAYS[:5]],
            "at": list("nnnnnsssss"),
            "y": [1.0, 2, 3, None, None] * 2,
            "promo": [0, 1, 0, 1, 0] + [None] * 5,
        }
    )
    roles = DataConfig(row="at", future_covariates="promo")
    panel = build_panel(table_from_frame(frame, roles))
    _, notes = require_future(panel, LEARNT[1:], 2, 9)
    assert any("row `s` never had a value of `promo` (1 such)" in str(note) for note in notes)
    frame.loc[5, "promo"] = 1
    with pytest.raises(DataError, match="promo of series `series`, row `s` at 2024-01-04"):
        require_future(build_panel(table_from_frame(frame, roles)), LEARNT[1:], 2, 9)


def test_a_row_that_ended_before_the_context_needs_no_future() -> None:
    frame = pd.DataFrame(
        {
            "ds": [*DAYS[:7], *DAYS[:6]],
            "at": list("nnnnnnn") + list("ssssss"),
            "y": [1.0, 2, 3, 4, 5, 6, None, 7, 8, None, None, None, None],
            "promo": [0.0] * 7 + [1.0] * 6,
        }
    )
    panel = build_panel(table_from_frame(frame, DataConfig(row="at", future_covariates="promo")))
    require_future(panel, LEARNT[1:], 1, 4)
    with pytest.raises(DataError, match="promo of series `series`, row `s` at 2024-01-07"):
        require_future(panel, LEARNT[1:], 1, 5)


def test_one_list_serves_all_series() -> None:
    holidays = AHEAD.drop(columns="unique_id")[:3].assign(ds=[*DAYS[4:7]])
    panel = merged(holidays)
    assert panel.covariates is not None
    assert panel.covariates.lengths.tolist() == [7, 5]
    require_future(panel, LEARNT, 2, 9)


def test_the_template_is_what_is_required_and_can_be_read_back() -> None:
    alone = build_panel(table_from_frame(PAST, ROLES))
    template = template_frame(alone, ROLES, 2)
    assert template.columns.tolist() == ["ds", "unique_id", "event", "promo"]
    assert template["ds"].tolist() == [*DAYS[4:6], *DAYS[5:7]]
    assert template[["promo", "event"]].isna().all(axis=None)
    origins, notes = require_future(merged(template.assign(promo=1, event="fair")), LEARNT, 2, 9)
    assert (origins.tolist(), notes) == ([3, 2], [])


def test_what_is_known_already_stands_in_the_template() -> None:
    template = template_frame(merged(AHEAD[:4]), ROLES, 2)
    assert template["event"].tolist()[:3] == ["gala", "fair", "gala"]
    assert template["promo"].tolist()[:3] == [0, 1, 0]
    assert template.iloc[3, 2:].isna().all()


@pytest.mark.parametrize(
    ("data", "columns"),
    [
        (
            {"time": ["year", "month", "day"]},
            {"year": [2024, 2024], "month": [12, 1], "day": [31, 1]},
        ),
        ({"time_format": "%d.%m.%Y"}, {"ds": ["31.12.2024", "01.01.2025"]}),
        ({"time_unit": "D"}, {"ds": [20088, 20089]}),
    ],
)
def test_time_is_spelt_as_in_the_file(data: dict[str, Any], columns: dict[str, list]) -> None:
    columns = {k: [2024, 2025] if k == "year" else v for k, v in columns.items()}
    ds = pd.date_range("2024-12-25", periods=6, freq="D")
    frame = pd.DataFrame({"ds": ds, "y": np.arange(6.0), "promo": 0.0})
    roles = DataConfig(id=None, future_covariates="promo")
    panel = build_panel(table_from_frame(frame, roles))
    template = template_frame(panel, dataclasses.replace(roles, **data), 2)
    assert template.drop(columns="promo").to_dict("list") == columns


def test_the_template_is_written_as_the_file_is_spelt(tmp_path: Path) -> None:
    alone = build_panel(table_from_frame(PAST, ROLES))
    roles = dataclasses.replace(ROLES, sep=";", decimal=",", encoding="latin-1")
    template = template_frame(alone, roles, 2).assign(promo=1.5, event="Fete, ç")
    write_table(template, tmp_path / "t.csv", csv_format=roles)
    roles = dataclasses.replace(roles, path=None, future_path=str(tmp_path / "t.csv"))
    extra = read_future(roles)
    assert extra.future is not None
    assert extra.future.categories["event"] == ("Fete, ç",)
    assert set(extra.future.values[:, 0].tolist()) == {1.5}


def test_the_template_has_the_rows_of_a_family_and_a_zone() -> None:
    ds = pd.date_range("2024-03-30", periods=4, freq="12h", tz="Europe/Berlin")
    frame = pd.DataFrame(
        {"ds": [*ds, *ds], "at": list("nnnnssss"), "y": np.arange(8.0), "promo": 0.0}
    )
    roles = DataConfig(row="at", future_covariates="promo")
    template = template_frame(build_panel(table_from_frame(frame, roles)), roles, 1)
    assert template["at"].tolist() == ["n", "s"]
    assert template["ds"].tolist() == [ds[-1] + pd.Timedelta("12h")] * 2
    assert str(template["ds"].dt.tz) == "Europe/Berlin"

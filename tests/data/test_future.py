"""The known future at forecast time: merged, required, and written out to be filled in."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsconv.data.future import require_future, with_future
from tsconv.data.panel import Panel, build_panel
from tsconv.data.read import table_from_frame
from tsconv.data.template import template_frame
from tsconv.errors import DataError
from tsconv.schema import DataConfig

DAYS = pd.date_range("2024-01-01", periods=8, freq="D")
ROLES = DataConfig(future_covariates=["promo", "event"], categories="event")
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
    require_future(panel, 2)


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
    assert any("series `c` is not in" in note for note in panel.notes)


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
        require_future(merged(ahead), 2)


def test_the_template_is_what_is_required_and_can_be_read_back() -> None:
    alone = build_panel(table_from_frame(PAST, ROLES))
    template = template_frame(alone, ROLES, 2)
    assert template.columns.tolist() == ["ds", "unique_id", "event", "promo"]
    assert template["ds"].tolist() == [*DAYS[4:6], *DAYS[5:7]]
    assert template[["promo", "event"]].isna().all(axis=None)
    require_future(merged(template.assign(promo=1, event="fair")), 2)


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

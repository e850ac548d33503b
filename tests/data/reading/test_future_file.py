"""Future covariates from a file of their own."""

from __future__ import annotations

import pytest

from tests.helpers.future import AHEAD, DAYS, ENCODINGS, PAST, merged
from tsconv.data.covariates.future import require_future
from tsconv.errors import DataError


def test_a_second_file_fills_and_goes_on() -> None:
    panel = merged()
    assert panel.lengths.tolist() == [4, 3]
    known = panel.covariates
    assert known is not None
    assert known.lengths.tolist() == [6, 5]
    promo = known.values[:, known.names.index("promo"), 0]
    assert promo.tolist() == [0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 0]  # line 4 of the first was empty
    events = known.values[:, known.names.index("event"), 0].tolist()
    named = [known.categories["event"][int(c)] for c in events]
    assert named == ["", "fair", "", "fair", "gala", "fair", "fair", "", "", "gala", "gala"]
    require_future(panel, ENCODINGS, 2, 9)


def test_two_values_for_one_time_are_refused() -> None:
    wrong = AHEAD.assign(ds=[DAYS[1], *DAYS[4:6], *DAYS[5:7]], promo=[0, 0, 1, 0, 0])
    with pytest.raises(DataError, match=r"line 3 and the DataFrame: line 2 give series `a` two "):
        merged(wrong)
    fair = PAST.assign(event=["fair"] * 7)
    with pytest.raises(DataError, match=r"line 5 and the DataFrame: line 2 .* of `event`"):
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
    with pytest.raises(DataError, match="must be of one kind"):
        merged(AHEAD.assign(ds=AHEAD["ds"].dt.tz_localize("UTC")))


def test_one_list_serves_all_series() -> None:
    holidays = AHEAD.drop(columns="unique_id")[:3].assign(ds=[*DAYS[4:7]])
    panel = merged(holidays)
    assert panel.covariates is not None
    assert panel.covariates.lengths.tolist() == [7, 5]
    require_future(panel, ENCODINGS, 2, 9)

"""The ragged panel: holes become NaN, memory is for the steps that exist."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.helpers.frames import daily_frame, long
from tests.helpers.panels import panel_of
from tsconv.errors import DataError


def test_series_end_to_end_without_padding() -> None:
    panel = panel_of(long([("a", 1, 5.0), ("a", 2, 6.0), ("a", 4, 8.0), ("b", 7, 1.0)]))
    assert panel.indptr.tolist() == [0, 4, 5]
    np.testing.assert_array_equal(panel.values[:, 0, 0], [5, 6, np.nan, 8, 1])
    assert panel.offset[:, 0, 0].tolist() == [5, 1]
    assert panel.start.tolist() == [1, 7]


def test_unsorted_rows_give_the_same_panel() -> None:
    frame = daily_frame()
    a, b = panel_of(frame), panel_of(frame.sample(frac=1, random_state=3))
    order = [b.ids.index(i) for i in a.ids]
    for s, other in enumerate(order):
        torch.testing.assert_close(a.series(s), b.series(other), rtol=0, atol=0)


def test_offset_is_the_first_observed_value() -> None:
    rows = [("a", 1, np.nan), ("a", 2, 3.0), ("b", 1, np.nan), ("b", 2, np.nan), ("c", 5, 2.0)]
    assert panel_of(long(rows)).offset[:, 0, 0].tolist() == [3, 0, 2]


def test_one_long_series_among_short_ones_costs_its_own_rows() -> None:
    rows = [("long", t, 1.0) for t in range(5000)] + [(f"s{i}", 0, 1.0) for i in range(300)]
    assert len(panel_of(long(rows)).values) == 5300


def test_times_go_on_after_the_end() -> None:
    panel = panel_of(daily_frame(1, 10))
    assert panel.times(0, np.array([0, 10])).astype("datetime64[D]").astype(str).tolist() == [
        "2023-01-02",
        "2023-01-12",
    ]


def test_head_cuts_every_series() -> None:
    panel = panel_of(long([("a", t, float(t)) for t in range(6)] + [("b", 0, 9.0)]))
    cut = panel.head(2)
    assert cut.indptr.tolist() == [0, 2, 3]
    assert cut.values[:, 0, 0].tolist() == [0, 1, 9]


def test_duplicates_name_both_rows() -> None:
    rows = [("a", "2024-01-01", 1.0), ("b", "2024-01-01", 1.0), ("a", "2024-01-01", 2.0)]
    with pytest.raises(DataError, match=r"lines 2 and 4 are both series `a` at 2024-01-01"):
        panel_of(long(rows))


def test_a_time_off_the_grid_names_its_row() -> None:
    rows = [("a", t, 1.0) for t in ("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04 07:00")]
    frame = pd.DataFrame(rows, columns=["unique_id", "ds", "y"])
    frame["ds"] = pd.to_datetime(frame.ds, format="ISO8601")
    with pytest.raises(DataError, match=r"line 5, series `a`: 2024-01-04 07:00:00 is not a whole"):
        panel_of(frame)


def test_freq_must_fit_the_kind_of_time() -> None:
    with pytest.raises(DataError, match="does not fit a column of integers"):
        panel_of(long([("a", 1, 1.0), ("a", 2, 1.0)]), "D")


def test_a_grid_of_holes_is_refused() -> None:
    with pytest.raises(DataError, match=r"spans .* steps of 1 with 2 lines"):
        panel_of(long([("a", 0, 1.0), ("a", 10_000_000, 1.0)]), "1")


@pytest.mark.parametrize(("odd", "row"), [("1970-01-01", 12), ("2924-01-01", 12)])
def test_a_time_far_from_all_others_is_named(odd: str, row: int) -> None:
    days = pd.date_range("2024-01-01", periods=10).append(pd.DatetimeIndex([odd]))
    frame = pd.DataFrame({"unique_id": "a", "ds": days, "y": 1.0})
    text = rf"line {row}: {odd} is \d+ steps from the nearest other time, .* `a` spans"
    with pytest.raises(DataError, match=text):
        panel_of(frame)


def test_some_series_are_those_of_a_panel_of_them_alone() -> None:
    frame = daily_frame(4, 30).drop(index=[3, 40, 41, 119])
    frame["x"], frame["size"] = range(len(frame)), frame["unique_id"].str.len() + 0.5
    roles = {"future_covariates": "x", "static_covariates": "size"}
    whole = panel_of(frame, **roles)
    kept = [whole.ids[2], whole.ids[3]]
    some = whole.with_series(torch.tensor([2, 3]))
    alone = panel_of(frame[frame["unique_id"].isin(kept)], **roles)
    assert some.ids == alone.ids == tuple(kept)
    for name in ("values", "indptr", "offset", "present"):
        torch.testing.assert_close(getattr(some, name), getattr(alone, name), equal_nan=True)
    assert some.start.tolist() == alone.start.tolist()
    for name in ("covariates", "static"):
        ours, theirs = getattr(some, name), getattr(alone, name)
        torch.testing.assert_close(ours.values, theirs.values, equal_nan=True)
    assert some.covariates is not None
    assert alone.covariates is not None
    assert some.covariates.indptr.tolist() == alone.covariates.indptr.tolist()


def test_as_many_lines_as_steps_may_still_have_a_hole() -> None:
    """Three lines at steps 0, 2 and 4, the last of them empty: the panel has three steps."""
    panel = panel_of(
        long([("a", 0, 1.0), ("a", 2, 3.0), ("a", 4, float("nan")), ("b", 0, 7.0), ("b", 1, 8.0)]),
        freq="1",
    )
    np.testing.assert_array_equal(panel.series(0).flatten(), [1, float("nan"), 3])


def test_a_panel_keeps_no_values_of_the_callers_frame() -> None:
    frame = daily_frame(2, 30)
    panel = panel_of(frame)
    before = panel.values.clone()
    frame.loc[:, "y"] = 0.0
    assert torch.equal(panel.values, before)

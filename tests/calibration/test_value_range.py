"""Forecasts within bounds: never beyond one, in order, whole where they count."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.frames import stations
from tsconv.calibration.value_range import bounds_note, panel_range, value_range_of
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame
from tsconv.errors import ConfigError
from tsconv.forecasting.rounding import round_to_data
from tsconv.notes import NoteKind

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
DTYPES = st.sampled_from([torch.float32, torch.float64])


@given(
    st.lists(NUMBERS, min_size=3, max_size=9), NUMBERS, st.floats(-1e4, 1e4), st.floats(0.01, 1e4),
    DTYPES, st.sampled_from([0, 1, 3, None]),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_nothing_is_beyond_a_bound_and_quantiles_stay_in_order(
    values: list[float],
    offset: float,
    lower: float,
    width: float,
    dtype: torch.dtype,
    places: int | None,
) -> None:
    upper = lower + width + 1e-3 * abs(offset)
    found = value_range_of(lower, upper, False, ["a"], ["y"])
    shift = torch.full((1, 1, 1, 1), offset, dtype=torch.float64)
    levels = (torch.tensor(values, dtype=torch.float64).sort().values - offset).to(dtype)
    levels = levels.reshape(1, 1, 1, -1)
    got = found.limited(levels, torch.tensor([0]), shift)
    assert got.dtype == dtype
    in_units = got.double() + shift
    assert ((lower <= in_units) & (in_units <= upper)).all()
    assert (got.diff(dim=-1) >= 0).all()
    within = (levels.double() + shift > lower + 1) & (levels.double() + shift < upper - 1)
    assert torch.equal(got[within], levels[within])  # what lies within stays bit for bit
    assert torch.equal(found.limited(got, torch.tensor([0]), shift), got)
    rounded = torch.from_numpy(round_to_data(in_units.numpy().ravel(), places)).reshape(1, 1, 1, -1)
    again = found.limited(rounded, torch.tensor([0]), torch.zeros(1))
    assert ((lower <= again) & (again <= upper)).all()
    assert (again.diff(dim=-1) >= 0).all()


def test_rounding_alone_would_pass_a_bound() -> None:
    """A bound of more decimals than the data: why what was rounded is limited once more."""
    found = value_range_of(0.25, None, False, ["a"], ["y"])
    rounded = torch.from_numpy(round_to_data(np.array([[[0.25]]]), 0))
    assert float(rounded) < 0.25
    assert float(found.limited(rounded, torch.tensor([0]), torch.zeros(1))) == 0.25


@given(st.floats(-50, 1e6, allow_nan=False), st.sampled_from([0.0, 3.0, 7.5]), DTYPES)
@settings(max_examples=200, deadline=None)
def test_counts_are_the_whole_number_whose_half_step_holds_the_value(
    value: float, offset: float, dtype: torch.dtype
) -> None:
    found = value_range_of(0, None, True, ["a"], ["y"])
    x = torch.tensor([[[value - offset]]], dtype=torch.float64).to(dtype)
    got = float(found.limited(x, torch.tensor([0]), torch.tensor(offset)).double() + offset)
    assert got == max(0, math.ceil(float(x.double()) + offset - 0.5))


def test_each_target_of_each_series_has_its_own_bounds() -> None:
    by_target = value_range_of({"rain": 0}, {"wind": 1}, False, ["a", "b"], ["rain", "wind"])
    values = torch.tensor([-2.0, 0.5, 2.0]).expand(2, 2, 1, 4, 3)
    got = by_target.limited(values, torch.tensor([1, 0]), torch.zeros(2, 2, 1, 1, 1))
    assert got[0, 0, 0, 0].tolist() == [0.0, 0.5, 2.0]
    assert got[1, 1, 0, 3].tolist() == [-2.0, 0.5, 1.0]
    below, above = by_target.beyond(values, torch.tensor([1, 0]), torch.zeros(1))
    assert (below.tolist(), above.tolist()) == ([8, 0], [0, 8])
    by_series = value_range_of({"b": 0, "gone": 5}, None, False, ["a", "b"], ["y"])
    got = by_series.limited(torch.full((2, 1, 1), -3.0), torch.tensor([1, 0]), torch.zeros(1))
    assert got.flatten().tolist() == [0.0, -3.0]


def test_nothing_to_do_leaves_the_very_values() -> None:
    found = value_range_of(None, None, False, ["a"], ["y"])
    values = torch.randn(1, 1, 1)
    assert found.is_open
    assert found.limited(values, torch.tensor([0]), torch.zeros(1)) is values
    for other in (
        value_range_of(0, None, False, ["a"], ["y"]),
        value_range_of(None, None, True, ["a"], ["y"]),
    ):
        assert not other.is_open


def test_missing_forecasts_stay_missing() -> None:
    for whole in (False, True):
        found = value_range_of(0, 9, whole, ["a"], ["y"])
        got = found.limited(torch.full((1, 1, 1), torch.nan), torch.tensor([0]), torch.zeros(1))
        assert got.isnan().all()


def test_the_range_of_a_panel_goes_by_the_names_of_the_bundle_or_those_given() -> None:
    data = DataConfig(id=None, row="place", target=["no2", "o3"])
    panel = build_panel(table_from_frame(stations(30), data))
    bounded = dataclasses.replace(data, lower={"nitrogen": 1.0, "gone": 2.0})
    found = panel_range(panel, bounded, False, trained=("nitrogen", "o3", "wind"))
    assert found.lower.tolist() == [[1.0, -math.inf]]
    with pytest.raises(ConfigError, match=r"`nitrogen` is not a target \(no2, o3\)"):
        panel_range(panel, bounded, False, given=("lower",))


def test_bounds_of_counts_are_whole() -> None:
    found = value_range_of(0.5, 3.5, True, ["a"], ["y"])
    got = found.limited(torch.tensor([[[-1.0, 9.0]]]), torch.tensor([0]), torch.zeros(1))
    assert got.flatten().tolist() == [1.0, 3.0]
    with pytest.raises(ConfigError, match="no whole number lies between"):
        value_range_of(0.2, 0.8, True, ["a"], ["y"])


def test_the_note_tells_what_was_limited() -> None:
    assert bounds_note("lower", 0, 0, 9, ["a"]) is None
    note = bounds_note("upper", {"a": 1, "b": 2}, 3, 9, ["a", "b"])
    assert note is not None
    assert note.kind is NoteKind.SET_TO_BOUND
    assert (
        str(note) == "3 of 9 forecast values of `a`, `b` lay beyond `data.upper` and were set to it"
    )

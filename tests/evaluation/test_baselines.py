"""Seasonal naive on dense origins, with holes."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tsconv.evaluation.baselines import fill_seasonally, seasonal_naive, seasonal_naive_error

NAN = float("nan")


def test_repeats_the_last_season() -> None:
    x = torch.arange(10.0)
    out = seasonal_naive(x, torch.ones(10), 2, 5, 3)
    assert out.tolist() == [[6, 7, 8, 6, 7], [7, 8, 9, 7, 8]]


def test_a_hole_falls_back_a_season_and_then_to_the_last_value() -> None:
    x = torch.tensor([1.0, 2, 3, 4, 0, 6])
    mask = torch.tensor([1.0, 1, 1, 1, 0, 1])
    assert seasonal_naive(x, mask, 1, 3, 3).tolist() == [[4, 2, 6]]
    early = torch.tensor([0.0, 0, 5])
    assert seasonal_naive(early, torch.tensor([0.0, 0, 1]), 1, 2, 3).tolist() == [[5, 5]]


def test_nothing_observed_is_nan() -> None:
    assert seasonal_naive(torch.zeros(4), torch.zeros(4), 1, 2, 2).isnan().all()


@given(width=st.integers(1, 30), season=st.integers(1, 9), seed=st.integers(0, 500))
def test_filling_equals_the_loop(width: int, season: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(width, generator=generator)
    x[torch.rand(width, generator=generator) < 0.5] = NAN
    expected = x.clone()
    for t in range(season, width):
        if expected[t].isnan():
            expected[t] = expected[t - season]
    torch.testing.assert_close(fill_seasonally(x, season), expected, equal_nan=True)


def test_in_sample_error_skips_missing_pairs() -> None:
    assert seasonal_naive_error(torch.tensor([1.0, 2, 4, NAN, 8]), 2) == 3.5  # |4-1| and |8-4|
    assert seasonal_naive_error(torch.tensor([1.0]), 2).isnan()

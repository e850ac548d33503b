"""Simple forecasts on dense origins, with holes, against plain loops."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tsconv.evaluation.baselines import (
    drift,
    fill_seasonally,
    naive,
    seasonal_naive,
    seasonal_naive_error,
    window_average,
)

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


Past = list[float | None]  # what was observed up to an origin, None for a hole


def last_of(past: Past) -> float:
    return next((v for v in reversed(past) if v is not None), NAN)


def plain_naive(past: Past, ahead: int, _: int) -> float:
    return last_of(past)


def plain_seasonal_naive(past: Past, ahead: int, season: int) -> float:
    at = len(past) - 1 + ahead
    while at >= 0 and (at >= len(past) or past[at] is None):
        at -= season
    return last_of(past) if at < 0 else past[at]  # type: ignore[return-value]


def plain_drift(past: Past, ahead: int, window: int) -> float:
    begin = max(0, len(past) - window)
    seen = [i for i in range(begin, len(past)) if past[i] is not None]
    if not seen:
        return last_of(past)
    first, last = seen[0], seen[-1]
    slope = (past[last] - past[first]) / max(1, last - first)  # type: ignore[operator]
    return past[last] + slope * (len(past) - 1 + ahead - last)  # type: ignore[operator]


def plain_window_average(past: Past, ahead: int, window: int) -> float:
    seen = [v for v in past[-window:] if v is not None]
    return sum(seen) / len(seen) if seen else last_of(past)


def fast_naive(x: Tensor, mask: Tensor, n_origins: int, horizon: int, _: int) -> Tensor:
    return naive(x, mask, n_origins, horizon)


PAIRS = [
    (fast_naive, plain_naive),
    (seasonal_naive, plain_seasonal_naive),
    (drift, plain_drift),
    (window_average, plain_window_average),
]


@pytest.mark.parametrize(("fast", "plain"), PAIRS)
@given(
    width=st.integers(1, 25),
    steps=st.integers(1, 9),
    horizon=st.integers(1, 8),
    holes=st.sampled_from([0.0, 0.4, 0.9]),
    seed=st.integers(0, 500),
)
def test_each_equals_its_loop(
    fast: Callable[..., Tensor],
    plain: Callable[[Past, int, int], float],
    width: int,
    steps: int,
    horizon: int,
    holes: float,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, width, generator=generator, dtype=torch.float64)
    mask = (torch.rand(2, width, generator=generator) >= holes).double()
    n_origins = max(1, width // 2)
    made = fast(torch.where(mask > 0, x, 0), mask, n_origins, horizon, steps)
    wanted = []
    for values, seen in zip(x.tolist(), mask.tolist(), strict=True):
        past: Past = [v if m else None for v, m in zip(values, seen, strict=True)]
        wanted.append(
            [
                [plain(past[: t + 1], ahead, steps) for ahead in range(1, horizon + 1)]
                for t in range(width - n_origins, width)
            ]
        )
    torch.testing.assert_close(made, torch.tensor(wanted).double(), equal_nan=True)


@pytest.mark.parametrize(("fast", "plain"), PAIRS)
def test_a_later_value_changes_no_earlier_forecast(
    fast: Callable[..., Tensor], plain: object
) -> None:
    x, mask = torch.arange(20.0).sin(), torch.ones(20)
    mask[3] = mask[11] = 0
    changed = x.clone()
    changed[15:] += 100
    before, after = (fast(v, mask, 12, 6, 5) for v in (x, changed))
    assert torch.equal(before[:7], after[:7])  # origins 8 to 14
    assert not torch.equal(before[7:], after[7:])

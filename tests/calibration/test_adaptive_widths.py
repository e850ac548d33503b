"""Adaptive widths: the fast scan equals loops, and covers what changes."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsconv.calibration.adaptive_widths import (
    adaptive_widths,
    adaptive_widths_reference,
    at_observed_times,
    distance_ratios,
    steps_looked_at,
)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 3), st.integers(1, 9), st.integers(1, 3))
def test_scan_equals_loops(seed: int, members: int, width: int, steps: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    ratios = 3 * torch.rand(members, 2, width, steps, 2, generator=generator, dtype=torch.float64)
    ratios[torch.rand(ratios.shape, generator=generator) < 0.2] = torch.nan
    shares = torch.tensor([[0.1, 0.3], [0.2, 0.4]])
    for rate in (0.02, 2.0):
        fast = adaptive_widths(ratios, shares, rate)
        torch.testing.assert_close(fast, adaptive_widths_reference(ratios, shares, rate))


def test_the_future_changes_nothing() -> None:
    ratios = torch.rand(2, 2, 30, 3, 2)
    other = ratios.clone()
    other[:, :, 20:] = 9.0
    shares = torch.full((2, 2), 0.1)
    one, two = adaptive_widths(ratios, shares), adaptive_widths(other, shares)
    assert torch.equal(one[:, :, :20], two[:, :, :20])
    assert not torch.equal(one[:, :, 20:], two[:, :, 20:])


def test_forecasts_by_the_time_of_what_they_foretold() -> None:
    """The forecast of origin o at step s is of time o + s + 1."""
    origins, steps = 8, torch.tensor([0, 2])
    ratios = torch.arange(float(origins)).view(-1, 1, 1).expand(-1, 2, 1)  # each its origin
    seen = at_observed_times(ratios, steps)
    assert seen[5, :, 0].tolist() == [4.0, 2.0]
    assert seen[2, 0, 0] == 1.0
    assert seen[2, 1, 0].isnan()


def test_coverage_comes_back_when_the_spread_doubles() -> None:
    """A 80% interval of half the width that is right covers 48%; the widths bring it near 80%."""
    generator = torch.Generator().manual_seed(0)
    values = 2 * torch.randn(40, 3000, generator=generator, dtype=torch.float64)  # (M, W)
    levels = torch.tensor([1.2816, 0.5244])
    ratios = []
    for sign in (-1, 1):
        one = distance_ratios(values, (sign * levels).expand(40, 3000, 2), torch.zeros_like(values))
        ratios.append(one.unsqueeze(-2))
    shares = torch.tensor([[0.1, 0.3], [0.1, 0.3]])
    logs = adaptive_widths(torch.stack(ratios, 1), shares)
    low, high = logs.exp()[:, 0, 1000:-1], logs.exp()[:, 1, 1000:-1]
    later = values[:, 1001:]
    inside = ((later >= -1.2816 * low) & (later <= 1.2816 * high)).double().mean()
    assert abs(float(inside) - 0.8) < 0.01
    assert abs(float((values.abs() <= 1.2816).double().mean()) - 0.48) < 0.02


def test_steps_that_are_looked_at() -> None:
    assert steps_looked_at(3).tolist() == [0, 1, 2]
    assert len(steps_looked_at(96)) == 12
    assert int(steps_looked_at(96)[-1]) == 95

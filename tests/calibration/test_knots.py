"""Quantile functions through the levels of a forecast."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tsconv.calibration.knots import (
    knot_weights,
    mean_weights,
    normal_scores,
    scores_of,
    values_at,
)

DECILES = tuple(q / 10 for q in range(1, 10))
SCORES = st.floats(-6, 6)


def levels(seed: int, n: int = 7) -> torch.Tensor:
    """(n, 9) rising levels of some forecasts, a few of them equal."""
    generator = torch.Generator().manual_seed(seed)
    steps = torch.rand(n, 9, generator=generator, dtype=torch.float64)
    steps[steps < 0.1] = 0
    return steps.cumsum(-1) - 3


def test_a_normal_forecast_stays_normal_at_every_level() -> None:
    normal = 5 + 2 * scores_of(DECILES)
    at = scores_of((0.001, 0.025, 0.33, 0.975, 0.9999))
    found = values_at(normal.expand(1, -1), DECILES, at.expand(1, -1))[0]
    expected = stats.norm(5, 2).ppf([0.001, 0.025, 0.33, 0.975, 0.9999])
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@given(st.integers(0, 50), st.lists(SCORES, min_size=7, max_size=7))
def test_scores_and_values_are_inverse(seed: int, scores: list[float]) -> None:
    some = torch.linspace(-2, 2, 9, dtype=torch.float64) + 0.1 * levels(seed).cumsum(-1).abs()
    some = some.sort(-1).values + torch.linspace(0, 1, 9, dtype=torch.float64)
    z = torch.tensor(scores, dtype=torch.float64).unsqueeze(-1)
    value = values_at(some, DECILES, z)[:, 0]
    back = normal_scores(list(some.unbind(-1)), DECILES, value)
    torch.testing.assert_close(back, z[:, 0], rtol=1e-6, atol=1e-6)


@given(st.integers(0, 50), SCORES)
def test_weights_are_the_interpolation(seed: int, score: float) -> None:
    some, z = levels(seed), torch.full((7, 1), score, dtype=torch.float64)
    by_weights = (knot_weights(z, DECILES) * some[:, None]).sum(-1)
    torch.testing.assert_close(by_weights, values_at(some, DECILES, z))


def test_a_value_beyond_the_levels_goes_on_along_the_outer_segment() -> None:
    """By hand: from 1 (10%) to 2 (20%) lie 1.2816 - 0.8416 normal scores."""
    knots = scores_of((0.1, 0.2))
    one, two = torch.tensor([1.0]), torch.tensor([2.0])
    z = normal_scores([one, two], (0.1, 0.2), torch.tensor([0.0]))
    assert abs(float(z) - float(2 * knots[0] - knots[1])) < 1e-6


def test_equal_levels_give_finite_scores() -> None:
    flat = [torch.zeros(3) for _ in DECILES]
    z = normal_scores(flat, DECILES, torch.tensor([-1.0, 0.0, 1.0]))
    assert z.isfinite().all()
    assert (z.diff() >= 0).all()


def test_the_mean_of_a_skewed_forecast() -> None:
    """Between many levels it is that of the distribution; a normal one is exact with few."""
    fine = tuple(np.linspace(0.001, 0.999, 999).round(6))
    exact = stats.lognorm(0.8).mean()
    values = torch.tensor(stats.lognorm(0.8).ppf(fine))
    assert abs(float((mean_weights(fine) * values).sum()) - exact) < 0.01 * exact
    normal = 5 + 2 * scores_of((0.1, 0.5, 0.9))
    assert abs(float((mean_weights((0.1, 0.5, 0.9)) * normal).sum()) - 5) < 1e-9

"""Scores within a mass are drawn evenly, so that those of right forecasts are standard normal."""

import torch

from tsconv.calibration.knots import normal_scores
from tsconv.calibration.randomized import randomized_scores

LEVELS = tuple(i / 20 for i in range(1, 20))


def test_without_a_mass_they_are_the_scores() -> None:
    generator = torch.Generator().manual_seed(0)
    levels = [torch.full((200,), 10 * q) for q in LEVELS]
    values = 12 * torch.rand(200, generator=generator) - 1
    uniform = torch.rand(200, generator=generator)
    torch.testing.assert_close(
        randomized_scores(levels, LEVELS, values, uniform),
        normal_scores(levels, LEVELS, values),
        atol=1e-6,
        rtol=0,
    )


def test_scores_of_right_counts_are_standard_normal() -> None:
    """Poisson counts of mean 1.2, forecast by a distribution that is linear between the counts."""
    generator = torch.Generator().manual_seed(0)
    rate, n = torch.tensor(1.2, dtype=torch.float64), 8_000
    counts = torch.poisson(rate.expand(n), generator=generator)
    k = torch.arange(20, dtype=torch.float64)
    below = torch.special.gammaincc(k + 1, rate.expand(20))  # P(count <= k)
    # The forecast's quantiles: the CDF goes through (k + 1/2, P(count <= k)) and (-1/2, 0).
    at = torch.cat([torch.tensor([-0.5], dtype=torch.float64), k + 0.5])
    cdf = torch.cat([torch.zeros(1, dtype=torch.float64), below])
    fine = tuple(i / 100 for i in range(1, 100))
    place = torch.searchsorted(cdf, torch.tensor(fine, dtype=torch.float64))
    low, high = cdf[place - 1], cdf[place]
    share = (torch.tensor(fine, dtype=torch.float64) - low) / (high - low)
    levels = [v.expand(n) for v in at[place - 1] + share]
    uniform = torch.rand(n, generator=generator)
    scores = randomized_scores(levels, fine, counts, uniform, whole=True)
    for q in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert abs(float((torch.special.ndtr(scores) < q).double().mean()) - q) < 0.015
    lowest = normal_scores(levels, fine, counts - 0.5)
    assert float((torch.special.ndtr(lowest) < 0.25).double().mean()) > 0.29  # not of a mass' foot

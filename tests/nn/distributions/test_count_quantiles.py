"""Quantiles of jittered counts: those of SciPy's distribution functions, rising, at any size."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tsconv.nn.distributions.count_quantiles import FEW, count_quantiles

LEVELS = (0.005, 0.1, 0.25, 0.5, 0.75, 0.9, 0.995)


def probability(
    x: torch.Tensor, mean: np.ndarray, alpha: np.ndarray | None, zero: float = 0.0
) -> np.ndarray:
    """The probability of a jittered count up to x, by SciPy."""
    v = x.double().numpy()
    k = np.ceil(v - 0.5)
    known = (
        stats.poisson(mean) if alpha is None else stats.nbinom(1 / alpha, 1 / (1 + alpha * mean))
    )
    found = known.cdf(k - 1) + known.pmf(k) * (v - k + 0.5)
    of_zero = np.where(k > 0, 1.0, v + 0.5)
    return zero * of_zero + (1 - zero) * found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_levels_are_those_of_scipy(dtype: torch.dtype) -> None:
    """To 1e-5 where probabilities are summed, and to 1e-3 above."""
    mean, alpha = (
        v.ravel() for v in np.meshgrid(np.geomspace(1e-6, 1e9, 41), np.geomspace(1e-6, 1e3, 13))
    )
    given_ = torch.tensor(mean, dtype=dtype), torch.tensor(alpha, dtype=dtype)
    for level, x in zip(LEVELS, count_quantiles(*given_, None, LEVELS), strict=True):
        error = np.abs(probability(x, mean, alpha) - level)
        assert error.max() < 1e-3
        assert error[x.numpy() < FEW - 1].max() < 1e-5
    for level, x in zip(LEVELS, count_quantiles(given_[0], None, None, LEVELS), strict=True):
        assert np.abs(probability(x, mean, None) - level).max() < 1e-3


@pytest.mark.parametrize("zero", [1e-3, 0.4, 0.97])
def test_zero_inflated_levels_are_those_of_the_mixture(zero: float) -> None:
    mean = np.geomspace(1e-3, 1e5, 60)
    share = torch.full((60,), zero, dtype=torch.float64).logit()
    alpha = np.full(60, 0.7)
    found = count_quantiles(torch.from_numpy(mean), torch.from_numpy(alpha), share, LEVELS)
    for level, x in zip(LEVELS, found, strict=True):
        assert np.abs(probability(x, mean, alpha, zero) - level).max() < 1e-3


def test_the_whole_number_quantile_is_scipys() -> None:
    mean = torch.tensor([0.01, 0.7, 3.0, 12.0, 29.0], dtype=torch.float64)
    alpha = torch.tensor([5.0, 0.2, 1.0, 0.01, 0.3], dtype=torch.float64)
    for level, x in zip(LEVELS, count_quantiles(mean, alpha, None, LEVELS), strict=True):
        expected = stats.nbinom.ppf(level, 1 / alpha, 1 / (1 + alpha * mean))
        assert (x - 0.5).ceil().tolist() == expected.tolist()


@given(
    mean=st.floats(-6, 9),
    alpha=st.floats(-6, 3),
    zero=st.floats(-30, 30),
    levels=st.lists(st.floats(1e-4, 1 - 1e-4), min_size=2, max_size=9, unique=True),
    inflated=st.booleans(),
)
@settings(max_examples=60)
def test_quantiles_rise_with_the_level(
    mean: float, alpha: float, zero: float, levels: list[float], inflated: bool
) -> None:
    given_ = [torch.tensor([v]) for v in (10**mean, 10**alpha, zero)]
    share = given_[2] if inflated else None
    x = torch.cat(count_quantiles(given_[0], given_[1], share, sorted(levels)))
    assert x.isfinite().all()
    assert (x >= -0.5).all()
    assert (x.diff() >= 0).all()


def test_an_element_does_not_depend_on_its_neighbours() -> None:
    """Bit for bit, though large counts take another way than small ones."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.exp(8 * torch.randn(400, generator=generator)).clamp(1e-6, 1e9)
    alpha = torch.exp(3 * torch.randn(400, generator=generator)).clamp(1e-6, 1e3)
    together = torch.stack(count_quantiles(mean, alpha, None, LEVELS))
    other = torch.where(torch.arange(400) < 200, mean, mean.flip(0))
    changed = torch.stack(count_quantiles(other, alpha, None, LEVELS))
    assert torch.equal(together[:, :200], changed[:, :200])
    assert not torch.equal(together[:, 200:], changed[:, 200:])

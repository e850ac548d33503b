"""Log-probabilities: those of SciPy, with right gradients, finite wherever counts may be."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tsconv.nn.distributions.counts import (
    log_prob_of,
    negative_binomial_log_likelihood,
    poisson_log_likelihood,
    zero_inflated_log_likelihood,
)
from tsconv.nn.distributions.log_gamma import log_factorial_rest, log_gamma_rest
from tsconv.nn.distributions.normal import normal_log_cdf, normal_log_prob, normal_quantile
from tsconv.nn.distributions.student_t import student_t_log_prob, student_t_quantile

COUNTS = torch.tensor([0, 1, 2, 7, 8, 50, 1e3, 1e6, 1e9], dtype=torch.float64)
GRADIENTS: dict[str, tuple[Callable[..., torch.Tensor], list[float]]] = {
    "poisson": (poisson_log_likelihood, [1.7]),
    "negative_binomial": (negative_binomial_log_likelihood, [1.7, 0.4]),
    "nearly_poisson": (negative_binomial_log_likelihood, [1.7, 0.05]),
    "zero_inflated": (
        lambda y, mean, alpha, zero: zero_inflated_log_likelihood(
            y, negative_binomial_log_likelihood(y, mean, alpha), zero
        ),
        [1.7, 0.4, -0.3],
    ),
    "normal": (normal_log_prob, [0.3, 1.2]),
    "student_t": (student_t_log_prob, [0.3, 1.2, 4.5]),
}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-5)])
def test_counts_have_the_probabilities_of_scipy(dtype: torch.dtype, tolerance: float) -> None:
    """In float32 too; SciPy itself loses digits where counts and sizes are large."""
    mean, alpha = (torch.from_numpy(np.geomspace(a, b, 25)) for a, b in ((1e-6, 1e9), (1e-6, 1e3)))
    y, m, a = torch.meshgrid(COUNTS, mean, alpha, indexing="ij")
    ours = log_prob_of(
        y.to(dtype), negative_binomial_log_likelihood(*(v.to(dtype) for v in (y, m, a)))
    )
    theirs = torch.from_numpy(stats.nbinom.logpmf(y, 1 / a, 1 / (1 + a * m)))
    torch.testing.assert_close(ours.double(), theirs, rtol=tolerance, atol=tolerance)
    y, m = torch.meshgrid(COUNTS, mean, indexing="ij")
    ours = log_prob_of(y.to(dtype), poisson_log_likelihood(y.to(dtype), m.to(dtype)))
    theirs = torch.from_numpy(stats.poisson.logpmf(y, m))
    torch.testing.assert_close(ours.double(), theirs, rtol=tolerance, atol=tolerance)


def test_a_tiny_alpha_is_poisson() -> None:
    mean = torch.tensor([0.3, 4.0, 700.0, 1e6])
    y = torch.tensor([0.0, 7.0, 650.0, 1.001e6])
    many = negative_binomial_log_likelihood(y, mean, torch.full_like(mean, 1e-12))
    torch.testing.assert_close(many, poisson_log_likelihood(y, mean), rtol=1e-4, atol=1e-4)


def test_zero_inflation_adds_its_share_of_zeros() -> None:
    y, mean = torch.arange(6.0, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)
    zero = torch.logit(torch.tensor(0.3, dtype=torch.float64))
    found = zero_inflated_log_likelihood(y, poisson_log_likelihood(y, mean), zero)
    expected = 0.7 * stats.poisson.pmf(y, 2.0) + 0.3 * (y.numpy() == 0)
    torch.testing.assert_close(log_prob_of(y, found).exp(), torch.from_numpy(expected))


def test_real_densities_are_those_of_scipy() -> None:
    y = torch.tensor([-1e3, -3, 0, 0.1, 5, 1e4], dtype=torch.float64)
    one = torch.ones_like(y)
    for df in (2.0, 3.3, 40.0, 1e6):
        ours = student_t_log_prob(y, 0.5 * one, 2 * one, df * one)
        torch.testing.assert_close(ours, torch.from_numpy(stats.t.logpdf(y, df, 0.5, 2.0)))
        ours = student_t_log_prob(y.float(), 0.5 * one.float(), 2 * one.float(), df * one.float())
        theirs = torch.from_numpy(stats.t.logpdf(y, df, 0.5, 2.0)).float()
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        normal_log_prob(y, 0.5 * one, 2 * one), torch.from_numpy(stats.norm.logpdf(y, 0.5, 2.0))
    )
    torch.testing.assert_close(
        normal_log_cdf(y, 0.5 * one, 2 * one), torch.from_numpy(stats.norm.logcdf(y, 0.5, 2.0))
    )


def test_real_quantiles_are_those_of_scipy() -> None:
    df = torch.from_numpy(np.append(np.geomspace(2.05, 200, 30), 1e6))
    zero, one = torch.zeros_like(df), torch.ones_like(df)
    for level in (0.005, 0.025, 0.1, 0.4, 0.5, 0.75, 0.9, 0.995):
        ours = student_t_quantile(zero, one, df, level)
        torch.testing.assert_close(
            ours, torch.from_numpy(stats.t.ppf(level, df)), rtol=1e-6, atol=0
        )
        ours = normal_quantile(one, 3 * one, level)
        torch.testing.assert_close(ours, 1 + 3 * one * stats.norm.ppf(level), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_right(name: str) -> None:
    function, parameters = GRADIENTS[name]
    y = torch.tensor([0.0, 1, 2, 9, 40], dtype=torch.float64)
    given = [torch.full_like(y, v).requires_grad_() for v in parameters]
    assert torch.autograd.gradcheck(lambda *p: function(y, *p), given)


@given(z=st.floats(1e-6, 1e12))
def test_the_rest_of_log_gamma_is_what_its_formula_says(z: float) -> None:
    at = torch.tensor(z, dtype=torch.float64)
    expected = torch.lgamma(at) - at * at.log() + at
    size = 1e-14 * float(at * at.log().abs()) + 1e-9
    torch.testing.assert_close(log_gamma_rest(at), expected, rtol=1e-9, atol=size)
    torch.testing.assert_close(
        log_factorial_rest(at), log_gamma_rest(at) + at.log(), rtol=1e-12, atol=1e-12
    )


@given(
    y=st.lists(st.integers(0, 10**9), min_size=1, max_size=8),
    mean=st.floats(-11, 9),
    alpha=st.floats(-6, 3),
    zero=st.floats(-60, 60),
)
@settings(max_examples=80)
def test_losses_and_gradients_of_counts_are_finite(
    y: list[int], mean: float, alpha: float, zero: float
) -> None:
    counts = torch.tensor([*y, 0, 10**9], dtype=torch.float32)
    given_ = [torch.full_like(counts, v).requires_grad_() for v in (10.0**mean, 10.0**alpha, zero)]
    negative_binomial = negative_binomial_log_likelihood(counts, given_[0], given_[1])
    poisson = poisson_log_likelihood(counts, given_[0])
    for found in (negative_binomial, poisson):
        inflated = zero_inflated_log_likelihood(counts, found, given_[2])
        for loss in (found, inflated):
            assert loss.isfinite().all()
            assert (log_prob_of(counts, loss) < 1e-3).all()
            gradients = torch.autograd.grad(
                loss.sum(), given_, retain_graph=True, allow_unused=True
            )
            assert all(g is None or g.isfinite().all() for g in gradients)

"""Poisson and negative binomial counts, zero-inflated or not: their log-likelihoods.

Each is computed from the mean, as Loader (2000, "Fast and accurate computation of binomial
probabilities") does it: as deviances, and small remainders of log Gamma. So float32 does for counts
up to 1e9. All leave out a term of the count alone, `log_factorial_rest(y)`, which is the same
whatever is forecast: the log-probability is the log-likelihood less this term.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from tsconv.nn.distributions.log_gamma import log_factorial_rest, log_gamma_rest


def poisson_log_likelihood(y: Tensor, mean: Tensor) -> Tensor:
    """Return the log-probability of counts y >= 0 plus `log_factorial_rest(y)`; mean > 0.

    >>> poisson_log_likelihood(torch.tensor([0.0, 2.0]), torch.tensor([2.0, 2.0]))
    tensor([-2., 0.])
    """
    above = y - mean
    return above - y * _log_ratio(y, mean, above)


def negative_binomial_log_likelihood(y: Tensor, mean: Tensor, alpha: Tensor) -> Tensor:
    """Return the log-probability of counts y >= 0 plus `log_factorial_rest(y)`.

    mean > 0; the variance is mean + alpha mean^2, alpha > 0 (NB2, Cameron & Trivedi 1986).

    >>> one = torch.ones(1)
    >>> negative_binomial_log_likelihood(0 * one, one, one)  # log 1/2
    tensor([-0.6931])
    """
    above, size = y - mean, 1 / alpha
    larger, whole = size + y, size + mean
    # y log(y / mean) - (size + y) log((size + y) / (size + mean)), of which y times a difference
    # of logarithms that nearly cancel is one logarithm.
    deviance = y * _log_ratio(y, mean, above, size / larger, size / whole)
    deviance = deviance - size * _log_ratio(larger, whole, above)
    return log_gamma_rest(larger) - log_gamma_rest(size) - deviance


def zero_inflated_log_likelihood(y: Tensor, log_likelihood: Tensor, zero: Tensor) -> Tensor:
    """Return the log-likelihood of counts of which a share is 0 whatever else holds.

    log_likelihood: of y, without that share; zero: the logit of the share. Source: Lambert 1992.

    >>> zero_inflated_log_likelihood(torch.zeros(1), torch.tensor([-50.0]), torch.zeros(1)).exp()
    tensor([0.5000])
    """
    kept = log_likelihood - F.softplus(zero)  # log(1 - share) + ...
    return torch.where(y > 0, kept, torch.logaddexp(-F.softplus(-zero), kept))


def log_prob_of(y: Tensor, log_likelihood: Tensor) -> Tensor:
    """Return the log-probability of counts, from their log-likelihood.

    >>> y = torch.tensor([3.0])
    >>> log_prob_of(y, poisson_log_likelihood(y, torch.tensor([2.0])))
    tensor([-1.7123])
    """
    return log_likelihood - log_factorial_rest(y)


def _log_ratio(
    a: Tensor,
    b: Tensor,
    difference: Tensor,
    less_up: Tensor | None = None,
    less_down: Tensor | None = None,
) -> Tensor:
    """log(a / b) from a - b, exact where they are close; a number where a is 0.

    less_up, less_down: what (a - b) / b and (b - a) / a are multiplied by; None: 1.
    """
    up = difference > 0
    # Chosen before the logarithm: of the other branch no gradient may be infinite.
    of_up, of_down = difference / b, -difference / torch.where(a > 0, a, 1)
    if less_up is not None and less_down is not None:
        of_up, of_down = of_up * less_up, of_down * less_down
    log = torch.log1p(torch.where(up, of_up, of_down))
    return torch.where(up, log, -log)

"""Quantiles of counts between whole numbers: of y + u, with u uniform between -1/2 and 1/2."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.nn.distributions.large_counts import large_count_quantile

FEW = 32  # counts whose probabilities are summed one by one
_BLOCK = 1 << 15  # elements at once on a processor: they stay in its cache
_BLOCK_OF_DEVICE = 1 << 22


def count_quantiles(
    mean: Tensor, alpha: Tensor | None, zero: Tensor | None, levels: Sequence[float]
) -> tuple[Tensor, ...]:
    """Return the quantiles of jittered counts at each of the levels, without a gradient.

    The quantile x of y + u, with u uniform between -1/2 and 1/2, is the piecewise linear
    interpolation of the distribution function of y through (k + 1/2, P(y <= k)); the whole-number
    quantile of y is ceil(x - 1/2). So levels stay apart, and may be averaged and interpolated.
    (Jittering: Machado & Santos Silva 2005.) Up to 31, probabilities are summed; above, a smooth
    approximation takes their place, whose levels are right to 5e-4.

    Args:
        mean: > 0, of any shape.
        alpha: of the same shape, > 0, of the negative binomial with variance mean + alpha mean^2;
            None: Poisson.
        zero: the logit of the share that is 0 whatever else holds; None: there is none.
        levels: between 0 and 1, rising.

    >>> x = torch.cat(count_quantiles(torch.tensor([3.0]), None, None, (0.1, 0.5, 0.9)))
    >>> [round(v, 2) for v in x.tolist()], (x - 0.5).ceil().tolist()
    ([0.84, 2.84, 5.34], [1.0, 3.0, 5.0])
    """
    with torch.no_grad():
        size = _BLOCK if mean.device.type == "cpu" else _BLOCK_OF_DEVICE
        given = [None if v is None else v.flatten() for v in (mean, alpha, zero)]
        flat, a, z = given
        assert flat is not None
        found = flat.new_empty(len(levels), len(flat))
        for begin in range(0, len(flat), size):
            part = slice(begin, begin + size)
            own = [None if v is None else v[part] for v in (a, z)]
            found[:, part] = _block(flat[part], own[0], own[1], levels)
        return tuple(v.view(mean.shape) for v in found)


def _block(
    mean: Tensor, alpha: Tensor | None, zero: Tensor | None, levels: Sequence[float]
) -> Tensor:
    """The quantiles of a block (N,): (Q, N)."""
    first, ratio, slope = _recursion(mean, alpha)
    wanted = [torch.full_like(mean, level) for level in levels]
    if zero is not None:
        share = torch.sigmoid(zero)
        rest = torch.sigmoid(-zero)
        of_zero = share + rest * first
        least = [torch.full_like(mean, level) / of_zero for level in levels]
        wanted = [(level - share) / rest for level in levels]
    found = [torch.full_like(mean, -0.5) for _ in levels]
    below, probability = torch.zeros_like(mean), first
    most = max(float(w.max()) for w in wanted) if len(mean) else 0.0
    for k in range(FEW):
        inverse = 1 / probability.clamp_min(1e-37)
        for x, level in zip(found, wanted, strict=True):
            x += ((level - below) * inverse).clamp_(0, 1)
        below = below + probability
        probability = probability * ((ratio + slope * k) / (k + 1))
        if k % 4 == 3 and float(below.min()) >= most:  # what would follow adds 0
            break
    rising = torch.full_like(mean, -0.5)
    for q, (x, level) in enumerate(zip(found, wanted, strict=True)):
        (beyond,) = torch.nonzero(level > below, as_tuple=True)
        if len(beyond):
            own = None if alpha is None else alpha[beyond]
            x[beyond] = large_count_quantile(mean[beyond], own, level[beyond]).clamp_min(FEW - 0.5)
        if zero is not None:
            x = torch.where(least[q] < 1, least[q] - 0.5, x)
        rising = torch.maximum(rising, x)
        found[q] = rising
    return torch.stack(found)


def _recursion(mean: Tensor, alpha: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """P(0), and (r, s) with P(k + 1) = P(k) (r + s k) / (k + 1); see Johnson et al. 2005."""
    if alpha is None:
        return torch.exp(-mean), mean, torch.zeros_like(mean)
    spread = alpha * mean
    ratio = mean / (1 + spread)
    return torch.exp(-torch.log1p(spread) / alpha), ratio, spread / (1 + spread)

"""Normal scores of values that several levels share: drawn evenly from those between them.

Where a forecast has a mass at one value, such as the zeros of a count, that value has no one place
in it. The randomized probability integral transform (Smith 1985, Diagnostic checks of non-standard
time series models) draws one, so that the scores of a right forecast are standard normal again.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tsconv.calibration.knots import normal_scores


def randomized_scores(
    levels: Sequence[Tensor],
    quantiles: Sequence[float],
    values: Tensor,
    uniform: Tensor,
    whole: bool = False,
) -> Tensor:
    """Where values lie in forecasts, as `normal_scores`, at random within a mass.

    levels, quantiles, values: as `normal_scores` takes them. uniform: of the shape of values, from
    0 to 1, which decides. whole: whether values are whole numbers, which a forecast x stands for
    between x - 1/2 and x + 1/2.

    >>> levels = [torch.zeros(3), torch.zeros(3), torch.ones(3)]  # 0 in half of all cases
    >>> at = torch.tensor([0.1, 0.5, 0.9])
    >>> scores = randomized_scores(levels, [0.1, 0.5, 0.9], torch.zeros(3), at)
    >>> torch.special.ndtr(scores)
    tensor([0.1400, 0.3000, 0.4600], dtype=torch.float64)
    """
    half = 0.5 if whole else 0.0
    low = normal_scores(levels, quantiles, values.double() - half)
    # The highest level at a value is the lowest of the forecast upside down.
    flipped = [1 - q for q in reversed(quantiles)]
    high = -normal_scores([-v for v in reversed(levels)], flipped, -(values.double() + half))
    bottom, top = torch.special.ndtr(low), torch.special.ndtr(high)
    drawn = torch.special.ndtri(bottom + uniform.double() * (top - bottom))
    return torch.where(high > low, torch.minimum(torch.maximum(drawn, low), high), low)

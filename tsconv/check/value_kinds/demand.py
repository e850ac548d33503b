"""Demand: how often a series has a value that is not 0, and how much these vary."""

from __future__ import annotations

import dataclasses

import numpy as np

from tsconv.check.tables.array_types import Floats

_ADI, _CV2 = 1.32, 0.49  # Syntetos, Boylan and Croston 2005


@dataclasses.dataclass(frozen=True)
class Demand:
    """The two figures by which demand is classified, of one series without negative values."""

    interval: float  # steps from one value that is not 0 to the next, on average (ADI)
    variation: float  # squared coefficient of variation of the values that are not 0 (CV2)

    @property
    def kind(self) -> str:
        """Smooth, erratic, intermittent or lumpy, by the limits 1.32 and 0.49.

        >>> Demand(interval=2.0, variation=0.1).kind
        'intermittent'
        """
        names = (("smooth", "erratic"), ("intermittent", "lumpy"))
        return names[self.interval >= _ADI][self.variation >= _CV2]


def demand_of(values: Floats) -> Demand | None:
    """Classify (n,) observed values of a series; None where all are 0 or some are negative.

    >>> demand_of(np.array([0.0, 3.0, 0.0, 3.0]))
    Demand(interval=2.0, variation=0.0)
    """
    sold = values[values > 0]
    if len(sold) == 0 or (values < 0).any():
        return None
    return Demand(len(values) / len(sold), float(np.var(sold) / np.mean(sold) ** 2))


def excess_zeros(values: Floats, season: int = 1) -> float:
    """The share of zeros beyond what a negative binomial of the same mean and variance has.

    Zeros that come with the season, as of a shop that closes on Sundays, are none of them.

    values: (n,) counts of a series, NaN where missing. season: steps; 1 for none.

    >>> excess_zeros(np.array([0.0, 20.0, 22.0, 0.0, 19.0, 0.0, 0.0, 21.0] * 20)) > 0.2
    True
    """
    seen = values[~np.isnan(values)]
    if len(seen) == 0 or seen.mean() == 0:
        return 0.0
    zero = (seen == 0).astype(float)
    if season > 1 and zero.var() > 0:
        phase = (np.arange(len(values)) % season)[~np.isnan(values)]
        counts = np.maximum(np.bincount(phase, minlength=season), 1)
        by_phase = np.bincount(phase, weights=zero, minlength=season) / counts
        if by_phase[phase].var() > 0.5 * zero.var():
            return 0.0
    mean, variance = float(seen.mean()), float(seen.var())
    alpha = max(0.0, (variance - mean) / mean**2)
    expected = np.exp(-mean if alpha < 1e-9 else -np.log1p(alpha * mean) / alpha)
    return float(zero.mean() - expected)

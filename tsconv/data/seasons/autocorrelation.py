"""Autocorrelation of series with missing values, averaged over several series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def correlation_at(series: Sequence[Floats], lags: Sequence[int]) -> dict[int, float | None]:
    """Mean autocorrelation around the trend at given lags; None where series are too short.

    series: each (T,), NaN where missing; lags: in steps.

    >>> correlations = correlation_at([np.tile([0.0, 1.0], 50)], [2, 80])
    >>> round(correlations[2], 1), correlations[80]
    (1.0, None)
    """
    fit = [lag for lag in lags if any(len(x) >= 2 * lag + 2 for x in series)]
    if not fit:
        return dict.fromkeys(lags)
    r = mean_correlation([detrend(x) for x in series], max(fit))
    return {lag: float(r[lag]) if lag in fit else None for lag in lags}


def mean_correlation(series: Sequence[Floats], longest: int) -> Floats:
    """(longest + 1,) autocorrelation at lags 0, 1, ..., averaged over series.

    Skips missing values, and the lags at which a series has few pairs. By the Wiener-Khinchin
    theorem: products at all lags from the power spectrum of the zero-padded series.
    """
    total, weight = np.zeros(longest + 1), np.zeros(longest + 1)
    for x in series:
        observed = ~np.isnan(x)
        filled = np.where(observed, x, 0)
        size = 1 << int(2 * len(x) - 1).bit_length()
        both = np.fft.rfft(np.stack([filled, observed.astype(float)]), size)
        product, pairs = np.fft.irfft(np.abs(both) ** 2, size)[:, : min(len(x), longest + 1)]
        pairs = np.round(pairs)
        variance = product[0] / max(1.0, pairs[0])
        if variance <= 0:
            continue
        use = pairs >= max(4, 0.1 * pairs[0])
        k = len(use)
        total[:k] += np.where(use, product / np.maximum(pairs, 1) / variance, 0)
        weight[:k] += use
    return np.where(weight > 0, total / np.maximum(weight, 1), 0)


def detrend(x: Floats) -> Floats:
    """Subtract the straight line that fits a series best."""
    t = np.arange(len(x), dtype=float)
    observed = ~np.isnan(x)
    slope, level = np.polyfit(t[observed] / len(x), x[observed], 1)
    trend: Floats = level + slope * t / len(x)
    return x - trend

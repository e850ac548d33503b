"""Autocorrelation of series with missing values, the mean over several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def correlation_at(series: Sequence[Floats], lags: Sequence[int]) -> dict[int, float | None]:
    """Mean autocorrelation around the trend at given lags; None where series are too short."""
    fit = [lag for lag in lags if any(len(x) >= 2 * lag + 2 for x in series)]
    if not fit:
        return dict.fromkeys(lags)
    r = mean_correlation([detrended(x) for x in series], max(fit))
    return {lag: float(r[lag]) if lag in fit else None for lag in lags}


def mean_correlation(series: Sequence[Floats], longest: int) -> Floats:
    """(longest + 1,) autocorrelation at lags 0.., missing values skipped, the mean over series."""
    total, weight = np.zeros(longest + 1), np.zeros(longest + 1)
    for x in series:
        m = ~np.isnan(x)
        z = np.where(m, x, 0)
        size = 1 << int(2 * len(x) - 1).bit_length()
        both = np.fft.rfft(np.stack([z, m.astype(float)]), size)
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


def detrended(x: Floats) -> Floats:
    """Less its straight line."""
    t = np.arange(len(x), dtype=float)
    m = ~np.isnan(x)
    slope, level = np.polyfit(t[m] / len(x), x[m], 1)
    return x - (level + slope * t / len(x))

"""Forecasts rounded to what the data carry."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_DIGITS = 7  # significant ones: a network's float32 arithmetic carries no more
Values = npt.NDArray[np.float64]


def round_to_data(forecasts: Values, decimals: int | None) -> Values:
    """Forecasts with one decimal more than the data, and never more than 7 significant digits.

    >>> round_to_data(np.array([12.3456, 123456.78]), 0).tolist()
    [12.3, 123456.8]
    >>> round_to_data(np.array([12.3456789]), None).tolist()
    [12.34568]
    """
    size = np.abs(forecasts)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.where(size > 0, np.floor(np.log10(size)), 0)
    exponent = np.nan_to_num(exponent)
    places = _DIGITS - 1 - exponent
    if decimals is not None:
        places = np.minimum(places, decimals + 1)
    out = forecasts.copy()
    for place in np.unique(places):
        some = places == place
        out[some] = np.round(forecasts[some], int(place))
    return out

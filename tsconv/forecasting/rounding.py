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
    return _rounded(forecasts, places_of(forecasts, decimals))


def places_of(forecasts: Values, decimals: int | None) -> Values:
    """The decimals that `round_to_data` leaves each forecast, below 0 for tens and hundreds.

    >>> places_of(np.array([12.3456, 123456.78]), None).tolist()
    [5.0, 1.0]
    """
    size = np.abs(forecasts)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.where(size > 0, np.floor(np.log10(size)), 0)
    exponent = np.nan_to_num(exponent)
    places = _DIGITS - 1 - exponent
    if decimals is not None:
        places = np.minimum(places, decimals + 1)
    return places


def round_parts(parts: Values, totals: Values, decimals: int | None) -> Values:
    """Parts rounded so that they add up to the totals, as `round_to_data` rounds these.

    parts: (..., n) that add up to totals: (...). Each becomes the difference of two rounded sums,
    of the parts up to it and before it, so that no part is off by more than one unit of the last
    place and their errors do not add up; what float32 arithmetic left over goes to the last part.

    >>> round_parts(np.array([[0.34, 0.33, 0.33]]), np.array([1.0]), 0).tolist()
    [[0.3, 0.4, 0.3]]
    """
    places = places_of(totals, decimals)
    sums = np.cumsum(parts, axis=-1)
    sums[..., -1] = totals
    each = np.broadcast_to(places[..., None], sums.shape)
    return _rounded(np.diff(_rounded(sums, each), axis=-1, prepend=0.0), each)


def _rounded(values: Values, places: Values) -> Values:
    out = values.copy()
    for place in np.unique(places):
        some = places == place
        out[some] = np.round(values[some], int(place))
    return out

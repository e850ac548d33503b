"""How many decimals the values of a column carry."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MOST_DECIMALS = 6


def decimals_of(values: npt.NDArray[np.float64], at_least: int | None = 0) -> int | None:
    """The decimals with which (N,) values are written; None for more than six.

    at_least: what other values of the same column have, to go through a column piece by piece.

    >>> decimals_of(np.array([3.0, 2.5, np.nan])), decimals_of(np.array([1 / 3]))
    (1, None)
    """
    if at_least is None:
        return None
    seen = values[~np.isnan(values)]
    for decimals in range(at_least, _MOST_DECIMALS + 1):
        scaled = seen * 10.0**decimals
        if (np.abs(scaled - np.round(scaled)) <= 1e-9 * np.maximum(1, np.abs(scaled))).all():
            return decimals
    return None

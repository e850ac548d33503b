"""How many decimals the values of a column carry."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MOST_DECIMALS = 6
_BLOCK = 1 << 16


def decimals_of(values: npt.NDArray[np.float64], at_least: int | None = 0) -> int | None:
    """The decimals with which (N,) values are written; None for more than six.

    at_least: what other values of the same column have, to go through a column piece by piece.

    >>> decimals_of(np.array([3.0, 2.5, np.nan])), decimals_of(np.array([1 / 3]))
    (1, None)
    """
    if at_least is None:
        return None
    decimals = at_least
    for begin in range(0, len(values), _BLOCK):  # what is made of a block stays in a core's cache
        block = values[begin : begin + _BLOCK]
        block = block[~np.isnan(block)]
        while not _has_decimals(block, decimals):
            decimals += 1
            if decimals > _MOST_DECIMALS:
                return None
    return decimals


def _has_decimals(seen: npt.NDArray[np.float64], decimals: int) -> bool:
    scaled = seen * 10.0**decimals
    away = np.abs(scaled - np.round(scaled))
    return bool((away <= 1e-9 * np.maximum(1, np.abs(scaled))).all())

"""Arrays of numbers as deltas of fixed-point integers, which compress well.

An array is `[exponent, delta, delta, ...]`: the running sum of the deltas times 10**-exponent is
the value. Null stays null and leaves the sum as it is. The exponent keeps as many steps within
the range of the values as a chart can show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

PackedArray = list[int | None]

_LARGEST_INTEGER = 2.0**53  # beyond it JavaScript's numbers skip integers


def pack_numbers(values: Sequence[float | None], levels: int = 4000) -> PackedArray:
    """Pack numbers as an exponent and the deltas of fixed-point integers.

    values: finite numbers, None where there is none. levels: steps within the range from the 5% to
    the 95% quantile; integers are kept as they are where the range has fewer.

    >>> pack_numbers([1.25, 1.5, None, 1.75], levels=100)
    [3, 1250, 250, None, 250]
    """
    numbers = np.array([math.nan if v is None else v for v in values], dtype=np.float64)
    there = np.isfinite(numbers)
    known = numbers[there]
    exponent = _exponent(known, levels)
    integers = np.rint(known * 10.0**exponent).astype(np.int64)
    deltas: list[int] = np.diff(integers, prepend=0).tolist()
    if known.size == numbers.size:
        return [exponent, *deltas]
    found = iter(deltas)
    return [exponent, *(next(found) if it else None for it in there.tolist())]


def _exponent(known: np.ndarray, levels: int) -> int:
    if not known.size:
        return 0
    ordered = np.sort(known)
    most = known.size - 1
    spread = float(ordered[round(0.95 * most)] - ordered[round(0.05 * most)])
    largest = max(abs(float(ordered[0])), abs(float(ordered[-1])))
    spread = spread or float(ordered[-1] - ordered[0]) or largest
    if not spread:
        return 0
    exponent = math.ceil(math.log10(levels) - math.log10(spread))
    exponent = min(exponent, math.floor(math.log10(_LARGEST_INTEGER) - math.log10(largest)))
    return 0 if exponent > 0 and bool(np.all(known == np.round(known))) else exponent

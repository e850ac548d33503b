"""No file of forecasts holds a number that is not finite: the first one is named instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tsconv.errors import DataError


def require_finite(
    forecasts: Mapping[str, npt.NDArray[np.float64]], keys: Mapping[str, Any]
) -> None:
    """Raise DataError where a forecast is NaN or infinite, naming the line by its keys.

    forecasts: (lines,) by the name of the column. keys: the series, the time and whatever else
    stands in front of them, as long.

    >>> keys = {"store": ["a", "b"], "day": ["2024-01-31", "2024-01-31"]}
    >>> require_finite({"tsconv": np.array([1.0, np.inf])}, keys)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tsconv.errors.DataError: the forecast `tsconv` of store b, day 2024-01-31 is inf: ...
    """
    for name, values in forecasts.items():
        wrong = ~np.isfinite(values)
        if wrong.any():
            line = int(wrong.argmax())
            where = ", ".join(f"{key} {_shown(column, line)}" for key, column in keys.items())
            raise DataError(
                f"the forecast `{name}` of {where} is {values[line]}: nothing was written; look "
                f"for values out of the ordinary in the last steps and the covariates of the "
                f"series, or leave it out"
            )


def _shown(column: Any, line: int) -> str:
    """A key of a line; a day without its midnight."""
    text = str(np.asarray(column)[line])
    return text.removesuffix("T00:00:00.000000")

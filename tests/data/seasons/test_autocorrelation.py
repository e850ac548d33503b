"""Autocorrelation agrees with its definition."""

import numpy as np
import pytest

from tests.helpers.checks import waves
from tsconv.data.seasons.autocorrelation import correlation_at


def test_correlation_is_that_of_the_definition() -> None:
    x = waves(200, {7: 1.0}, 0.5)
    line = np.polyval(np.polyfit(np.arange(200), x, 1), np.arange(200))
    y = x - line
    naive = (y[7:] * y[:-7]).mean() / (y**2).mean()
    got = correlation_at([x], [7, 150])
    assert got[7] == pytest.approx(naive)
    assert got[150] is None, "too short to tell"

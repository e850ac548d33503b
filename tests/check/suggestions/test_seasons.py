"""Periods are found where there are some, and none where there are none."""

import numpy as np
import pytest

from tests.helpers.checks import waves
from tests.helpers.frames import daily_frame
from tsconv.check.suggestions.seasons import find_periods, sample_stretches
from tsconv.config.schema import DataConfig
from tsconv.data.panel.panel import build_panel
from tsconv.data.reading.read import table_from_frame


def found(*series: np.ndarray) -> list[int]:
    return [s.period for s in find_periods(series)]


@pytest.mark.parametrize("noise", [0.3, 1.0])
@pytest.mark.parametrize("periods", [(24, 168), (7, 30), (12, 60)])
def test_two_periods_in_noise(periods: tuple[int, int], noise: float) -> None:
    both = {periods[0]: 1.0, periods[1]: 0.8}
    series = [waves(15 * periods[1], both, noise, seed) for seed in range(4)]
    got = found(*series)
    # Where the longer is no multiple of the shorter, no profile holds both at once.
    for period in periods:
        assert any(abs(p - period) <= 0.04 * period for p in got), got


def test_a_trend_and_missing_values_do_not_hide_a_period() -> None:
    x = waves(400, {12: 1.0}, 0.5) + 0.05 * np.arange(400)
    x[np.random.default_rng(1).random(400) < 0.25] = np.nan
    assert found(x) == [12]


def test_a_profile_of_two_humps_is_one_period() -> None:
    day = np.tile([0, 1, 3, 1, 0, 0, 2, 0.5], 60) + waves(480, {}, 0.2)
    assert found(day) == [4, 8], "half of it explains half"


@pytest.mark.parametrize("n", [60, 300, 2000])
@pytest.mark.parametrize("seed", range(4))
def test_noise_and_random_walks_have_none(n: int, seed: int) -> None:
    noise = waves(n, {}, 1.0, seed)
    assert found(noise) == []
    assert found(noise.cumsum()) == []


def test_short_and_flat_series_are_no_trouble() -> None:
    assert find_periods([]) == []
    assert find_periods([np.arange(5.0)]) == []
    assert find_periods([np.arange(50.0)]) == []


def test_the_sample_is_bounded_and_repeatable() -> None:
    panel = build_panel(table_from_frame(daily_frame(130, 20), DataConfig()))
    first, again = sample_stretches(panel), sample_stretches(panel)
    assert len(first) == 100
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    flat = daily_frame(1, 20).assign(y=2.0)
    assert sample_stretches(build_panel(table_from_frame(flat, DataConfig()))) == []

"""Periods are found where there are some, and none where there are none."""

import numpy as np
import pytest

from tests.helpers.checks import waves
from tsconv.data.seasons.periods import find_periods


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


@pytest.mark.parametrize(
    ("periods", "cycles", "usual"),
    [
        ((24,), 120, (24, 168, 8760)), ((24, 168), 104, (24, 168, 8760)),
        ((48, 336), 60, (48, 336)), ((12,), 40, (12,)), ((7,), 120, (7, 365)),
        ((52,), 12, (52,)), ((365,), 5, (7, 365)),
    ],
)  # fmt: skip
def test_usual_seasons_beside_slow_noise(
    periods: tuple[int, ...], cycles: int, usual: tuple[int, ...]
) -> None:
    """Seasons of days, weeks and years are found; weather that lasts is none."""
    n = cycles * periods[0]
    slow = np.convolve(waves(n + 60, {}, 1.0, 5), 0.9 ** np.arange(60), "valid")[:n]
    series = waves(n, dict.fromkeys(periods, 1.5), 0.3) + 0.3 * slow
    assert [s.period for s in find_periods([series], usual)] == list(periods)


@pytest.mark.parametrize("seed", range(3))
def test_hours_of_a_year_have_no_odd_seasons(seed: int) -> None:
    """Neither harmonics of a year nor near multiples of a week, such as 361 or 602 hours."""
    n = 8760
    slow = np.convolve(waves(n + 400, {}, 1.0, seed), 0.985 ** np.arange(400), "valid")[:n]
    year = 8 * np.sin(2 * np.pi * np.arange(n) / 8760) + 2 * np.sin(2 * np.pi * np.arange(n) / 361)
    series = waves(n, {24: 5.0}, 0.5, seed) + year + 0.4 * slow
    assert [s.period for s in find_periods([series], (24, 168, 8760))] == [24]


@pytest.mark.parametrize("slope", [0.1, -0.7, 3.3, 1e6])
@pytest.mark.parametrize("n", [20, 60, 90, 200, 1000])
def test_a_straight_line_has_no_period(n: int, slope: float) -> None:
    """What is left of it is rounding, which repeats."""
    assert found(slope * np.arange(n) + 5.5) == []
    assert found(*(k * slope * np.arange(n) + 5.5 for k in range(1, 6))) == []


@pytest.mark.parametrize("unit", [1e-300, 2.0**-40, 3.0, 1e300])
def test_units_do_not_count(unit: float) -> None:
    """Each series may have its own."""
    series = [waves(400, {12: 1.0}, 0.5, seed) for seed in range(3)]
    expected = find_periods(series)
    assert [s.period for s in expected] == [12]
    with np.errstate(all="raise", under="ignore"):
        assert find_periods([unit * series[0], *series[1:]]) == expected
        assert find_periods([unit * x for x in series]) == expected

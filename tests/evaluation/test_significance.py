"""The test of equal accuracy: its level and power by simulation, its invariances, its gaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal, stats

from tsconv.errors import ConfigError
from tsconv.evaluation.significance import adjusted, compare, compare_many, overlap_of, pool

Array = NDArray[np.float64]


def overlapping(repeats: int, n: int, horizon: int, seed: int, shocks: str = "normal") -> Array:
    """Differentials whose mean is 0, each the mean of `horizon` shocks in a row: (repeats, n)."""
    rng = np.random.default_rng(seed)
    shape = (repeats, n + horizon - 1)
    x = rng.standard_t(5, shape) if shocks == "t5" else rng.normal(size=shape)
    if shocks == "skewed":
        x = x**2 - 1
    sums = np.cumsum(np.pad(x, ((0, 0), (1, 0))), 1)
    return (sums[:, horizon:] - sums[:, :-horizon]) / horizon


def forecast_errors(repeats: int, n: int, horizon: int, seed: int) -> Array:
    """|error| of an AR(1)'s last value less that of its mean, from every origin; centred."""
    rng = np.random.default_rng(seed)
    shocks = rng.normal(size=(repeats, 100 + n + horizon))
    x = signal.lfilter([1], [1, -0.8], shocks, axis=1)
    origins = x[:, 100 : 100 + n]
    total = np.zeros((repeats, n))
    for k in range(1, horizon + 1):
        later = x[:, 100 + k : 100 + k + n]
        total += np.abs(later - origins) - np.abs(later)
    return (total - total.mean()) / horizon


@pytest.mark.parametrize(
    ("horizon", "n", "shocks"),
    [
        (1, 400, "normal"),
        (1, 400, "t5"),
        (7, 400, "skewed"),
        (24, 1000, "t5"),
        (96, 2785, "normal"),
    ],
)
def test_equal_forecasters_are_told_apart_in_5_of_100_cases(
    horizon: int, n: int, shocks: str
) -> None:
    repeats = 12_000 if n < 500 else 5_000
    found = compare_many(overlapping(repeats, n, horizon, 1, shocks), horizon)
    assert 0.04 <= (found.p_value < 0.05).mean() <= 0.06


def test_the_level_holds_for_errors_of_forecasts() -> None:
    """Skewed, and dependent beyond the horizon; a rectangular kernel is wrong in 12 of 100."""
    found = compare_many(forecast_errors(6000, 730, 7, 0), 7)
    assert 0.04 <= (found.p_value < 0.05).mean() <= 0.06


def test_a_difference_is_found() -> None:
    """Of 2.8 standard errors, which one who knew them would find in 80 of 100 cases; of 6, all."""
    d = overlapping(3000, 2000, 24, 2)
    for distance, least in ((2.8, 0.72), (6, 0.99)):
        found = compare_many(d + distance * d.mean(1).std(), 24)
        assert (found.p_value < 0.05).mean() > least
        assert (found.mean > 0).mean() > 0.99


def test_the_standard_error_is_that_of_the_mean() -> None:
    d = overlapping(2000, 2000, 24, 3)
    error = compare_many(d, 24).standard_error
    assert (error**2).mean() ** 0.5 == pytest.approx(d.mean(1).std(), rel=0.05)


def test_by_hand() -> None:
    """One row against the formulas, written plainly."""
    n, nu, most = 250, 5, 19  # .15 and .5 times 250^(2/3) = 39.7
    d = np.random.default_rng(4).exponential(size=n) - 0.9
    u = d - d.mean()
    t = np.arange(n) + 0.5
    b = [np.sqrt(2 / n) * (u * np.cos(np.pi * j * t / n)).sum() for j in range(1, most + 1)]
    error = np.sqrt(np.mean(np.square(b[:nu])) / n)
    z = [0, *(np.array(b) / np.sqrt(np.mean(np.square(b))))]
    pairs = [(j, k) for j in range(1, most) for k in range(j, most + 1 - j)]
    skewness = 2**0.5 * np.mean([z[j] * z[k] * z[j + k] for j, k in pairs])
    noise = 2 / len(pairs) ** 2 * sum(1 + (j == k) for j, k in pairs)
    x = d.mean() / error
    assert abs(x) < 3
    hall = x + skewness / 3 * x**2 + skewness**2 / 27 * x**3 + skewness / 6
    slope = stats.t.ppf(0.975, nu) ** 2 / 3 + 1 / 6
    expected = hall / np.sqrt(1 + noise * (1.25 * slope) ** 2)
    found = compare(d, 1)
    assert found is not None
    assert (found.n, found.degrees_of_freedom) == (n, nu)
    assert found.mean == pytest.approx(d.mean())
    assert found.standard_error == pytest.approx(error)
    assert found.statistic == pytest.approx(expected)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(expected), nu))


@given(st.floats(1e-6, 1e6), st.integers(0, 1000))
def test_units_change_nothing_and_exchange_changes_the_sign(scale: float, seed: int) -> None:
    d = np.random.default_rng(seed).exponential(size=300) - 0.8
    first, scaled, turned = (compare(x, 3) for x in (d, scale * d, -d))
    assert first is not None
    assert scaled is not None
    assert turned is not None
    assert scaled.p_value == pytest.approx(first.p_value)
    assert scaled.mean == pytest.approx(scale * first.mean)
    assert turned.p_value == pytest.approx(first.p_value)
    assert turned.statistic == pytest.approx(-first.statistic)
    assert turned.mean == pytest.approx(-first.mean)


def test_a_larger_difference_has_no_larger_p_value() -> None:
    d = np.random.default_rng(5).exponential(size=400)
    found = compare_many(d - d.mean() + np.linspace(-1, 1, 201)[:, None], 1)
    steps = np.diff(found.statistic)
    assert (steps > 0).all()
    assert max(found.p_value[0], found.p_value[-1]) < 1e-4


def test_nothing_is_said_of_forecasters_that_do_not_differ() -> None:
    assert compare(np.zeros(1000), 1) is None
    assert compare(np.full(1000, 0.1), 1) is None
    found = compare_many(np.full((2, 1000), 0.1), 1)
    assert np.isnan(found.p_value).all()
    assert found.mean == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize(
    ("n", "overlap", "said"),
    [(192, 1, False), (193, 1, True), (2399, 96, False), (2400, 96, True)],
)
def test_nothing_is_said_of_too_few_origins(n: int, overlap: int, said: bool) -> None:
    d = np.random.default_rng(0).normal(size=n)
    assert (compare(d, overlap) is not None) == said


@pytest.mark.parametrize("d", [[], [np.nan] * 500, [1.0], [np.inf, *range(500)]])
def test_nothing_is_said_of_no_data(d: list[float]) -> None:
    assert compare(d, 1) is None


def test_dates_without_a_pair_do_not_count() -> None:
    d = np.random.default_rng(6).normal(size=900)
    gaps = np.insert(d, [0, 300, 300, 900], np.nan)
    found = compare(gaps, 5)
    assert found == compare(d, 5)
    assert found is not None
    assert found.n == 900
    weights = np.insert(np.ones(900), [0, 300, 300, 900], [7, 1, 0, 3])
    assert compare(gaps, 5, weights) == found
    other = compare(np.insert(d, 300, 99.0), 5, np.insert(np.ones(900), 300, 0))
    assert other is not None
    assert other.p_value == pytest.approx(found.p_value, rel=1e-9)


def test_weights_are_those_of_the_mean_and_hold_the_level() -> None:
    """Series come in over time: the later dates have more of them, and less noise."""
    weights = np.repeat([1.0, 4.0, 16.0], 400)
    d = overlapping(6000, 1200, 7, 7) / np.sqrt(weights)
    found = compare_many(d, 7, weights)
    assert found.mean == pytest.approx(d @ weights / weights.sum())
    assert 0.04 <= (found.p_value < 0.05).mean() <= 0.06
    doubled = compare_many(d[:5], 7, 2 * weights)
    assert doubled.p_value == pytest.approx(found.p_value[:5])


def test_nothing_is_said_where_a_few_dates_have_all_the_weight() -> None:
    weights = np.where(np.arange(1000) < 50, 1e6, 1)
    assert compare(np.random.default_rng(0).normal(size=1000), 1, weights) is None


def test_many_are_as_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    d = overlapping(6, 700, 7, 8)
    d[1, 100:150] = np.nan
    d[2] = 0
    d[3, :600] = np.nan
    monkeypatch.setattr("tsconv.evaluation.significance._VALUES_AT_ONCE", 2 * 700)
    found = compare_many(d, 7)
    for i, row in enumerate(d):
        alone = compare(row, 7)
        assert (alone is None) == (found.degrees_of_freedom[i] == 0) == np.isnan(found.p_value[i])
        if alone is not None:
            assert alone.p_value == pytest.approx(found.p_value[i], rel=1e-9)
            assert alone.degrees_of_freedom == found.degrees_of_freedom[i]
    assert [i for i in range(6) if np.isnan(found.p_value[i])] == [2, 3]


def test_a_common_shock_is_not_taken_for_many_series() -> None:
    """Ten series that move together say no more than one."""
    common = overlapping(4000, 400, 7, 9)
    own = 0.1 * np.random.default_rng(9).normal(size=(10, 400))
    own -= own.mean()
    found = compare_many(np.stack([pool(row + own)[0] for row in common]), 7)
    assert 0.04 <= (found.p_value < 0.05).mean() <= 0.06


def test_pool_weighs_by_counts() -> None:
    mean, weights = pool([[1.0, np.nan, np.nan], [4.0, 2.0, np.nan]], [[2, 5, 1], [1, 3, 1]])
    np.testing.assert_array_equal(mean, [2, 2, np.nan])
    np.testing.assert_array_equal(weights, [3, 3, 0])


def test_overlap_of_strides() -> None:
    assert [overlap_of(7, s) for s in (1, 2, 6, 7, 100)] == [7, 4, 2, 1, 1]


def test_adjusted_p_values() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.5])
    known = ~np.isnan(p)
    for dependent, method in ((False, "bh"), (True, "by")):
        out = adjusted(p, dependent)
        expected = stats.false_discovery_control(p[known], method=method)
        np.testing.assert_array_equal(out[known], expected)
        assert np.isnan(out[1])
    assert np.isnan(adjusted([np.nan])).all()
    assert p[0] == 0.01  # the argument is left as it is


@pytest.mark.parametrize("weights", [[-1.0] * 300, [np.nan] * 300, [np.inf] * 300])
def test_bad_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(ConfigError, match="weights"):
        compare(np.ones(300), 1, weights)


def test_an_overlap_below_1_is_refused() -> None:
    with pytest.raises(ConfigError, match="overlap"):
        compare(np.ones(300), 0)

"""A horizon for each frequency, and lags where the frequency has none."""

import pytest

from tsconv.check.suggestions.horizon import suggest_horizon, suggest_lags
from tsconv.data.seasons.periods import Season
from tsconv.data.timestamps.frequency import parse_frequency


@pytest.mark.parametrize(
    ("alias", "typical", "steps"),
    [("h", 5000, 24), ("15min", 5000, 96), ("min", 5000, 60), ("D", 500, 14), ("W", 200, 8),
     ("MS", 200, 12), ("QE", 100, 4), ("YS", 40, 3), ("B", 500, 10), ("1", 500, 10), ("h", 40, 5)],
)  # fmt: skip
def test_a_horizon_for_each_frequency(alias: str, typical: int, steps: int) -> None:
    assert suggest_horizon(parse_frequency(alias), typical, [])[0] == steps


def test_lags_come_from_the_data_only_where_the_frequency_has_none() -> None:
    seasons = [Season(24, 0.9, 0.8, 1.0), Season(168, 0.9, 0.1, 1.0)]
    assert suggest_lags(parse_frequency("1"), seasons, 1000) == [24]
    assert suggest_lags(parse_frequency("1"), seasons, 40) == []
    assert suggest_lags(parse_frequency("h"), seasons, 1000) == []
    assert suggest_horizon(parse_frequency("1"), 1000, seasons)[0] == 24

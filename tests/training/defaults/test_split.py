"""The test part: a cycle of the longest season and a tenth, for panels of all lengths."""

import dataclasses
import math

import pytest
import torch

from tests.helpers.panels import panel_of_zeros
from tsconv.config.schema import SplitConfig
from tsconv.errors import ConfigError
from tsconv.training.defaults.split import find_cycles, resolve_split

OPEN = SplitConfig(train_size=None, val_size=None, test_size=None)


def choose(
    freq: str,
    lengths: list[int],
    horizon: int,
    split: SplitConfig = OPEN,
    lags: tuple[int, ...] = (),
) -> tuple[SplitConfig, dict[str, str]]:
    sizes = torch.tensor([0, *lengths]).cumsum(0)
    return resolve_split(
        split,
        horizon,
        dataclasses.replace(panel_of_zeros(freq, len(lengths), 1), indptr=sizes),
        lags,
    )


@pytest.mark.parametrize(
    ("freq", "length", "horizon", "val", "test", "why"),
    [
        ("D", 14 * 365, 10, 100, 511, "511 of 5,110 steps of a typical series (10%): a tenth of "
         "it, which holds a year"),
        ("D", 5 * 365, 10, 100, 365, "365 of 1,825 steps of a typical series (20%): a year"),
        ("D", 3 * 365, 10, 100, 109, "a tenth of it, which holds a season of 7 steps"),
        ("h", 8760 * 4, 24, 240, 8760, "(25%): a year"),
        ("30min", 700, 8, 70, 70, "a tenth of it, which holds a season of 48 steps"),
        ("W", 260, 4, 26, 52, "a year"),
        ("MS", 60, 6, 6, 12, "a year"),
        ("MS", 40, 6, 6, 6, "6 of 40 steps of a typical series (15%): one horizon"),
        ("1", 5000, 10, 100, 500, "(10%): a tenth of it"),
        ("D", 40, 20, 0, 20, "(50%): one horizon"),
        ("D", 20, 12, 0, 0, "too few to hold out a horizon of 12"),
    ],
)  # fmt: skip
def test_sizes_and_their_reasons(
    freq: str, length: int, horizon: int, val: int, test: int, why: str
) -> None:
    split, reasons = choose(freq, [length] * 3, horizon)
    assert (split.val_size, split.test_size, split.test_stride) == (val, test, 1)
    assert reasons["split.test_size"].endswith(why)


def test_a_season_of_the_data_counts_as_one_of_the_frequency() -> None:
    split, reasons = choose("1", [1000], 10, lags=(200,))
    assert split.test_size == 200
    assert reasons["split.test_size"].endswith("(20%): a season of 200 steps")
    assert find_cycles(panel_of_zeros("B", 1, 9).frequency, [], 2000) == {
        5: "a season of 5 steps", 261: "a year",
    }  # fmt: skip


def test_shorter_series_are_not_held_out_for_a_year() -> None:
    """A fifth of the series have 600 days: a year and validation would leave them nothing."""
    lengths = [600] * 20 + [1941] * 80
    split, reasons = choose("D", lengths, 28)
    assert split.test_size == 194  # a tenth, as much as in a panel without a year
    assert "more would take half of the shorter series (600 steps)" in reasons["split.test_size"]
    split, _ = choose("D", [600] * 5 + [1941] * 95, 28)
    assert split.test_size == 365  # one in twenty may
    split, _ = choose("D", [40] * 50 + [1941] * 51, 28)
    assert split.test_size == 365  # nothing could be held out of the short ones anyway


def test_what_is_given_is_kept_and_scored_in_full() -> None:
    given = dataclasses.replace(OPEN, val_size=50, test_size=9000)
    split, reasons = choose("h", [90_000] * 400, 24, given)
    assert (split.val_size, split.test_size, split.test_stride) == (50, 9000, 1)
    assert reasons == {}
    asked, _ = choose("h", [90_000] * 4, 24, dataclasses.replace(given, test_stride=5))
    assert asked.test_stride == 5
    with pytest.raises(ConfigError, match=r"`split.test_stride` \(=0\) must be at least 1"):
        choose("h", [90_000], 24, dataclasses.replace(OPEN, test_stride=0))


def test_a_long_panel_is_sampled_at_every_phase_of_its_seasons() -> None:
    split, reasons = choose("h", [8760 * 6] * 370, 24)
    assert split.test_size == 8760
    stride = split.test_stride
    assert stride is not None
    assert stride > 1
    assert all(math.gcd(stride, cycle) == 1 for cycle in (24, 168, 8760))
    assert 370 * (8760 - 23) * 24 / stride <= 30_000_000
    assert f"1 in {stride} steps is an origin" in reasons["split.test_size"]
    assert reasons["split.test_stride"]
    assert split.val_stride == 1  # ten horizons: 370 * 217 * 24 values


def test_a_large_validation_part_is_scored_at_every_kth_origin_unless_its_size_is_given() -> None:
    split, reasons = choose("D", [1941] * 30_490, 28)
    assert (split.val_size, split.val_stride) == (194, 8)
    assert "1 in 8 steps is an origin" in reasons["split.val_size"]
    given, _ = choose("D", [1941] * 30_490, 28, dataclasses.replace(OPEN, val_size=194))
    assert given.val_stride == 1
    asked, _ = choose("D", [1941] * 30_490, 28, dataclasses.replace(OPEN, val_stride=3))
    assert asked.val_stride == 3
    with pytest.raises(ConfigError, match=r"`split.val_stride` \(=0\) must be at least 1"):
        choose("D", [1941], 28, dataclasses.replace(OPEN, val_stride=0))


@pytest.mark.parametrize(("n_series", "stride"), [(184, 1), (185, 2), (700, 4), (3000, 32)])
def test_where_no_season_is_even_a_stride_is_a_power_of_two(n_series: int, stride: int) -> None:
    """A tenth of each series is the test part: 831 origins of 196 steps."""
    split, _ = choose("D", [5130 * 2] * n_series, 196, dataclasses.replace(OPEN, val_size=0))
    assert split.test_size is not None
    values = n_series * (split.test_size - 195) * 196
    assert split.test_stride == stride
    assert values / stride <= 30_000_000
    assert stride == 1 or 2 * values / stride > 30_000_000


def test_without_a_known_season_the_sample_meets_the_phases_of_usual_ones() -> None:
    split, _ = choose("1", [60_000] * 370, 24)
    stride = split.test_stride
    assert stride is not None
    assert stride > 1
    assert all(math.gcd(stride, season) == 1 for season in (7, 12, 24, 60, 168))

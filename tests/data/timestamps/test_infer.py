"""Which grid the times of a file lie on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.frames import times
from tsconv.data.timestamps import infer
from tsconv.data.timestamps.infer import gaps_within, infer_frequency
from tsconv.errors import DataError


@pytest.mark.parametrize(
    ("freq", "alias", "seasons"),
    [
        ("h", "h", (24, 168)),
        ("15min", "15min", (96, 672)),
        ("30min", "30min", (48, 336)),
        ("min", "min", (60, 1440, 10080)),
        ("D", "D", (7,)),
        ("W-SUN", "W", (52,)),
        ("B", "B", (5,)),
        ("MS", "MS", (12,)),
        ("ME", "ME", (12,)),
        ("QS", "QS", (4,)),
        ("QE", "QE", (4,)),
        ("YS", "YS", ()),
        ("10s", "10s", (360, 8640, 60480)),
        ("2D", "2D", ()),
    ],
)
def test_inferred_from_the_gaps(freq: str, alias: str, seasons: tuple[int, ...]) -> None:
    time = times("2020-01-01", periods=40, freq=freq)
    found = infer_frequency(time, np.zeros(40, dtype="int64"))
    assert found.alias == alias
    assert found.seasons == seasons
    start = np.repeat(time[:1], 40)
    assert found.steps(start, time).tolist() == list(range(40))
    assert (found.advance(start, np.arange(40)) == time).all()


def test_holes_do_not_hide_the_step() -> None:
    time = np.delete(times("2020-01-01", periods=60, freq="h"), [3, 4, 5, 30, 41])
    assert infer_frequency(time, np.zeros(55, dtype="int64")).alias == "h"


def test_months_with_holes() -> None:
    time = np.delete(times("2020-01-31", periods=24, freq="ME"), [5, 6])
    found = infer_frequency(time, np.zeros(22, dtype="int64"))
    assert (found.alias, found.month_end) == ("ME", True)
    assert found.steps(np.repeat(time[:1], 22), time).tolist() == [*range(5), *range(7, 24)]


def test_integer_time() -> None:
    found = infer_frequency(np.array([10, 20, 40, 50]), np.zeros(4, dtype="int64"))
    assert (found.kind, found.size) == ("integer", 10)
    assert found.steps(np.full(3, 10), np.array([10, 40, 45])).tolist() == [0, 3, -1]


def test_one_row_a_series_cannot_be_inferred() -> None:
    with pytest.raises(DataError, match=r"set `data.freq=`"):
        infer_frequency(np.array([1, 1]), np.array([0, 1]))


@given(
    lines=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=30),
    block=st.integers(1, 9),
)
def test_gaps_are_counted_by_blocks(lines: list[tuple[int, int]], block: int) -> None:
    series, time = (np.array([line[k] for line in sorted(lines)], dtype="int64") for k in (0, 1))
    gaps = np.diff(time)[(np.diff(series) == 0) & (np.diff(time) > 0)]
    sizes, counts = np.unique(gaps, return_counts=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(infer, "_BLOCK", block)
        found = gaps_within(time, series)
    assert (found.sizes.tolist(), found.counts.tolist()) == (sizes.tolist(), counts.tolist())
    assert found.total == len(gaps)
    if len(gaps):
        assert found.median == np.median(gaps)
        assert found.commonest == sizes[counts.argmax()]

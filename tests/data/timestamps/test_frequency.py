"""Frequencies: their spellings, how steps are counted, how the calendar goes on."""

import numpy as np
import pytest

from tests.helpers.frames import times
from tsconv.data.timestamps.frequency import parse_frequency, spelling_notes
from tsconv.notes import Note, NoteKind


@pytest.mark.parametrize("freq", ["h", "D", "MS", "ME", "QE", "YE", "B", "W-WED", "20min"])
def test_future_timestamps_go_on_as_pandas_does(freq: str) -> None:
    time = times("2023-11-01", periods=60, freq=freq)
    found = parse_frequency(freq)
    ahead = found.advance(np.repeat(time[:1], 60), np.arange(60))
    assert (ahead == time).all()


def test_off_the_grid_is_minus_one() -> None:
    month = parse_frequency("MS")
    start = np.array(["2024-01-01"] * 2, dtype="datetime64[us]")
    off = np.array(["2024-02-01", "2024-02-02"], dtype="datetime64[us]")
    assert month.steps(start, off).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("M", "ME"), ("H", "h"), ("2T", "2min"), ("Q", "QE"), ("A-DEC", "YE-DEC"), ("BM", "BME"),
        ("2H", "2h"), ("S", "s"), ("L", "ms"), ("Y", "YE"), ("Q-FEB", "QE-FEB"),
    ],
)  # fmt: skip
def test_old_spellings_are_translated(old: str, new: str) -> None:
    assert parse_frequency(old).alias == new
    text = f"`data.freq` (={old}) is an old spelling, read as {new}"
    assert spelling_notes(old) == (Note(NoteKind.OLD_FREQUENCY_SPELLING, text),)
    assert spelling_notes(new) == ()


def test_a_longer_business_step_takes_only_its_own_days() -> None:
    days = times("2024-01-01", periods=4, freq="B")
    assert parse_frequency("2B").steps(np.repeat(days[:1], 4), days).tolist() == [0, -1, 1, -1]

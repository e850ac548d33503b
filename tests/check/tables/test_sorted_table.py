"""Sorted lines show their times and places as the file has them."""

from tests.helpers.checks import hourly_frame, sorted_table_of
from tests.helpers.frames import daily_frame


def test_times_are_shown_in_their_zone() -> None:
    table = sorted_table_of(
        hourly_frame("2024-03-30", "2024-04-02", "a"), timezone="America/New_York"
    )
    assert table.format_time(0) == "2024-03-30 00:00:00-04:00"
    assert sorted_table_of(daily_frame(1, 5)).format_time(0) == "2023-01-02"

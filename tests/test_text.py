"""Pieces of messages."""

from tsconv.text import format_bytes, percentage, plural, shorten


def test_words_for_numbers() -> None:
    assert plural(1, "line") == "1 line"
    assert plural(2000, "series", "series") == "2,000 series"
    assert [percentage(1, 10_000), percentage(1, 300), percentage(1, 4)] == [
        "<0.1%",
        "0.333%",
        "25.0%",
    ]
    assert [format_bytes(12), format_bytes(2_500_000), format_bytes(3e11)] == [
        "12 bytes",
        "2.5 MB",
        "300 GB",
    ]
    assert shorten(list("abcd"), 2) == "a, b and 2 more"

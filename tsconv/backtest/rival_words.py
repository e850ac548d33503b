"""What a simple forecast is called for people who decide: `last week repeated`."""

from __future__ import annotations

from tsconv.data.timestamps.frequency import DAY, parse_frequency
from tsconv.evaluation.rivals import SEASONAL_NAIVE, describe_baseline

_SPANS = {DAY // 24: "the last hour", DAY: "the last day", 7 * DAY: "last week"}


def rival_words(key: str, steps: int, freq: str) -> str:
    """A baseline as a phrase that follows "closer than".

    key, steps: of the baseline; freq: of the data, as a bundle has it.

    >>> rival_words("seasonal_naive_168", 168, "h"), rival_words("seasonal_naive", 12, "MS")
    ('last week repeated', 'last year repeated')
    >>> rival_words("naive", 1, "h"), rival_words("drift", 28, "D")
    ('the last value repeated', 'the line through the last 28 steps')
    """
    if key == "naive" or steps == 1:
        return "the last value repeated"
    if key == "drift":
        return f"the line through the last {steps:,} steps"
    if key == "window_average":
        return f"the mean of the last {steps:,} steps"
    if not key.startswith(SEASONAL_NAIVE):
        return describe_baseline(key, steps)
    frequency = parse_frequency(freq)
    if frequency.kind == "month" and frequency.size * steps == 12:
        return "last year repeated"
    if frequency.kind == "business" and frequency.size * steps == 5:
        return "last week repeated"
    if frequency.kind == "fixed":
        span = frequency.size * steps
        if span in _SPANS:
            return f"{_SPANS[span]} repeated"
        if 364 * DAY <= span <= 366 * DAY:
            return "last year repeated"
    return f"the last {steps:,} steps repeated"

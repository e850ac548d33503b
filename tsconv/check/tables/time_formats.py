"""The strptime format of times that are not written as ISO 8601, found from the texts alone."""

from __future__ import annotations

import functools
import re

import pandas as pd

_DATES = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%Y-%m-%d",
    "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d %B %Y",
    "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%y",
)  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H")
# Tried one group after the other: where there are dots, the day comes before the month unless it
# cannot. Every format that an error of reading advises is among them (timestamps.formats).
_FORMAT_GROUPS = (
    (
        *(date + clock for date in _DATES for clock in _CLOCKS),
        "%b %Y",
        "%B %Y",
        "%m/%Y",
        "%Y %b",
        "%Y %B",
        "%YM%m",
        "%b-%y",
        "%b-%Y",
    ),
    tuple("%m.%d.%Y" + clock for clock in _CLOCKS),
)


def time_format_of(values: pd.Series) -> str | list[str] | None:
    """Find the format that fits all values.

    Returns "" for ISO 8601, a list where several formats fit, None where none does.

    >>> time_format_of(pd.Series(["31.12.2023", "01.01.2024"]))
    '%d.%m.%Y'
    >>> time_format_of(pd.Series(["01/02/2024", "02/02/2024"]))
    ['%d/%m/%Y', '%m/%d/%Y']
    """
    text = values.astype(str).str.strip()
    if not text.str.contains(r"\d", regex=True).all():
        return None
    if pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True).notna().all():
        return None if text.str.fullmatch(r"\d+").all() else ""
    if not text.str.contains(r"[./\-\s]", regex=True).all():
        return None
    for formats in _FORMAT_GROUPS:
        fits = [
            form
            for form in formats
            if _rough_pattern(form).fullmatch(text.iloc[0])
            and pd.to_datetime(text, format=form, errors="coerce").notna().all()
        ]
        if fits:
            return fits[0] if len(fits) == 1 else fits
    return None


@functools.cache
def _rough_pattern(form: str) -> re.Pattern[str]:
    """A pattern that a format's texts match: quicker to try on every column than the format."""
    pattern = re.escape(form)
    for letters, what in (("dmHMSIy", r"\\d{1,2}"), ("Y", r"\\d{4}"), ("bBp", r"[A-Za-z]+")):
        pattern = re.sub(rf"%([{letters}])", what, pattern)
    return re.compile(pattern)

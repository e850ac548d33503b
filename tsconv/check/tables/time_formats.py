"""The format of times that are not written as ISO 8601, told from the texts themselves."""

from __future__ import annotations

import functools
import re

import pandas as pd

_DATES = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%Y-%m-%d",
    "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d %B %Y",
    "%B %d, %Y", "%d-%b-%y",
)  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
# Those to think of first, then the others: where there are dots, the day comes before the month
# unless it cannot. All that reading advises is among them (timetext.fitting).
_FORMATS = (
    (*(date + clock for date in _DATES for clock in _CLOCKS), "%b %Y", "%B %Y", "%m/%Y"),
    tuple("%m.%d.%Y" + clock for clock in _CLOCKS),
)


def time_format_of(values: pd.Series) -> str | list[str] | None:
    """The one format that fits all values, "" for ISO 8601, a list where several do, or None."""
    text = values.astype(str).str.strip()
    if not text.str.contains(r"\d", regex=True).all():
        return None
    if pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True).notna().all():
        return None if text.str.fullmatch(r"\d+").all() else ""
    if not text.str.contains(r"[./\-\s]", regex=True).all():
        return None
    for formats in _FORMATS:
        fits = [
            form
            for form in formats
            if _shape(form).fullmatch(text.iloc[0])
            and pd.to_datetime(text, format=form, errors="coerce").notna().all()
        ]
        if fits:
            return fits[0] if len(fits) == 1 else fits
    return None


@functools.cache
def _shape(form: str) -> re.Pattern[str]:
    """A rough shape of a format's texts: it spares trying all of them on every column."""
    shape = re.escape(form)
    for letters, what in (("dmHMSIy", r"\\d{1,2}"), ("Y", r"\\d{4}"), ("bBp", r"[A-Za-z]+")):
        shape = re.sub(rf"%([{letters}])", what, shape)
    return re.compile(shape)

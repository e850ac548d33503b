"""Tables that are neither long nor wide: a line a year, a column a month; repeated headers."""

from __future__ import annotations

import re

from tsconv.check.tables.columns import Column, is_text
from tsconv.check.tables.raw_table import RawTable
from tsconv.text import shorten

_PARTS_OF_DAY = {
    "hour",
    "hr",
    "period",
    "interval",
    "slot",
    "he",
    "block",
    "halfhour",
    "quarterhour",
}
_STEPS_A_DAY = (24, 25, 48, 50, 96, 100, 144, 288)  # with the hour that autumn repeats
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def describe_year_table(raw_table: RawTable) -> str | None:
    """Name a table with a line a year and a column a month; None where it is none."""
    months = [n for n in raw_table.names if n.strip().lower()[:3] in _MONTHS]
    months = [n for n in months if raw_table[n].numeric or raw_table[n].kind == "empty"]
    if len(months) != 12:
        return None
    return (
        f"the file has a line a year and a column a month (`{months[0]}` to `{months[-1]}`): write "
        f"it with a line a month, such as `time,value` with 2024-01-01"
    )


def describe_repeated_header(raw_table: RawTable) -> str | None:
    """Name a header that stands again among the lines, as in files put end to end."""
    texts = [n for n in raw_table.names if is_text(raw_table.arrow[n].type)]
    again = [n for n in texts if (raw_table.words(n).str.strip() == n).any()]
    if len(again) < 2:
        return None
    return (
        f"the header is repeated further down (`{again[0]}`, `{again[1]}`), as in files that were "
        f"joined; delete those lines"
    )


def counts_steps_of_day(column: Column) -> bool:
    """Whether a column of whole numbers counts the hours, or half-hours, of a day by its name.

    >>> counts_steps_of_day(Column("SETTLEMENT_PERIOD", "integer", 0, 48, 1, 48))
    True
    """
    if column.kind != "integer" or column.low not in (0, 1):
        return False
    words = set(re.split(r"[\W_]+", column.name.lower()))
    return bool(words & _PARTS_OF_DAY) and column.high - column.low + 1 in _STEPS_A_DAY


def describe_part_of_day(raw_table: RawTable) -> str | None:
    """Name a column that counts the steps of a day beside a date; None where there is none."""
    for column in raw_table.columns:
        if counts_steps_of_day(column):
            what = "hours" if column.high - column.low < 25 else "steps"
            return (
                f"`{column.name}` counts the {what} of a day from {column.low} to {column.high}: "
                f"it is a part of the time, not the name of a series; write one column of times, "
                f"such as 2024-01-31 00:00"
            )
    return None


def describe_midnight_as_24(raw_table: RawTable) -> str | None:
    """Name a column with times such as 24:00; None where there is none."""
    for column in raw_table.columns:
        if not is_text(raw_table.arrow[column.name].type):
            continue
        words = raw_table.words(column.name)
        odd = words[words.str.contains(r"(?:^|[ T])24:00")]
        if len(odd):
            return (
                f"`{column.name}` holds {odd.iloc[0]!r}: 24:00 cannot be read; write 00:00 of the "
                f"next day (the hours seem to be stamped at their end)"
            )
    return None


def describe_coded_times(raw_table: RawTable) -> str | None:
    """Name a column of quarters or ISO weeks; None where there is none."""
    shapes = {"quarters": r"\d{4}[- ]?Q[1-4]|Q[1-4][- /]\d{4}", "weeks": r"\d{4}-?W\d{1,2}"}
    for column in raw_table.columns:
        if not is_text(raw_table.arrow[column.name].type):
            continue
        words = raw_table.words(column.name).str.strip()
        for what, shape in shapes.items():
            if len(words) and words.str.fullmatch(shape).all():
                return (
                    f"`{column.name}` holds {what} such as {words.iloc[0]!r}: write a date for "
                    f"each, such as its first day"
                )
    return None


def describe_quarter_beside_year(raw_table: RawTable) -> str | None:
    """Name two columns of years and quarters, or weeks, that are the time together; or None."""
    if any(column.kind == "time" for column in raw_table.columns):
        return None
    whole = {c.name.strip().lower(): c for c in raw_table.columns if c.kind == "integer"}
    year = whole.get("year") or whole.get("yr")
    for names, most, what, date in (
        (("quarter", "qtr", "q"), 4, "quarter", "1959-04-01 for the second quarter of 1959"),
        (("week", "weekofyear", "week_of_year"), 53, "week", "the Monday of each"),
    ):
        part = next((whole[name] for name in names if name in whole), None)
        if year is not None and part is not None and part.low >= 1 and part.high <= most:
            return (
                f"`{year.name}` and `{part.name}` hold the time together, and tsconv reads a year "
                f"and a {what} only from one column of dates: write one, such as {date}"
            )
    return None


def describe_no_target(raw_table: RawTable, used: set[str]) -> str:
    """Say that no column holds numbers to forecast, and which ones nearly do.

    used: columns that have another role.
    """
    flat = [c.name for c in raw_table.columns if c.name not in used and c.numeric and c.constant]
    if flat:
        return f"`{flat[0]}` holds the same number on every line: there is nothing to forecast"
    for name in raw_table.names:
        if name in used or not is_text(raw_table.arrow[name].type):
            continue
        words = raw_table.words(name).str.strip()
        if len(words) and words.str.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}").mean() > 0.9:
            return (
                f"`{name}` holds numbers such as {words.iloc[0]!r}, whose comma may group "
                f"thousands or be a decimal mark: set \"data.thousands=','\" or "
                f"\"data.decimal=','\""
            )
        numbers = words.str.fullmatch(r"[^\w\s]?[^\w\s]?\d[\d.,' ]*\s?[^\d]{0,3}")
        if len(words) and numbers.mean() > 0.9:
            return (
                f"no column holds plain numbers to forecast: `{name}` holds text such as "
                f"{words.iloc[0]!r}; remove the signs, or name another column by data.target="
            )
    names = shorten([f"`{name}`" for name in raw_table.names], 8)
    return (
        f"no column besides the time and the id holds numbers to forecast (columns {names}); name "
        f"the target by data.target="
    )

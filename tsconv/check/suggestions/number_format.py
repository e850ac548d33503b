"""The decimal mark of numbers, and the mark that groups their digits, as the cells show them."""

from __future__ import annotations

import re

import pandas as pd

from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.tables.columns import is_text
from tsconv.check.tables.raw_table import RawTable
from tsconv.config.schema import DataConfig
from tsconv.data.missing import MISSING

_HEAD_CELLS = 2000  # in which the marks are looked for
# (pattern, decimal mark, what groups digits) in the order in which they are tried.
_NUMBER_FORMATS = (
    (r"[+-]?(?!0,)\d{1,3}(?:,\d{3})*(?:\.\d+)?|[+-]?\d+(?:\.\d+)?", ".", ","),
    (r"[+-]?\d+(?:,\d+)?", ",", ""),
    (r"[+-]?\d{1,3}(?:\.\d{3})*(?:,\d+)?|[+-]?\d+(?:,\d+)?", ",", "."),
    *(
        (rf"[+-]?\d{{1,3}}(?:{mark}\d{{3}})*(?:\{decimal}\d+)?|[+-]?\d+", decimal, mark)
        for mark in (" ", "\u00a0", "\u202f", "'", "\u2019")
        for decimal in ".,"
    ),
)
_ONE_GROUP = r"[+-]?[1-9]\d{0,2},\d{3}"
_TWO_MARKS = r",|\..*\."  # that show a point to group digits


def suggest_number_format(raw_table: RawTable, data: DataConfig) -> Suggestion:
    """Suggest the decimal mark, and what groups digits in threes, where cells show them.

    A mark groups digits only where something shows it: a decimal mark of the other kind, a second
    group, quotes around a comma, or smaller numbers without it. 2.006 is read as it stands, and
    18,228 between semicolons may be either.

    >>> import pyarrow as pa
    >>> raw_table = RawTable.of(pa.table({"sold": ["1,5", "2,25"]}))
    >>> suggest_number_format(raw_table, DataConfig(sep=";")).keys
    {'data.decimal': ','}
    >>> raw_table = RawTable.of(pa.table({"sold": ["18,228", "950"]}))
    >>> suggest_number_format(raw_table, DataConfig()).keys
    {'data.thousands': ','}
    """
    if data.decimal != "." or data.thousands is not None:
        return NO_SUGGESTION
    for column in raw_table.columns:
        if not is_text(raw_table.arrow[column.name].type) or column.kind == "time":
            continue
        words = raw_table.words(column.name).iloc[:_HEAD_CELLS].str.strip()
        words = words[~words.isin([*MISSING, "-", ".", "?"])]
        if is_ambiguous(words, data.sep):
            continue
        for pattern, decimal, thousands in _NUMBER_FORMATS:
            fits = words.str.fullmatch(pattern)
            evidence = _TWO_MARKS if thousands == "." else re.escape(thousands or decimal)
            shown = words[fits & words.str.contains(evidence)] if fits.mean() > 0.9 else words[:0]
            if len(shown):
                return _number_format(decimal, thousands, shown.iloc[0])
    return NO_SUGGESTION


def is_ambiguous(words: pd.Series, separator: str) -> bool:
    """Whether each number has one comma, before three digits, and no quotes tell what it is.

    >>> is_ambiguous(pd.Series(["18,228", "9,500"]), ";"), is_ambiguous(pd.Series(["950"]), ";")
    (True, False)
    """
    one_group = len(words) > 0 and words.str.fullmatch(_ONE_GROUP).mean() > 0.9
    return separator != "," and bool(one_group)


def _number_format(decimal: str, thousands: str, example: str) -> Suggestion:
    suggestion, why = NO_SUGGESTION, f"numbers such as {example}"
    if decimal != ".":
        suggestion |= Suggestion.of("data.decimal", decimal, why)
    if thousands:
        shown = "space" if thousands in (" ", "\u00a0", "\u202f") else thousands
        suggestion |= Suggestion.of("data.thousands", shown, why)
    return suggestion

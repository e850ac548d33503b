"""Numbers from text: decimal marks, digits grouped in threes, and what to set where it fails."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from tsconv.data.reading.cells import BadCells
from tsconv.data.settings import FileFormat, MissingPolicy
from tsconv.data.source_column import SourceColumn
from tsconv.text import plural

GROUP_MARKS = (",", ".", "'", " ")
# What else is written for two of them: no-break spaces and the typographic apostrophe.
_ALIKE = {" ": "[\u00a0\u202f\u2009]", "'": "\u2019"}


_NAMES = {" ": "the space", "'": "the apostrophe"}


def text_to_numbers(
    column: pd.Series,
    source: SourceColumn,
    form: FileFormat,
    missing: MissingPolicy,
    advice: str = "",
) -> tuple[pd.Series, BadCells]:
    """Numbers from text, NaN where missing, and the cells that count as missing for being none.

    advice: what else the column may be, for the error. Raises DataError for a cell that is no
    number where `missing.bad_values` is "error".

    >>> cells, form = pd.Series(["1.234,5", "NA"]), FileFormat(decimal=",", thousands=".")
    >>> text_to_numbers(cells, SourceColumn("y", str), form, MissingPolicy())[0].tolist()
    [1234.5, nan]
    """
    plain = column.str.strip()
    if form.thousands is not None:
        plain = without_groups(plain, form.thousands, form.decimal)
    # A point is then one of thousands, or the mark is another.
    odd = plain.str.contains(".", regex=False) if form.decimal != "." else None
    numbers = pd.to_numeric(plain.str.replace(form.decimal, ".", regex=False), errors="coerce")
    if odd is not None:
        numbers = numbers.mask(odd)
    empty = column.isin(missing.spellings)
    wrong = np.flatnonzero(numbers.isna() & ~empty)
    if len(wrong) == 0:
        return numbers.astype("float64"), BadCells()
    text = str(column.iloc[wrong[0]])
    if missing.bad_values == "error":
        hint = _mark_hint(column[~empty], text, form)
        hint = hint or advice
        raise source.error(
            wrong[0],
            f"{text[:100]!r} is not a number ({plural(len(wrong), 'such cell')}); {hint}fix it, "
            f"list it in "
            f"`data.na_values=`, or set `data.bad_values=missing`",
        )
    first = f"{source.at(wrong[0])}: {text[:100]!r}"
    return numbers.astype("float64"), BadCells(len(wrong), first, frozenset([source.name]))


def without_groups(text: pd.Series, thousands: str, decimal: str) -> pd.Series:
    """Numbers without the marks between their groups of three digits; other text as it is.

    >>> without_groups(pd.Series(["18,228", "1,234,567.5", "1,23", "7"]), ",", ".").tolist()
    ['18228', '1234567.5', '1,23', '7']
    """
    if alike := _ALIKE.get(thousands):
        text = text.str.replace(alike, thousands, regex=True)
    grouped = text.str.fullmatch(_groups(thousands, decimal)).to_numpy(dtype=bool)
    return text.mask(grouped, text.str.replace(thousands, "", regex=False))


def _groups(thousands: str, decimal: str) -> str:
    """The pattern of a number with at least one mark between groups of three digits."""
    mark, point = re.escape(thousands), re.escape(decimal)
    return rf"[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?:{point}\d*)?"


def _mark_hint(column: pd.Series, text: str, form: FileFormat) -> str:
    """What to set where the marks in the first wrong cell are not those of the config."""
    thousands, decimal = form.thousands, form.decimal
    if thousands is not None and re.fullmatch(rf"[+-]?[\d{re.escape(thousands + decimal)}]+", text):
        return f"`data.thousands` (={thousands}) must stand between groups of three digits: "
    other = "," if decimal == "." else "."
    if thousands is not None or not re.fullmatch(r"\s*[+-]?\d[\d.,' \u00a0\u202f\u2019]*", text):
        return ""
    for mark in (m for m in GROUP_MARKS if m not in (decimal, other)):
        if re.fullmatch(_groups(mark, decimal), re.sub(_ALIKE[mark], mark, text.strip())):
            key = "space" if mark == " " else '"\'"'
            return f"if {_NAMES[mark]} groups digits, set `data.thousands={key}`; else "
    if other not in text:
        return ""
    groups = f"set `data.thousands='{other}'`"
    point = "decimal comma" if other == "," else "decimal point"
    fraction = f"set `data.decimal='{other}'`"
    if other == "." and not _fits_decimal(text, other):
        fraction = ""
    kind = _kind_of_mark(column, other, decimal)
    if kind == "groups" or not fraction:
        return f"if `{other}` groups digits, {groups}; else "
    if kind == "decimal":
        return f"if that is a {point}, {fraction}; else "
    return f"if `{other}` groups digits, {groups}; if it is a {point}, {fraction}; else "


def _fits_decimal(text: str, mark: str) -> bool:
    return re.fullmatch(rf"[+-]?\d*{re.escape(mark)}\d*", text.strip()) is not None


def _kind_of_mark(column: pd.Series, mark: str, decimal: str) -> str:
    """What a mark is in most cells of a column: "groups", "decimal" or, if it is open, "either"."""
    cells = column.str.strip()
    escaped = re.escape(mark)
    grouped = cells.str.fullmatch(_groups(mark, decimal))
    marked = cells.str.contains(mark, regex=False)
    single = cells.str.fullmatch(rf"[+-]?\d*{escaped}\d*")
    sure_groups = int((grouped & ~single).sum())
    # Three digits behind a zero, or behind more than three, are decimals.
    decimals = single & (~grouped | cells.str.fullmatch(rf"[+-]?0+{escaped}\d*"))
    sure_decimals = int(decimals.sum())
    if sure_groups != sure_decimals:
        return "groups" if sure_groups > sure_decimals else "decimal"
    plain = pd.to_numeric(cells[~marked], errors="coerce").abs().dropna()
    if len(plain) and plain.max() < 1000 and 2 * int(grouped.sum()) > int(marked.sum()):
        return "groups"  # none below 1000 has a mark, none above is without
    return "either"

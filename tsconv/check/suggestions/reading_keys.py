"""Keys under which a file can be read that cannot be read as configured.

They are found in the file itself: its encoding, separator, decimal mark, time format, categories
and cells that are not numbers. Nothing is changed.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from tsconv.check.suggestions.suggestion import NO_SUGGESTION, Suggestion
from tsconv.check.tables.columns import Column, is_text
from tsconv.check.tables.raw_table import RawTable
from tsconv.check.tables.time_formats import time_format_of
from tsconv.config.schema import DataConfig
from tsconv.data.reading.csv_files.compression import open_unpacked
from tsconv.data.reading.files import is_parquet
from tsconv.data.reading.roles import as_list
from tsconv.data.timestamps.epoch import DIGITS, LOOKS, are_dates
from tsconv.text import shorten

_HEAD_BYTES = 1 << 22  # in which encoding and separator are looked for
_HEAD_LINES = 50  # in which the separator is looked for
_HEAD_CELLS = 2000  # of times in two columns in which a format is looked for
_ENCODINGS = ("utf-8", "cp1252", "latin-1")  # tried in this order after the configured one
_SEPARATORS = (";", "\t", "|", ",")
_REGULAR, _IRREGULAR = 0.97, 0.95  # share of the steps between times that are the commonest one
_MOST_BAD = 0.1  # share of a column's cells that may be no numbers by mistake
_MOST_SPELLINGS = 3  # of a missing value that are listed in `data.na_values`


def suggest_csv_format(files: Sequence[Path], data: DataConfig) -> Suggestion:
    """Suggest encoding and separator, from the first bytes of the first CSV file."""
    csv_files = [p for p in files if not is_parquet(p)]
    if not csv_files:
        return NO_SUGGESTION
    try:
        with open_unpacked(csv_files[0]) as stream:
            start = stream.read(_HEAD_BYTES)
    except OSError:
        return NO_SUGGESTION
    encoding = _find_encoding(start, data.encoding)
    if encoding is None:
        return NO_SUGGESTION
    suggestion = NO_SUGGESTION
    if encoding != data.encoding:
        why = f"the file is not written in {data.encoding}"
        suggestion |= Suggestion.of("data.encoding", encoding, why)
    text = start.decode(encoding, errors="ignore").lstrip("\ufeff")
    lines = text.splitlines()[:_HEAD_LINES]
    if lines:
        separator = _find_separator(lines, data.sep)
        if separator != data.sep:
            spelt = "tab" if separator == "\t" else separator
            suggestion |= Suggestion.of("data.sep", spelt, "separates the fields of all lines")
    return suggestion


def _find_encoding(start: bytes, configured: str) -> str | None:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    whole_lines = start[: start.rfind(b"\n") + 1] or start
    for encoding in (configured, *_ENCODINGS):
        try:
            whole_lines.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        return encoding
    return None


def _find_separator(lines: list[str], configured: str) -> str:
    """The configured one where it splits the header, else one that splits all lines alike."""
    if len(next(csv.reader(lines[:1], delimiter=configured))) > 1:
        return configured
    for separator in _SEPARATORS:
        records = csv.reader(lines[:-1] or lines, delimiter=separator)
        widths = {len(record) for record in records if record}
        if len(widths) == 1 and widths.pop() > 1:
            return separator
    return configured


def suggest_time_format(raw_table: RawTable, data: DataConfig) -> Suggestion:
    """Suggest the format of a time column that is not ISO 8601, or the unit of whole numbers.

    Whole numbers are distinguished as reading does where it refuses them.

    >>> raw_table = RawTable.of(pa.table({"ds": ["31.12.2023", "01.01.2024"]}))
    >>> suggest_time_format(raw_table, DataConfig()).keys
    {'data.time_format': '%d.%m.%Y'}
    """
    time = [name for name in as_list(data.time, "data.time") if name in raw_table]
    if not time or data.time_format is not None:
        return NO_SUGGESTION
    if len(time) > 1:
        return _suggest_joined_format(raw_table, time)
    column = raw_table[time[0]]
    if is_text(raw_table.arrow[column.name].type):
        words = raw_table.words(column.name)
        form = time_format_of(words)
        if isinstance(form, str) and form:
            why = f"times such as {words.iloc[0]!r}, which only this format reads"
            return Suggestion.of("data.time_format", form, why)
        regular = _regular_format(words, form) if isinstance(form, list) else None
        if regular is not None:
            why = f"times such as {words.iloc[0]!r}: only in this order are their steps equal"
            return Suggestion.of("data.time_format", regular, why)
    if column.kind != "integer" or data.time_unit is not None:
        return NO_SUGGESTION
    return suggest_for_whole_numbers(raw_table, column)


def _regular_format(words: pd.Series, formats: Sequence[str]) -> str | None:
    """The format under which nearly all steps between distinct times are equal; None for several.

    Months differ in length: steps of 28 days or more count as equal.
    """
    shares = {}
    for form in formats:
        times = pd.to_datetime(words.str.strip(), format=form, errors="coerce").drop_duplicates()
        days = times.sort_values().diff().dropna().dt.total_seconds() / 86_400
        counts = days.clip(upper=28).value_counts()
        shares[form] = counts.max() / len(days) if len(days) else 0.0
    regular = [form for form, share in shares.items() if share > _REGULAR]
    others = [share for share in shares.values() if share <= _IRREGULAR]
    return regular[0] if len(regular) == 1 and len(others) == len(shares) - 1 else None


def _suggest_joined_format(raw_table: RawTable, time: Sequence[str]) -> Suggestion:
    """Suggest the format of a date and a clock in two columns, which reading joins by a space."""
    if all(raw_table[name].kind == "integer" for name in time):
        return NO_SUGGESTION
    some = [raw_table.arrow[name].slice(0, _HEAD_CELLS).cast(pa.string()) for name in time]
    ends = [raw_table.arrow[name][-_HEAD_CELLS:].cast(pa.string()) for name in time]
    parts = [
        pd.Series([*a.to_pylist(), *b.to_pylist()], dtype="object").astype(str).str.strip()
        for a, b in zip(some, ends, strict=True)
    ]
    words = parts[0]
    for part in parts[1:]:
        words = words + " " + part
    words = words.drop_duplicates()
    form = time_format_of(words)
    if not isinstance(form, str) or not form:
        return NO_SUGGESTION
    why = f"times such as {words.iloc[0]!r}, which only this format reads"
    return Suggestion.of("data.time_format", form, why)


def suggest_for_whole_numbers(raw_table: RawTable, column: Column) -> Suggestion:
    """Suggest a format for numbers such as 20240131, a unit for those that count from 1970."""
    digits = len(str(column.low))
    form = DIGITS.get(digits) if digits == len(str(column.high)) else None
    values = raw_table.arrow[column.name].drop_null().unique().to_numpy()
    if form is not None and len(values) > 2 and are_dates(values.astype("int64"), form).all():
        why = f"whole numbers such as {column.low} are dates"
        return Suggestion.of("data.time_format", form, why)
    for unit, least in LOOKS.items():
        if least <= column.low and column.high < 100 * least:
            why = f"whole numbers around {column.low:,}: time since 1970"
            return Suggestion.of("data.time_unit", unit, why)
    return NO_SUGGESTION


def suggest_categories(
    raw_table: RawTable, covariates: Sequence[str], data: DataConfig
) -> Suggestion:
    """Suggest categories for the declared covariates that hold words, or true and false."""
    named = [str(n) for n in as_list(data.categories, "data.categories")]
    words = [n for n in covariates if n not in named and raw_table[n].kind == "text"]
    if not words:
        return NO_SUGGESTION
    why = f"these covariates hold words: {shorten(words, 4)}"
    return Suggestion.of("data.categories", [*named, *words], why)


def suggest_for_bad_cells(
    raw_table: RawTable, names: Sequence[str], data: DataConfig
) -> Suggestion:
    """Suggest what to do with cells of the value columns `names` that are not numbers.

    A few words count as spellings of a missing value; all else becomes missing.

    >>> raw_table = RawTable.of(pa.table({"y": ["1", "2", "-"]}))
    >>> suggest_for_bad_cells(raw_table, ["y"], DataConfig()).keys
    {'data.na_values': ['-']}
    """
    if data.bad_values != "error":
        return NO_SUGGESTION
    columns = [raw_table[n] for n in names if n in raw_table and raw_table[n].bad]
    if not columns:
        return NO_SUGGESTION
    spellings = sorted({cell for column in columns for cell in column.bad_cells})
    words = [s for s in spellings if not any(character.isdigit() for character in s)]
    if len(words) == len(spellings) <= _MOST_SPELLINGS:
        values = [*data.na_values, *words]
        return Suggestion.of("data.na_values", values, "they stand for missing values")
    if any(column.bad > _MOST_BAD * len(raw_table) for column in columns):
        return NO_SUGGESTION
    total = sum(column.bad for column in columns)
    why = f"{total:,} cells such as {spellings[0]!r} are not numbers"
    return Suggestion.of("data.bad_values", "missing", why)


def most_lenient(raw_table: RawTable, names: Sequence[str], data: DataConfig) -> Suggestion:
    """The last resort for a file that is refused: cells that are not numbers become missing.

    Not where they are more than a tenth of a value column: then the column is read wrongly.
    """
    bad = [raw_table[n] for n in names if n in raw_table]
    if data.bad_values != "error" or any(c.bad > _MOST_BAD * len(raw_table) for c in bad):
        return NO_SUGGESTION
    return Suggestion.of("data.bad_values", "missing", "some cells are not numbers")

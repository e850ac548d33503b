"""How a file that cannot be read as it was asked for can be: separator, encoding, marks, formats.

Each returns keys of the config with the reason, found in the file itself; nothing is changed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from tsconv.check.suggestions.roles import Suggestion
from tsconv.check.tables.raw_table import RawTable
from tsconv.check.tables.time_formats import time_format_of
from tsconv.config.schema import DataConfig
from tsconv.data.reading.csv_start import opened
from tsconv.data.reading.files import is_parquet
from tsconv.data.reading.roles import as_list
from tsconv.data.timestamps.epoch import DIGITS, LOOKS, are_dates
from tsconv.text import shorten

_HEAD = 1 << 22  # bytes in which encoding and separator are looked for
_COMMA = re.compile(r"[+-]?\d{1,3}(?:\.?\d{3})*,\d+|[+-]?\d+,\d+")
_MOST_SPELLINGS = 3


def reading_keys(files: Sequence[Path], data: DataConfig) -> Suggestion:
    """Encoding and separator, from the first bytes of the first CSV file."""
    texts = [p for p in files if not is_parquet(p)]
    if not texts:
        return Suggestion({}, {})
    try:
        with opened(texts[0]) as stream:
            start = stream.read(_HEAD)
    except OSError:
        return Suggestion({}, {})
    keys, why = {}, {}
    encoding = _encoding(start, data.encoding)
    if encoding is None:
        return Suggestion({}, {})
    if encoding != data.encoding:
        keys["data.encoding"] = encoding
        why["data.encoding"] = f"its bytes are not {data.encoding}"
    lines = start.decode(encoding, errors="ignore").lstrip("\ufeff").splitlines()[:50]
    if lines:
        sep = _separator(lines, data.sep)
        if sep != data.sep:
            keys["data.sep"], why["data.sep"] = sep, "it parts the header"
    return Suggestion(keys, why)


def _encoding(start: bytes, asked: str) -> str | None:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    whole = start[: start.rfind(b"\n") + 1] or start
    for encoding in (asked, "utf-8", "cp1252", "latin-1"):
        try:
            whole.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        return encoding
    return None


def _separator(lines: list[str], asked: str) -> str:
    """The asked one where it parts the header, else the one that parts all lines alike."""
    if len(next(csv.reader(lines[:1], delimiter=asked))) > 1:
        return asked
    for sep in (";", "\t", "|", ","):
        widths = {len(row) for row in csv.reader(lines[:-1] or lines, delimiter=sep) if row}
        if len(widths) == 1 and widths.pop() > 1:
            return sep
    return asked


def decimal_keys(raw: RawTable, data: DataConfig) -> Suggestion:
    """The decimal mark, where the cells have commas for it."""
    if data.decimal != "." or data.sep == ",":
        return Suggestion({}, {})
    heads = (_head(raw, column.name) for column in raw.columns if column.kind == "text")
    for cells in heads:
        if _decimal_comma(cells):
            reason = f"numbers such as {cells.iloc[0]}"
            return Suggestion({"data.decimal": ","}, {"data.decimal": reason})
    return Suggestion({}, {})


def time_keys(raw: RawTable, data: DataConfig) -> Suggestion:
    """The format of a time column that is not ISO 8601, or the unit of one that counts.

    Whole numbers are told apart as reading does where it refuses them.
    """
    time = as_list(data.time, "data.time")
    if len(time) != 1 or time[0] not in raw or data.time_format is not None:
        return Suggestion({}, {})
    column = raw[time[0]]
    if pa.types.is_string(raw.table[column.name].type):
        words = raw.table[column.name].combine_chunks().dictionary_encode().dictionary.to_pandas()
        words = words[words.astype(str).str.strip() != ""]
        form = time_format_of(words)
        if isinstance(form, str) and form:
            reason = f"times such as {words.iloc[0]!r}, and no other format fits them all"
            return Suggestion({"data.time_format": form}, {"data.time_format": reason})
    if column.kind != "integer" or data.time_unit is not None:
        return Suggestion({}, {})
    digits = len(str(column.low))
    form = DIGITS.get(digits) if digits == len(str(column.high)) else None
    values = raw.table[column.name].drop_null().unique().to_numpy()
    if form is not None and len(values) > 2 and are_dates(values.astype("int64"), form).all():
        reason = f"whole numbers such as {column.low} are dates"
        return Suggestion({"data.time_format": form}, {"data.time_format": reason})
    for unit, least in LOOKS.items():
        if least <= column.low and column.high < 100 * least:
            reason = f"whole numbers about {column.low:,}: time since 1970"
            return Suggestion({"data.time_unit": unit}, {"data.time_unit": reason})
    return Suggestion({}, {})


def category_keys(raw: RawTable, covariates: Sequence[str], data: DataConfig) -> Suggestion:
    """The declared covariates that hold words, or true and false, as categories."""
    named = [str(n) for n in as_list(data.categories, "data.categories")]
    words = [n for n in covariates if n not in named and raw[n].kind == "text"]
    if not words:
        return Suggestion({}, {})
    reason = f"covariates that are no numbers: {shorten(words, 4)}"
    return Suggestion({"data.categories": [*named, *words]}, {"data.categories": reason})


def value_keys(raw: RawTable, names: Sequence[str], data: DataConfig) -> Suggestion:
    """What to do with cells of the columns of values that are no numbers."""
    if data.bad_values != "error":
        return Suggestion({}, {})
    odd = [raw[n] for n in names if n in raw and raw[n].bad]
    if not odd:
        return Suggestion({}, {})
    spellings = sorted({cell for c in odd for cell in c.bad_cells})
    words = [s for s in spellings if not any(ch.isdigit() for ch in s)]
    if len(words) == len(spellings) <= _MOST_SPELLINGS:
        values = [*data.na_values, *words]
        return Suggestion({"data.na_values": values}, {"data.na_values": "they stand for nothing"})
    total = sum(c.bad for c in odd)
    reason = f"{total:,} cells such as {spellings[0]!r} are no numbers"
    return Suggestion({"data.bad_values": "missing"}, {"data.bad_values": reason})


def _head(raw: RawTable, name: str) -> pd.Series:
    values = raw.table[name].slice(0, 2000).to_pandas().astype(str).str.strip()
    return values[values != ""]


def _decimal_comma(values: pd.Series) -> bool:
    fits = np.array([_COMMA.fullmatch(v) is not None for v in values])
    plain = np.array([v.replace(".", "").lstrip("+-").isdigit() for v in values])
    return bool(len(fits) and fits.any() and (fits | plain).mean() > 0.9)

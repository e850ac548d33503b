"""The wanted columns of an .xlsx file: dates as dates, numbers as numbers, names as they are."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsconv.data.reading.cells import BadCells
from tsconv.data.reading.column_roles import ColumnRoles
from tsconv.data.reading.csv_files.csv_start import check_file_format
from tsconv.data.reading.csv_files.text_numbers import text_to_numbers
from tsconv.data.reading.excel_files.sheet import Sheet, has_formulas, read_sheet
from tsconv.data.settings import FileFormat, MissingPolicy
from tsconv.data.source_column import SourceColumn
from tsconv.errors import DataError
from tsconv.text import plural

_DATES = (datetime.datetime, datetime.date)  # a datetime is a date too


def read_excel(
    path: Path,
    match_roles: Callable[[list[str], str], ColumnRoles],
    form: FileFormat,
    missing: MissingPolicy,
) -> tuple[pd.DataFrame, ColumnRoles, BadCells]:
    """The wanted columns, their roles, and the cells that are no numbers and count as missing.

    Raises DataError naming the line, as the sheet counts it, of what cannot be read.
    """
    check_file_format(form)
    sheet = read_sheet(path, form)
    roles = match_roles(sheet.names, str(path))
    columns = {name: sheet.column(name) for name in roles.wanted}
    if has_formulas(path):
        _reject_unknown_formulas(sheet, roles.wanted, form)
    bad = BadCells()
    out: dict[str, Any] = {}
    for name, cells in columns.items():
        source = SourceColumn(name, sheet.locate)
        if name in roles.numbers:
            out[name], more = _numbers(cells, source, form, missing, roles.advice(name))
            bad = bad + more
        elif name in roles.time:
            out[name] = _times(cells, alone=len(roles.time) == 1)
        elif name in roles.categories:
            out[name] = pd.Series(
                ["" if cell is None else str(cell) for cell in cells], dtype="str"
            )
        else:
            out[name] = _names(cells)
    return pd.DataFrame(out), roles, bad


def _reject_unknown_formulas(sheet: Sheet, names: Sequence[str], form: FileFormat) -> None:
    """Raise DataError for a column whose formulas have no values: the file was never calculated.

    A formula alone may well give an empty cell, which looks the same.
    """
    formulas = read_sheet(sheet.path, form, formulas=True)
    known = set(sheet.lines)
    for name in names:
        at = formulas.columns[formulas.names.index(name)]
        found = [
            (n, line[at])
            for n, line in zip(formulas.lines, formulas.cells, strict=True)
            if at < len(line) and _is_formula(line[at])
        ]
        values = dict(zip(sheet.lines, sheet.column(name), strict=True))
        if found and all(n not in known or values[n] is None for n, _ in found):
            number, formula = found[0]
            raise DataError(
                f"{sheet.path}: line {number}, column `{name}`: the file holds a formula "
                f"({str(formula)[:60]}) without its value ({plural(len(found), 'such cell')}): "
                f"open the file in "
                f"Excel or LibreOffice and save it, or save the sheet as CSV"
            )


def _is_formula(cell: Any) -> bool:
    return (isinstance(cell, str) and cell.startswith("=")) or hasattr(cell, "ref")


def _numbers(
    cells: Sequence[Any],
    source: SourceColumn,
    form: FileFormat,
    missing: MissingPolicy,
    advice: str,
) -> tuple[pd.Series, BadCells]:
    """(N,) float64, NaN where missing; text among the cells is read as that of a CSV file is."""
    out = np.full(len(cells), np.nan)
    texts: list[str] = []
    at: list[int] = []
    for i, cell in enumerate(cells):
        if isinstance(cell, (int, float)):
            out[i] = cell
        elif cell is not None:
            texts.append(str(cell))
            at.append(i)
    if not texts:
        return pd.Series(out), BadCells()
    index = np.array(at)
    found, bad = text_to_numbers(
        pd.Series(texts, dtype="str"), source.take(index), form, missing, advice
    )
    out[index] = found.to_numpy()
    return pd.Series(out), bad


def _times(cells: Sequence[Any], alone: bool) -> pd.Series:
    """Dates as dates where all are, whole numbers as such, everything else as text.

    alone: whether it is the only column of time; beside others a date is text without a clock.
    """
    if alone and all(isinstance(cell, _DATES) for cell in cells):
        times = pd.Series(np.array(cells, dtype="datetime64[us]"))
        return times.dt.round("ms")  # they are fractions of a day in the file
    if all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in cells):
        return pd.Series(cells)
    return pd.Series([_time_text(cell) for cell in cells], dtype="str")


def _time_text(cell: Any) -> str:
    """A time as text: a date alone at midnight."""
    if isinstance(cell, datetime.datetime):
        cell = cell.date() if cell.time() == datetime.time() else cell
    return "" if cell is None else str(cell)


def _names(cells: Sequence[Any]) -> pd.Series:
    """Ids or rows in the type that all of them have; whole numbers stay numbers."""
    kinds = {type(cell) for cell in cells}
    if kinds == {int}:
        return pd.Series(cells, dtype="int64" if max(map(abs, cells)) < 2**63 else "object")
    return pd.Series(cells, dtype="str" if kinds == {str} else "object")

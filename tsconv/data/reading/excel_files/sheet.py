"""A sheet of an .xlsx file as it stands: its header, and its lines with their numbers."""

from __future__ import annotations

import dataclasses
import datetime
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tsconv.data.reading.csv_files.compression import largest_size
from tsconv.data.settings import FileFormat
from tsconv.errors import DataError, nearest, one_line
from tsconv.text import shorten

Cells = tuple[Any, ...]
_PIECE = 1 << 22
_MOST_LINES = 1 << 20  # Excel's own limit


@dataclasses.dataclass(frozen=True)
class Sheet:
    """The cells of a sheet: lines without any are left out, and counted."""

    path: Path
    title: str
    names: list[str]  # of the columns; the header may leave one without a name, called ""
    columns: list[int]  # where each of them stands in a line's cells
    lines: list[int]  # (N,) the number of each line of `cells` in the sheet, the first being 1
    cells: list[Cells]  # (N,) below the header

    def column(self, name: str) -> list[Any]:
        """(N,) the cells of a column; None for an empty one."""
        at = self.columns[self.names.index(name)]
        found = (line[at] if at < len(line) else None for line in self.cells)
        return [None if cell == "" else cell for cell in found]

    def locate(self, record: int) -> str:
        """File and line of a record of data, which is counted from 0."""
        return f"{self.path}: line {self.lines[record]}"


def read_sheet(path: Path, form: FileFormat, formulas: bool = False) -> Sheet:
    """Read the sheet `form.sheet`, or the only one that holds anything.

    formulas: give formulas themselves in place of their values. Raises DataError where openpyxl is
    not installed, the file cannot be read, several sheets might be meant, or a header names less
    than two of its columns.
    """
    workbook = _open(path, form, formulas)
    try:
        filled = {s.title: s for s in workbook.worksheets if _has_cells(s)}
        title = _choose(path, form.sheet, list(filled))
        numbered = list(_lines(filled[title]))
    except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile, SyntaxError) as error:
        raise DataError(f"{path}: the workbook is damaged: {one_line(error)[:300]}") from error
    finally:
        workbook.close()
    (first, header), data = numbered[0], numbered[1:]
    width = max(_width(line) for _, line in numbered[:100])
    used = [
        c
        for c in range(width)
        if any(len(line) > c and _is_filled(line[c]) for _, line in numbered)
    ]
    names = [_name(header[c]) if c < len(header) else "" for c in used]
    if names.count("") > 1:
        named = next((name for name in names if name), "")
        raise DataError(
            f"{path}: line {first} of sheet `{title}` should be the header, but names only "
            f"{len(names) - names.count('')} of {len(names)} columns (`{named[:60]}`): delete the "
            f"lines above the header, and name every column"
        )
    return Sheet(path, title, names, used, [n for n, _ in data], [line for _, line in data])


def line_of_record(path: Path, form: FileFormat, record: int) -> int:
    """The line of the sheet that holds a record of data, which is counted from 0."""
    lines = read_sheet(path, form).lines
    return lines[record] if record < len(lines) else record + 2


def has_formulas(path: Path) -> bool:
    """Whether any sheet of the file holds a formula; quick, for large files."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                continue
            with archive.open(name) as part:
                before = b""
                while piece := part.read(_PIECE):
                    if re.search(rb"<f[ >/]", before + piece):
                        return True
                    before = piece[-3:]
    return False


def _open(path: Path, form: FileFormat, formulas: bool) -> Any:
    try:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise DataError(
            f'{path}: reading {path.suffix} files takes openpyxl: pip install "tsconv[excel]", or '
            f"save the sheet as CSV"
        ) from error
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        own = path.stat().st_size
        if size > (cap := largest_size(own, form.max_bytes)):
            raise DataError(
                f"{path}: expands from {own:,} to more than {cap:,} bytes: if that is right, set "
                f"`data.max_bytes=` to a larger number"
            )
        with warnings.catch_warnings():  # of styles and extensions that have no cells
            warnings.simplefilter("ignore")
            return openpyxl.load_workbook(path, read_only=True, data_only=not formulas)
    except (
        InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError,
    ) as error:  # fmt: skip
        raise DataError(
            f"{path}: not an Excel file that can be read (is it encrypted, or another kind of "
            f"file?): {one_line(error)[:200]}"
        ) from error


def _choose(path: Path, asked: str | None, titles: list[str]) -> str:
    """The title of the sheet to read; raises DataError where none or several might be meant."""
    if not titles:
        raise DataError(f"{path}: the file is empty")
    if asked is None and len(titles) == 1:
        return titles[0]
    shown = shorten(titles, 12)
    if asked is None:
        raise DataError(
            f"{path}: there are {len(titles)} sheets: set `data.sheet=` to one of {shown}"
        )
    if asked not in titles:
        raise DataError(
            f"{path}: no sheet with cells is called `{asked}` (`data.sheet`)"
            f"{nearest(asked, titles)}; its sheets are {shown}"
        )
    return asked


def _has_cells(sheet: Any) -> bool:
    return next(_lines(sheet), None) is not None


def _lines(sheet: Any) -> Iterator[tuple[int, Cells]]:
    """(number, cells) of each line that has any."""
    sheet.reset_dimensions()  # which some programs write wrong
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > _MOST_LINES:  # openpyxl makes up every line before one with a huge number
            raise ValueError(f"a sheet has at most {_MOST_LINES:,} lines")
        if any(_is_filled(cell) for cell in cells):
            yield number, cells


def _is_filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _width(cells: Cells) -> int:
    return max(c + 1 for c, cell in enumerate(cells) if _is_filled(cell))


def _name(cell: Any) -> str:
    """A cell of the header as text: a date without a clock at midnight, whole numbers as such."""
    if cell is None:
        return ""
    if isinstance(cell, datetime.datetime):
        return str(cell.date() if cell.time() == datetime.time() else cell)
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
